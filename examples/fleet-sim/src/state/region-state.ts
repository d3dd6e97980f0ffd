import { fixedId } from '../fleet/ids.ts';
import type { InstanceRecord } from '../fleet/instance.ts';
import type { ResolvedRegionOptions } from '../options.ts';

/** A registered target; `drainingUntilMs` is set once it was deregistered. */
export interface TargetRecord {
  readonly instanceId: string;
  readonly port: number;
  drainingUntilMs: number | undefined;
}

export interface TargetGroupRecord {
  readonly name: string;
  readonly arn: string;
  readonly loadBalancerArn: string;
  readonly service: string;
  readonly port: number;
  readonly tags: Record<string, string>;
  listenPort: number;
  targets: TargetRecord[];
}

/** A launch template with its one version. */
export interface LaunchTemplateRecord {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly imageId: string;
  readonly instanceType: string;
  readonly securityGroupIds: string[];
  readonly profileArn: string;
  readonly userData: string;
  readonly tags: Record<string, string>;
}

/** What a client token stood for, so that the same request gets the same answer. */
export interface LaunchTokenRecord {
  readonly fingerprint: string;
  readonly reservationId: string;
}

/** All that a region remembers; plain data, written to disk as JSON. */
export interface RegionState {
  readonly version: 1;
  readonly region: string;
  endpointPort: number;
  dependencyHealthy: boolean;
  /** Instances ever launched, also those that were there from the start. */
  launches: number;
  /** Instances launched through RunInstances. */
  launchesByApi: number;
  instances: InstanceRecord[];
  launchTokens: Record<string, LaunchTokenRecord>;
  targetGroups: TargetGroupRecord[];
  launchTemplates: LaunchTemplateRecord[];
}

/** Port that target groups name; the process behind a target listens on a port of its own. */
export const TARGET_PORT = 8080;

export function emptyState(options: ResolvedRegionOptions): RegionState {
  return {
    version: 1,
    region: options.region,
    endpointPort: options.port,
    dependencyHealthy: true,
    launches: 0,
    launchesByApi: 0,
    instances: [],
    launchTokens: {},
    targetGroups: [],
    launchTemplates: [],
  };
}

/** The tags that every host of a service carries, besides its name. */
export function serviceTags(service: string, environment: string): Record<string, string> {
  return { service, environment, 'lazarus:managed': 'true' };
}

/** Target group and launch template of a service that the state does not know yet. */
export function addService(
  state: RegionState,
  options: ResolvedRegionOptions,
  service: string,
  listenPort: number,
): void {
  const { accountId, environment, region } = options;
  const balancing = `arn:aws:elasticloadbalancing:${region}:${accountId}`;
  const tags = serviceTags(service, environment);
  state.targetGroups.push({
    name: service,
    arn: `${balancing}:targetgroup/${service}/${fixedId('tg', service).slice(3, 19)}`,
    loadBalancerArn: `${balancing}:loadbalancer/app/${service}/${fixedId('lb', service).slice(3, 19)}`,
    service,
    port: TARGET_PORT,
    tags,
    listenPort,
    targets: [],
  });
  state.launchTemplates.push({
    id: fixedId('lt', service),
    name: service,
    createdAtMs: Date.now(),
    imageId: fixedId('ami', service),
    instanceType: 't3.micro',
    securityGroupIds: [fixedId('sg', service)],
    profileArn: `arn:aws:iam::${accountId}:instance-profile/${service}`,
    userData: Buffer.from(`#!/bin/sh\nexec host --service ${service}\n`).toString('base64'),
    tags,
  });
}

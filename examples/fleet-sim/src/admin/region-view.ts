import type { LoadBalancer } from '../balancer/load-balancer.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { nameOf, stateOf } from '../fleet/instance.ts';
import type { InstanceRecord, InstanceState, ProcessState } from '../fleet/instance.ts';
import type { RegionState } from '../state/region-state.ts';
import type { CallLog } from '../wire/call-log.ts';

/** One instance as `GET /_sim/state` shows it. */
export interface InstanceView {
  readonly id: string;
  readonly name: string;
  readonly service: string | undefined;
  readonly az: string;
  readonly state: InstanceState;
  readonly process: ProcessState;
  readonly pid: number | undefined;
  readonly port: number | undefined;
  readonly health_url: string | undefined;
  readonly unhealthy: string | undefined;
  readonly client_token: string | undefined;
  readonly launched_at: string;
  readonly termination_protected: boolean;
  readonly tags: Readonly<Record<string, string>>;
  /** State in each target group that lists the instance. */
  readonly target_health: Readonly<Record<string, string>>;
}

export interface TargetGroupView {
  readonly name: string;
  readonly arn: string;
  readonly service: string;
  readonly url: string;
  readonly targets: readonly {
    readonly id: string;
    readonly name: string;
    readonly state: string;
    readonly reason: string | undefined;
  }[];
}

/** The whole region as `GET /_sim/state` shows it. */
export interface RegionView {
  readonly region: string;
  readonly endpoint: string;
  readonly pid: number;
  readonly zones: readonly string[];
  readonly dependency: { readonly healthy: boolean };
  readonly launches: number;
  readonly launches_by_api: number;
  readonly load_balancers: Readonly<Record<string, string>>;
  readonly instances: readonly InstanceView[];
  readonly target_groups: readonly TargetGroupView[];
  readonly calls: Readonly<Record<string, number>>;
}

export interface ViewedRegion {
  readonly endpoint: string;
  readonly zones: readonly string[];
  readonly state: RegionState;
  readonly fleet: Fleet;
  readonly balancers: readonly LoadBalancer[];
  readonly calls: CallLog;
}

export function viewRegion(region: ViewedRegion): RegionView {
  const { state, fleet, balancers } = region;
  return {
    region: state.region,
    endpoint: region.endpoint,
    pid: process.pid,
    zones: region.zones,
    dependency: { healthy: state.dependencyHealthy },
    launches: state.launches,
    launches_by_api: state.launchesByApi,
    load_balancers: Object.fromEntries(balancers.map((balancer) => [balancer.group.name, balancer.url])),
    instances: fleet.instances.map((instance) => viewInstance(instance, fleet, balancers)),
    target_groups: balancers.map((balancer) => viewTargetGroup(balancer, fleet)),
    calls: region.calls.counts(),
  };
}

function viewInstance(
  instance: InstanceRecord,
  fleet: Fleet,
  balancers: readonly LoadBalancer[],
): InstanceView {
  const listed = balancers.filter(({ group }) =>
    group.targets.some((target) => target.instanceId === instance.instanceId),
  );
  return {
    id: instance.instanceId,
    name: nameOf(instance),
    service: instance.tags['service'],
    az: instance.zone,
    state: stateOf(instance),
    process: instance.process,
    pid: fleet.pidOf(instance),
    port: instance.port,
    health_url: instance.tags['lazarus:health-url'],
    unhealthy: instance.ailment,
    client_token: instance.clientToken,
    launched_at: new Date(instance.launchTimeMs).toISOString(),
    termination_protected: instance.terminationProtected,
    tags: instance.tags,
    target_health: Object.fromEntries(
      listed.map((balancer) => [balancer.group.name, balancer.healthOf(instance.instanceId).state]),
    ),
  };
}

function viewTargetGroup(balancer: LoadBalancer, fleet: Fleet): TargetGroupView {
  const { name, arn, service, targets } = balancer.group;
  return {
    name,
    arn,
    service,
    url: balancer.url,
    targets: targets.map(({ instanceId }) => {
      const instance = fleet.find(instanceId);
      const { state, reason } = balancer.healthOf(instanceId);
      return { id: instanceId, name: instance === undefined ? instanceId : nameOf(instance), state, reason };
    }),
  };
}

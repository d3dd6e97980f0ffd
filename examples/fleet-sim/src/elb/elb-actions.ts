import type { LoadBalancer, ReportedHealth } from '../balancer/load-balancer.ts';
import type { FaultEffects } from '../faults/fault.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { stateOf } from '../fleet/instance.ts';
import type { ResolvedRegionOptions } from '../options.ts';
import { ApiError } from '../wire/api-error.ts';
import type { QueryParameters } from '../wire/query-parameters.ts';
import type { XmlChildren } from '../wire/xml.ts';

export const ELB_VERSION = '2015-12-01';

/** What an ELBv2 action works on. */
export interface ElbContext {
  readonly balancers: readonly LoadBalancer[];
  readonly fleet: Fleet;
  readonly options: ResolvedRegionOptions;
  readonly effects: FaultEffects;
  readonly save: () => void;
}

/** One action: reads the request, does what it asks, returns what goes into `<XResult>`. */
export type ElbAction = (parameters: QueryParameters, context: ElbContext) => XmlChildren;

const targetGroupNotFound = (): ApiError =>
  new ApiError('TargetGroupNotFound', 'One or more target groups not found');

function groupByArn(parameters: QueryParameters, { balancers }: ElbContext): LoadBalancer {
  const arn = parameters.text('TargetGroupArn');
  if (arn === undefined)
    throw new ApiError(
      'ValidationError',
      "1 validation error detected: Value null at 'targetGroupArn' failed to satisfy constraint: Member must not be null",
    );
  const balancer = balancers.find(({ group }) => group.arn === arn);
  if (balancer === undefined) throw targetGroupNotFound();
  return balancer;
}

function namedTargets(
  parameters: QueryParameters,
  defaultPort: number,
): { instanceId: string; port: number }[] {
  return parameters
    .structures('Targets.member')
    .map((target) => ({ instanceId: target.required('Id'), port: target.integer('Port') ?? defaultPort }));
}

const registerTargets: ElbAction = (parameters, context) => {
  const balancer = groupByArn(parameters, context);
  const targets = namedTargets(parameters, balancer.group.port);
  if (targets.length === 0) throw new ApiError('ValidationError', 'At least one target must be specified');
  const wrong = targets.filter(({ instanceId }) => {
    const instance = context.fleet.find(instanceId);
    return instance?.instanceId !== instanceId || stateOf(instance) !== 'running';
  });
  if (wrong.length > 0) {
    const ids = wrong.map(({ instanceId }) => `'${instanceId}'`).join(', ');
    throw new ApiError(
      'InvalidTarget',
      `The following targets are not in a running state and cannot be registered: ${ids}`,
    );
  }
  balancer.register(targets);
  context.save();
  return {};
};

const deregisterTargets: ElbAction = (parameters, context) => {
  const balancer = groupByArn(parameters, context);
  const ids = namedTargets(parameters, balancer.group.port).map(({ instanceId }) => instanceId);
  if (ids.length === 0) throw new ApiError('ValidationError', 'At least one target must be specified');
  balancer.deregister(ids, context.effects.drain_ms ?? context.options.drainMs);
  context.save();
  return {};
};

const describeTargetHealth: ElbAction = (parameters, context) => {
  const balancer = groupByArn(parameters, context);
  const { group } = balancer;
  const asked = namedTargets(parameters, group.port);
  const targets = asked.length > 0 ? asked : group.targets;
  return {
    TargetHealthDescriptions: {
      member: targets.map(({ instanceId, port }) => ({
        Target: { Id: instanceId, Port: port },
        HealthCheckPort: 'traffic-port',
        TargetHealth: healthXml(balancer.healthOf(instanceId)),
      })),
    },
  };
};

function healthXml({ state, reason, description }: ReportedHealth): XmlChildren {
  return { State: state, Reason: reason, Description: description };
}

const describeTargetGroups: ElbAction = (parameters, context) => {
  const names = parameters.list('Names.member');
  const arns = parameters.list('TargetGroupArns.member');
  const loadBalancer = parameters.text('LoadBalancerArn');
  const groups = context.balancers.map(({ group }) => group);
  const chosen = groups.filter(
    (group) =>
      (names.length === 0 || names.includes(group.name)) &&
      (arns.length === 0 || arns.includes(group.arn)) &&
      (loadBalancer === undefined || group.loadBalancerArn === loadBalancer),
  );
  if (chosen.length < Math.max(new Set(names).size, new Set(arns).size)) throw targetGroupNotFound();
  const { page, next } = cutPage(parameters, chosen);
  return {
    TargetGroups: { member: page.map((group) => targetGroupXml(group, context)) },
    NextMarker: next,
  };
};

function cutPage<T>(
  parameters: QueryParameters,
  items: readonly T[],
): { page: readonly T[]; next: string | undefined } {
  const size = parameters.integer('PageSize') ?? 400;
  const start = parameters.integer('Marker') ?? 0;
  if (size < 1 || size > 400) throw new ApiError('ValidationError', 'PageSize must be between 1 and 400');
  const end = start + size;
  return { page: items.slice(start, end), next: end < items.length ? String(end) : undefined };
}

function targetGroupXml(group: LoadBalancer['group'], { options }: ElbContext): XmlChildren {
  const { healthCheck } = options;
  return {
    TargetGroupArn: group.arn,
    TargetGroupName: group.name,
    Protocol: 'HTTP',
    Port: group.port,
    HealthCheckProtocol: 'HTTP',
    HealthCheckPort: 'traffic-port',
    HealthCheckEnabled: true,
    // The API knows whole seconds only.
    HealthCheckIntervalSeconds: Math.ceil(healthCheck.intervalMs / 1_000),
    HealthCheckTimeoutSeconds: Math.ceil(healthCheck.timeoutMs / 1_000),
    HealthyThresholdCount: healthCheck.healthyThreshold,
    UnhealthyThresholdCount: healthCheck.unhealthyThreshold,
    HealthCheckPath: '/health',
    Matcher: { HttpCode: '200' },
    LoadBalancerArns: { member: [group.loadBalancerArn] },
    TargetType: 'instance',
    ProtocolVersion: 'HTTP1',
    IpAddressType: 'ipv4',
  };
}

const describeTargetGroupAttributes: ElbAction = (parameters, context) => {
  groupByArn(parameters, context);
  const attributes = {
    'deregistration_delay.timeout_seconds': String(Math.ceil(context.options.drainMs / 1_000)),
    'load_balancing.algorithm.type': 'round_robin',
  };
  return { Attributes: { member: Object.entries(attributes).map(([Key, Value]) => ({ Key, Value })) } };
};

const describeTags: ElbAction = (parameters, { balancers }) => {
  const arns = parameters.list('ResourceArns.member');
  const groups = arns.map((arn) => {
    const found = balancers.find(({ group }) => group.arn === arn);
    if (found === undefined) throw targetGroupNotFound();
    return found.group;
  });
  return {
    TagDescriptions: {
      member: groups.map((group) => ({
        ResourceArn: group.arn,
        Tags: { member: Object.entries(group.tags).map(([Key, Value]) => ({ Key, Value })) },
      })),
    },
  };
};

/** Every ELBv2 action that the region serves. */
export const ELB_ACTIONS: Readonly<Record<string, ElbAction>> = {
  DeregisterTargets: deregisterTargets,
  DescribeTags: describeTags,
  DescribeTargetGroupAttributes: describeTargetGroupAttributes,
  DescribeTargetGroups: describeTargetGroups,
  DescribeTargetHealth: describeTargetHealth,
  RegisterTargets: registerTargets,
};

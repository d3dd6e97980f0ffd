import type { Instance } from '@aws-sdk/client-ec2';
import type { Host, HostLifecycle, HostState } from '@lazarus/core/ports';

/** Names of the tags by which hosts, target groups and Lazarus know each other. */
export const TAGS = {
  service: 'service',
  environment: 'environment',
  name: 'Name',
  /** `true`: Lazarus may act on this host. */
  managed: 'lazarus:managed',
  /** `true`: nothing may ever be done to it. */
  isProtected: 'lazarus:protected',
  /** Absolute URL of the healthcheck; otherwise `lazarus:health` is port and path on the private address. */
  healthUrl: 'lazarus:health-url',
  health: 'lazarus:health',
  state: 'lazarus:state',
  /** Decision that launched or retired the host. */
  decision: 'lazarus:decision',
  /** ISO time until which a host in forensics is kept. */
  keepUntil: 'lazarus:keep-until',
} as const;

const STATES: Readonly<Record<string, HostState>> = {
  pending: 'pending',
  running: 'running',
  'shutting-down': 'stopping',
  stopping: 'stopping',
  stopped: 'stopped',
  terminated: 'terminated',
};

const LIFECYCLES = new Set<string>([
  'active',
  'launching',
  'removing',
  'forensics',
] satisfies HostLifecycle[]);

/** Tags of an instance or target group as a plain record. */
export function tagsOf(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): Record<string, string> {
  return Object.fromEntries((tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
}

/**
 * The instance as a host; `undefined` for one that belongs to no service or lacks what identifies it. Everything is the
 * provider's word. Keeps S16.
 */
export function hostFromInstance(
  instance: Instance,
  around: { readonly account: string; readonly region: string; readonly inLoadBalancer: boolean },
): Host | undefined {
  const tags = tagsOf(instance.Tags);
  const { InstanceId: hostId, LaunchTime: launchedAt } = instance;
  const service = tags[TAGS.service];
  const state = STATES[instance.State?.Name ?? ''];
  if (hostId === undefined || launchedAt === undefined || service === undefined || state === undefined)
    return undefined;
  const healthUrl = healthUrlOf(instance, tags);
  return {
    hostId,
    name: tags[TAGS.name] ?? hostId,
    incarnation: {
      account: around.account,
      region: around.region,
      instanceId: hostId,
      launchedAtMs: launchedAt.getTime(),
    },
    service,
    environment: tags[TAGS.environment] ?? '',
    zone: instance.Placement?.AvailabilityZone ?? '',
    state,
    lifecycle: lifecycleOf(tags[TAGS.state]),
    inLoadBalancer: around.inLoadBalancer,
    ...(healthUrl === undefined ? {} : { healthUrl }),
    managed: tags[TAGS.managed] === 'true',
    isProtected: tags[TAGS.isProtected] === 'true',
    tags,
  };
}

/** An unknown state means that somebody else uses the tag: such a host takes no part as a peer. Keeps S8. */
function lifecycleOf(tag: string | undefined): HostLifecycle {
  if (tag === undefined || tag === '') return 'active';
  return LIFECYCLES.has(tag) ? (tag as HostLifecycle) : 'removing';
}

function healthUrlOf(instance: Instance, tags: Readonly<Record<string, string>>): string | undefined {
  const whole = tags[TAGS.healthUrl];
  if (whole !== undefined) return whole;
  const part = tags[TAGS.health];
  const address = instance.PrivateIpAddress;
  return part === undefined || address === undefined ? undefined : `http://${address}${part}`;
}

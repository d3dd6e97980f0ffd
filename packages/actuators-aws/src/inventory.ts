import type { Instance } from '@aws-sdk/client-ec2';
import type { Host, HostLifecycle, HostState } from '@lazarus/core/ports';

import { z } from 'zod';

/** Tags that Lazarus reads and writes at the provider. */
export const TAGS = {
  /** `true`: automated actions are allowed. Keeps S16. */
  managed: 'lazarus:managed',
  /** `true`: never act on it, whatever else it says. Keeps S16. */
  isProtected: 'lazarus:protected',
  /** `active`, `launching`, `removing` or `forensics`. */
  lifecycle: 'lazarus:state',
  /** Decision that last changed the lifecycle. */
  decision: 'lazarus:decision',
  /** Decision that launched the host; only that one may terminate it. */
  launchedBy: 'lazarus:launched-by',
  /** Host whose replacement it is. */
  replaces: 'lazarus:replaces',
  /** Idempotency key of the launch. */
  launchKey: 'lazarus:launch-key',
  /** Idempotency key of the last reboot. */
  rebootKey: 'lazarus:reboot-key',
  /** Until when a host is kept for examination, ISO time. */
  expiresAt: 'lazarus:expires-at',
  /** Absolute URL of the healthcheck. */
  healthUrl: 'lazarus:health-url',
  /** Without that URL: port and path on the private address, such as `:8080/health`. */
  health: 'lazarus:health',
} as const;

/** How hosts are read from the provider. */
export const InventoryOptions = z.strictObject({
  /** Tag with the service of a host. */
  serviceTag: z.string().min(1).default('service'),
  /** Tag with the environment of a host. */
  environmentTag: z.string().min(1).default('environment'),
  /** Port and path of the healthcheck on the private address, for hosts that no tag names one for: `:8080/health`. */
  health: z
    .string()
    .regex(/^(?::\d{1,5})?\/\S*$/, 'port and path look like :8080/health')
    .optional(),
  /** Instance ids on which Lazarus itself runs. Keeps S16. */
  protectedHosts: z.array(z.string().min(1)).readonly().default([]),
});

/** Options with all defaults. */
export type Inventory = z.output<typeof InventoryOptions>;

/** An instance with the account that its reservation names. */
export interface OwnedInstance {
  readonly instance: Instance;
  readonly account: string;
}

const STATES: Readonly<Record<string, HostState>> = {
  pending: 'pending',
  running: 'running',
  'shutting-down': 'stopping',
  stopping: 'stopping',
  stopped: 'stopped',
  terminated: 'terminated',
};

const LIFECYCLES: readonly string[] = [
  'active',
  'launching',
  'removing',
  'forensics',
] satisfies HostLifecycle[];

/** The tags of an instance. */
export function tagsOf(instance: Instance): Readonly<Record<string, string>> {
  return Object.fromEntries((instance.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
}

function lifecycleOf(tag: string | undefined, inLoadBalancer: boolean): HostLifecycle {
  if (tag === undefined || tag === '') return 'active';
  // A replacement is launching until it is in the load balancer.
  if (tag === 'launching' && inLoadBalancer) return 'active';
  // A word that is not understood must not make a host look like one in service. Keeps S8.
  return LIFECYCLES.includes(tag) ? (tag as HostLifecycle) : 'removing';
}

/** Anything else could make another host out of the address in front of it. */
const PORT_AND_PATH = /^(?::\d{1,5})?\/\S*$/;

function healthUrlOf(
  instance: Instance,
  tags: Readonly<Record<string, string>>,
  fallback: string | undefined,
): string | undefined {
  const whole = tags[TAGS.healthUrl];
  if (whole !== undefined) return whole;
  const part = tags[TAGS.health] ?? fallback;
  const { PrivateIpAddress: address } = instance;
  if (part === undefined || address === undefined || !PORT_AND_PATH.test(part)) return undefined;
  return `http://${address}${part}`;
}

/** Reads an instance as a host. The provider is the truth: nothing here comes from an event. Keeps S16. */
export function toHost(
  owned: OwnedInstance,
  context: { readonly inventory: Inventory; readonly region: string; readonly inLoadBalancer: boolean },
): Host {
  const { instance, account } = owned;
  const { inventory } = context;
  const tags = tagsOf(instance);
  const hostId = instance.InstanceId ?? '';
  const healthUrl = healthUrlOf(instance, tags, inventory.health);
  return {
    hostId,
    name: tags.Name === undefined || tags.Name === '' ? hostId : tags.Name,
    incarnation: {
      account,
      region: context.region,
      instanceId: hostId,
      launchedAtMs: instance.LaunchTime?.getTime() ?? 0,
    },
    service: tags[inventory.serviceTag] ?? '',
    environment: tags[inventory.environmentTag] ?? '',
    zone: instance.Placement?.AvailabilityZone ?? '',
    state: STATES[instance.State?.Name ?? ''] ?? 'stopping',
    lifecycle: lifecycleOf(tags[TAGS.lifecycle], context.inLoadBalancer),
    inLoadBalancer: context.inLoadBalancer,
    ...(healthUrl === undefined ? {} : { healthUrl }),
    managed: tags[TAGS.managed] === 'true',
    isProtected: tags[TAGS.isProtected] === 'true' || inventory.protectedHosts.includes(hostId),
    tags,
  };
}

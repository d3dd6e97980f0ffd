import { PortError } from '@lazarus/core';
import type { ActuatorCall, Budgets, Clock, Host, HostActuator, LoadBalancer } from '@lazarus/core/ports';
import type { FakeFleet } from './fleet.ts';

/** A provider and its load balancer, in memory. */
export interface FakeActuators {
  readonly hosts: HostActuator;
  readonly loadBalancer: LoadBalancer;
  /** Changes that really happened, in order: a call that is repeated with the same key is none. */
  readonly effects: readonly {
    readonly what: string;
    readonly hostId: string;
    readonly decisionId: string;
  }[];
  /** From now on every call fails with `LZ_ACTUATOR_TRANSIENT`; `undefined` heals it. */
  fail(reason: string | undefined): void;
}

/** What {@link createFakeActuators} works with. */
export interface FakeActuatorsOptions {
  readonly clock: Clock;
  /** What they change. */
  readonly fleet: FakeFleet;
  /** Asked right before each change, as the real ones do. Without it nothing is charged. */
  readonly budgets?: Pick<Budgets, 'holds'>;
  /** From the launch until a replacement runs, milliseconds. @defaultValue 0 */
  readonly bootMs?: number;
}

/**
 * Creates {@link FakeActuators} over a {@link FakeFleet}: what they change shows in its listings. They keep what the real
 * ones keep: one launch for one key (S1), nothing without a reservation (S6), nothing to a host that is protected or has
 * not opted in (S16).
 */
export function createFakeActuators(options: FakeActuatorsOptions): FakeActuators {
  const { fleet, budgets, clock, bootMs = 0 } = options;
  const launches = new Map<string, string>();
  const launchedBy = new Map<string, string>();
  const effects: { what: string; hostId: string; decisionId: string }[] = [];
  let failure: string | undefined;

  const reach = (signal: AbortSignal): void => {
    signal.throwIfAborted();
    if (failure !== undefined) throw transient(failure);
  };
  const target = async (hostId: string, call: ActuatorCall, isCharged = true): Promise<Host> => {
    reach(call.signal);
    const host = fleet.get(hostId);
    if (host === undefined) throw transient(`the provider does not know ${hostId} (yet)`);
    if (host.isProtected) throw protectedHost(`${host.name} is protected`);
    if (!host.managed) throw protectedHost(`${host.name} has not opted in`);
    if (isCharged && budgets !== undefined && !(await budgets.holds(call.decisionId)))
      throw refused(`decision ${call.decisionId} holds no reservation in the budget`);
    return host;
  };
  const change = (host: Host, part: Partial<Host>, what: string, { decisionId }: ActuatorCall): void => {
    fleet.put({ ...host, ...part });
    effects.push({ what, hostId: host.hostId, decisionId });
  };
  const boot = (hostId: string): void => {
    void clock.sleep(bootMs).then(() => {
      const host = fleet.get(hostId);
      if (host?.state === 'pending') fleet.put({ ...host, state: 'running' });
    });
  };

  const hosts: HostActuator = {
    clone: async ({ from, ...call }) => {
      const source = await target(from, call);
      const known = launches.get(call.idempotencyKey);
      if (known !== undefined) return { hostId: known, zone: fleet.get(known)?.zone ?? source.zone };
      const hostId = `i-new${launches.size + 1}`;
      launches.set(call.idempotencyKey, hostId);
      launchedBy.set(hostId, call.decisionId);
      change(
        cloneOf(source, hostId, clock.now()),
        { state: bootMs > 0 ? 'pending' : 'running' },
        'launch',
        call,
      );
      if (bootMs > 0) boot(hostId);
      return { hostId, zone: source.zone };
    },
    findClone: async ({ idempotencyKey, signal }) => {
      reach(signal);
      return launches.get(idempotencyKey);
    },
    describe: async (hostId, { signal }) => {
      reach(signal);
      return fleet.get(hostId);
    },
    setLifecycle: async ({ hostId, lifecycle, expiresAt, ...call }) => {
      const host = await target(hostId, call, lifecycle !== 'active');
      if (host.lifecycle === lifecycle) return;
      const tags = { ...host.tags, ...(expiresAt === undefined ? {} : { expires_at: expiresAt }) };
      change(host, { lifecycle, tags }, lifecycle, call);
    },
    terminate: async ({ hostId, ...call }) => {
      const host = await target(hostId, call);
      if (launchedBy.get(hostId) !== call.decisionId)
        throw protectedHost(`${host.name} was not launched by this decision`);
      if (host.state !== 'terminated')
        change(host, { state: 'terminated', inLoadBalancer: false }, 'terminate', call);
    },
    reboot: async ({ hostId, ...call }) => {
      change(await target(hostId, call), {}, 'reboot', call);
    },
  };

  const loadBalancer: LoadBalancer = {
    remove: async ({ hostId, ...call }) => {
      const host = await target(hostId, call);
      if (host.inLoadBalancer) change(host, { inLoadBalancer: false }, 'out of load balancer', call);
      return { groups: [groupOf(host)] };
    },
    add: async ({ hostId, ...call }) => {
      const host = await target(hostId, call, false);
      const lifecycle = host.lifecycle === 'launching' ? 'active' : host.lifecycle;
      if (!host.inLoadBalancer) change(host, { inLoadBalancer: true, lifecycle }, 'into load balancer', call);
      return { groups: [groupOf(host)] };
    },
    status: async (hostId, { signal }) => {
      reach(signal);
      const host = fleet.get(hostId);
      if (host === undefined) throw transient(`the provider does not know ${hostId} (yet)`);
      if (!host.inLoadBalancer) return 'unused';
      return host.state === 'running' ? 'healthy' : 'initial';
    },
  };

  return {
    hosts,
    loadBalancer,
    effects,
    fail: (reason) => {
      failure = reason;
    },
  };
}

function cloneOf(source: Host, hostId: string, launchedAtMs: number): Host {
  return {
    ...source,
    hostId,
    name: hostId.replace(/^i-/, ''),
    incarnation: { ...source.incarnation, instanceId: hostId, launchedAtMs },
    lifecycle: 'launching',
    inLoadBalancer: false,
    ...(source.healthUrl === undefined ? {} : { healthUrl: `http://${hostId}.invalid/health` }),
    tags: {},
  };
}

function groupOf({ service }: Host): string {
  return `tg-${service}`;
}

function transient(message: string): PortError {
  return new PortError({ code: 'LZ_ACTUATOR_TRANSIENT', message, retryable: true });
}

function protectedHost(message: string): PortError {
  return new PortError({ code: 'LZ_ACTUATOR_PROTECTED', message, retryable: false });
}

function refused(message: string): PortError {
  return new PortError({ code: 'LZ_BUDGET_REFUSED', message, retryable: false });
}

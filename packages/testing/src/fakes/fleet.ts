import { PortError } from '@lazarus/core';
import type { Clock, Fleet, FleetSnapshot, Host } from '@lazarus/core/ports';

/** Builds a host that is in service; every part can be changed. */
export function aHost(overrides: Partial<Host> = {}): Host {
  const hostId = overrides.hostId ?? 'i-web1';
  return {
    hostId,
    name: overrides.name ?? hostId.replace(/^i-/, ''),
    incarnation: {
      account: '111122223333',
      region: 'us-east-1',
      instanceId: hostId,
      launchedAtMs: Date.UTC(2025, 11, 1),
    },
    service: 'web',
    environment: 'prod',
    zone: 'us-east-1a',
    state: 'running',
    lifecycle: 'active',
    inLoadBalancer: true,
    healthUrl: `http://${hostId}.invalid/health`,
    managed: true,
    isProtected: false,
    tags: {},
    ...overrides,
  };
}

/** A fleet whose hosts a test sets. */
export interface FakeFleet extends Fleet {
  /** Adds hosts, or replaces those with the same id. */
  put(...hosts: readonly Host[]): void;
  remove(hostId: string): void;
  get(hostId: string): Host | undefined;
  /** Every host, terminated ones included. */
  hosts(): readonly Host[];
  /** From now on every call fails with `LZ_FLEET_UNAVAILABLE`; `undefined` heals it. */
  fail(reason: string | undefined): void;
  /** From now on every listing claims to be partial. */
  truncate(isPartial: boolean): void;
}

/** Creates a {@link FakeFleet}. Terminated hosts are never listed, as the port demands. */
export function createFakeFleet(options: {
  readonly clock: Clock;
  readonly hosts?: readonly Host[];
}): FakeFleet {
  const hosts = new Map<string, Host>();
  let failure: string | undefined;
  let isPartial = false;

  const living = (service: string): Host[] => {
    if (failure !== undefined)
      throw new PortError({ code: 'LZ_FLEET_UNAVAILABLE', message: failure, retryable: true });
    return [...hosts.values()].filter((host) => host.service === service && host.state !== 'terminated');
  };
  const put = (...added: readonly Host[]): void => {
    for (const host of added) hosts.set(host.hostId, host);
  };
  put(...(options.hosts ?? []));

  return {
    put,
    remove: (hostId) => void hosts.delete(hostId),
    get: (hostId) => hosts.get(hostId),
    hosts: () => [...hosts.values()],
    fail: (reason) => {
      failure = reason;
    },
    truncate: (partial) => {
      isPartial = partial;
    },
    list: async (service, listOptions): Promise<FleetSnapshot> => {
      listOptions?.signal?.throwIfAborted();
      return {
        service,
        hosts: living(service),
        complete: !isPartial,
        observedAtMs: options.clock.monotonic(),
      };
    },
    find: async (reference, findOptions) => {
      findOptions?.signal?.throwIfAborted();
      const all = living(reference.service);
      const byId = all.find((host) => host.hostId === reference.host);
      if (byId !== undefined) return byId;
      const named = all.filter((host) => host.name === reference.host);
      return named.length === 1 ? named[0] : undefined;
    },
  };
}

import type {
  FencingToken,
  HealthProbe,
  Host,
  HostActuator,
  Lease,
  LoadBalancer,
  LockGrant,
  Locks,
  Notification,
  Notifier,
  Page,
  PageResult,
  Pager,
} from '@lazarus/core/ports';
import { PortError } from '@lazarus/core';
import { aHost } from '@lazarus/testing';

/** One change of the world, and who asked for it. */
export interface Effect {
  readonly what: string;
  readonly target: string;
  readonly key?: string;
}

/** A provider, a load balancer and a pager in memory. Every call can be made to fail or to hang. */
export class World implements HostActuator {
  readonly hosts = new Map<string, Host>();
  readonly inService = new Set<string>();
  readonly launches = new Map<string, string>();
  /** Changes that really happened: a repeated call with the same key is not one. */
  readonly effects: Effect[] = [];
  /** Every call, in order. */
  readonly calls: string[] = [];
  readonly notifications: Notification[] = [];
  /** Called before each call is served; throws or waits to disturb it. */
  disturb: (call: string, signal: AbortSignal | undefined) => void | Promise<void> = () => undefined;
  /** Called after a call took effect and before its answer arrives. */
  answer: (call: string, signal: AbortSignal | undefined) => void | Promise<void> = () => undefined;
  page: Page = {
    incidentKey: 'INC-1',
    pageId: 'P1',
    status: 'triggered',
    escalationLevel: 1,
    takenByHuman: false,
  };
  health: HealthProbe['probe'] = async () => ({ status: 'healthy', latencyMs: 1, detail: '200' });
  #count = 0;

  constructor() {
    this.hosts.set('i-old', aHost({ hostId: 'i-old', inLoadBalancer: true }));
    this.inService.add('i-old');
  }

  async #call<T>(name: string, signal: AbortSignal | undefined, work: () => T): Promise<T> {
    this.calls.push(name);
    await this.disturb(name, signal);
    signal?.throwIfAborted();
    const result = work();
    await this.answer(name, signal);
    return result;
  }

  #effect(what: string, target: string, key?: string): void {
    this.effects.push({ what, target, ...(key === undefined ? {} : { key }) });
  }

  clone(call: Parameters<HostActuator['clone']>[0]): ReturnType<HostActuator['clone']> {
    return this.#call('clone', call.signal, () => {
      const known = this.launches.get(call.idempotencyKey);
      if (known !== undefined) return { hostId: known, zone: 'us-east-1a' };
      this.#count += 1;
      const hostId = `i-new${this.#count}`;
      this.launches.set(call.idempotencyKey, hostId);
      this.hosts.set(
        hostId,
        aHost({ hostId, lifecycle: 'launching', inLoadBalancer: false, state: 'running' }),
      );
      this.#effect('launch', hostId, call.idempotencyKey);
      return { hostId, zone: 'us-east-1a' };
    });
  }

  findClone(call: Parameters<HostActuator['findClone']>[0]): Promise<string | undefined> {
    return this.#call('findClone', call.signal, () => this.launches.get(call.idempotencyKey));
  }

  describe(hostId: string, options: { readonly signal: AbortSignal }): Promise<Host | undefined> {
    return this.#call('describe', options.signal, () => this.hosts.get(hostId));
  }

  setLifecycle(call: Parameters<HostActuator['setLifecycle']>[0]): Promise<void> {
    return this.#call(`setLifecycle ${call.lifecycle}`, call.signal, () => {
      const host = this.hosts.get(call.hostId);
      if (host === undefined || host.lifecycle === call.lifecycle) return;
      this.hosts.set(call.hostId, {
        ...host,
        lifecycle: call.lifecycle,
        tags: { ...host.tags, expires: call.expiresAt ?? '' },
      });
      this.#effect(call.lifecycle, call.hostId, call.idempotencyKey);
    });
  }

  terminate(call: Parameters<HostActuator['terminate']>[0]): Promise<void> {
    return this.#call('terminate', call.signal, () => {
      if (this.hosts.delete(call.hostId)) this.#effect('terminate', call.hostId, call.idempotencyKey);
    });
  }

  reboot(call: Parameters<HostActuator['reboot']>[0]): Promise<void> {
    return this.#call('reboot', call.signal, () => this.#effect('reboot', call.hostId, call.idempotencyKey));
  }

  readonly loadBalancer: LoadBalancer = {
    remove: (call) =>
      this.#call('lb.remove', call.signal, () => {
        if (this.inService.delete(call.hostId)) this.#effect('lb.remove', call.hostId, call.idempotencyKey);
        return { groups: ['tg'] };
      }),
    add: (call) =>
      this.#call('lb.add', call.signal, () => {
        if (!this.inService.has(call.hostId)) this.#effect('lb.add', call.hostId, call.idempotencyKey);
        this.inService.add(call.hostId);
        return { groups: ['tg'] };
      }),
    status: (hostId, options) =>
      this.#call('lb.status', options.signal, () => (this.inService.has(hostId) ? 'healthy' : 'unused')),
  };

  readonly probe: HealthProbe = {
    zone: 'us-east-1a',
    probe: (host, options) => {
      this.calls.push('probe');
      return this.health(host, options);
    },
  };

  readonly notifier: Notifier = {
    send: (notification) => this.#call('notify', undefined, () => void this.notifications.push(notification)),
  };

  readonly pager: Pager = {
    find: async () => this.page,
    acknowledge: (call) =>
      this.#call('pager.acknowledge', call.signal, (): PageResult => {
        if (this.page.takenByHuman) return { done: false, reason: 'taken_by_human', page: this.page };
        if (this.page.status === 'resolved')
          return { done: false, reason: 'already_resolved', page: this.page };
        return this.#page('acknowledged', this.page.escalationLevel);
      }),
    resolve: (call) =>
      this.#call('pager.resolve', call.signal, (): PageResult =>
        this.#page('resolved', this.page.escalationLevel),
      ),
    escalate: (call) =>
      this.#call(`pager.escalate`, call.signal, (): PageResult => this.#page('triggered', 2, call.reason)),
  };

  /** Reasons of the escalations, in order. */
  readonly escalations: string[] = [];

  #page(status: Page['status'], escalationLevel: number, reason?: string): PageResult {
    const changed = this.page.status !== status || this.page.escalationLevel !== escalationLevel;
    if (changed) {
      this.page = { ...this.page, status, escalationLevel };
      this.#effect(`page ${escalationLevel === 2 ? 'escalated' : status}`, this.page.incidentKey);
      if (reason !== undefined) this.escalations.push(reason);
    }
    return { done: true, page: this.page, changed };
  }

  get ports() {
    return {
      pager: this.pager,
      hosts: this,
      loadBalancer: this.loadBalancer,
      probe: this.probe,
      notifier: this.notifier,
    };
  }

  /** What happened, as short texts. */
  get story(): readonly string[] {
    return this.effects.map(({ what, target }) => `${what} ${target}`);
  }
}

/** A transient failure of a provider. */
export function transient(message = 'throttled'): PortError {
  return new PortError({ code: 'LZ_ACTUATOR_TRANSIENT', message, retryable: true });
}

/** A final refusal of a provider. */
export function refused(message = 'not allowed'): PortError {
  return new PortError({ code: 'LZ_ACTUATOR_REFUSED', message, retryable: false });
}

/** Locks in memory that can be taken away. */
export class TestLocks implements Locks {
  readonly held = new Map<string, { holder: string; lose: AbortController; token: FencingToken }>();
  #counter = 0;

  async acquire(request: Parameters<Locks['acquire']>[0]): Promise<LockGrant> {
    const name = JSON.stringify(request.target);
    const current = this.held.get(name);
    if (current !== undefined && current.holder !== request.holder)
      return { granted: false, heldBy: current.holder, by: request.target };
    this.#counter += 1;
    const entry = current ?? {
      holder: request.holder,
      lose: new AbortController(),
      token: { epoch: 1, counter: this.#counter },
    };
    this.held.set(name, entry);
    const lease: Lease = {
      target: request.target,
      holder: request.holder,
      token: entry.token,
      signal: entry.lose.signal,
      remainingMs: () => (entry.lose.signal.aborted ? 0 : request.ttlMs),
      release: async () => {
        if (this.held.get(name) === entry) this.held.delete(name);
      },
    };
    return { granted: true, lease };
  }

  async inspect(): Promise<undefined> {
    return undefined;
  }

  loseAll(): void {
    for (const entry of this.held.values()) entry.lose.abort(new Error('lost'));
  }
}

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Fleet } from '../fleet/fleet.ts';
import { stateOf } from '../fleet/instance.ts';
import type { InstanceRecord } from '../fleet/instance.ts';
import type { HealthCheckOptions } from '../options.ts';
import { listenOn } from '../state/listen.ts';
import type { TargetGroupRecord, TargetRecord } from '../state/region-state.ts';
import { forward, refuse } from './forward.ts';
import { TargetMonitor } from './target-monitor.ts';

/** Health of a target as DescribeTargetHealth words it. */
export interface ReportedHealth {
  readonly state: 'initial' | 'healthy' | 'unhealthy' | 'draining' | 'unused';
  readonly reason?: string;
  readonly description?: string;
}

export interface LoadBalancerSettings {
  readonly healthCheck: HealthCheckOptions;
  /** Called when a target left the group for good. */
  readonly changed: () => void;
}

/**
 * The load balancer in front of one target group: a real listener that forwards HTTP to real hosts.
 *
 * Membership counts from the very next request. Only healthy registered targets get traffic; when every target is
 * unhealthy all of them do, as the provider's load balancer fails open. Requests under way on a draining target
 * end undisturbed.
 */
export class LoadBalancer {
  readonly group: TargetGroupRecord;
  readonly #fleet: Fleet;
  readonly #settings: LoadBalancerSettings;
  readonly #server: Server;
  readonly #monitors = new Map<string, TargetMonitor>();
  readonly #drains = new Map<string, NodeJS.Timeout>();
  #turn = 0;

  constructor(group: TargetGroupRecord, fleet: Fleet, settings: LoadBalancerSettings) {
    this.group = group;
    this.#fleet = fleet;
    this.#settings = settings;
    this.#server = createServer((incoming, outgoing) => this.#serve(incoming, outgoing));
  }

  get url(): string {
    return `http://127.0.0.1:${this.group.listenPort}`;
  }

  /** @throws StartupError when the port is taken. */
  async start(): Promise<void> {
    this.group.listenPort = await listenOn(
      this.#server,
      this.group.listenPort,
      `load balancer of ${this.group.name}`,
    );
    this.dropTerminated();
    this.#follow();
  }

  /** Registers targets; one that was draining is taken back. */
  register(targets: readonly { instanceId: string; port: number }[]): void {
    for (const target of targets) {
      const known = this.#target(target.instanceId);
      if (known === undefined) this.group.targets.push({ ...target, drainingUntilMs: undefined });
      else if (known.drainingUntilMs !== undefined) known.drainingUntilMs = undefined;
    }
    this.#follow();
  }

  /** Takes targets out of traffic at once; they stay listed as draining for `drainMs`. */
  deregister(instanceIds: readonly string[], drainMs: number): void {
    for (const id of instanceIds) {
      const target = this.#target(id);
      if (target !== undefined) target.drainingUntilMs ??= Date.now() + drainMs;
    }
    this.#follow();
  }

  /** Drops targets whose instance was terminated, as the provider does by itself. */
  dropTerminated(): void {
    const isGone = (target: TargetRecord): boolean => {
      const instance = this.#fleet.find(target.instanceId);
      return instance === undefined || stateOf(instance) === 'terminated';
    };
    if (!this.group.targets.some(isGone)) return;
    this.group.targets = this.group.targets.filter((target) => !isGone(target));
    this.#follow();
  }

  healthOf(instanceId: string): ReportedHealth {
    const target = this.#target(instanceId);
    if (target === undefined) {
      return {
        state: 'unused',
        reason: 'Target.NotRegistered',
        description: 'Target is not registered to the target group',
      };
    }
    if (target.drainingUntilMs !== undefined) {
      const description = 'Target deregistration is in progress';
      return { state: 'draining', reason: 'Target.DeregistrationInProgress', description };
    }
    const instance = this.#fleet.find(instanceId);
    if (instance === undefined || stateOf(instance) !== 'running') {
      const state = instance === undefined ? 'terminated' : stateOf(instance);
      return {
        state: 'unused',
        reason: 'Target.InvalidState',
        description: `Target is in the ${state} state`,
      };
    }
    return this.#checkedHealth(instanceId);
  }

  /** Stops listening and probing; open connections are cut. */
  async close(): Promise<void> {
    for (const monitor of this.#monitors.values()) monitor.stop();
    for (const drain of this.#drains.values()) clearTimeout(drain);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #checkedHealth(instanceId: string): ReportedHealth {
    const health = this.#monitors.get(instanceId)?.health;
    if (health === undefined || health.state === 'initial') {
      const description = 'Initial health checks in progress';
      return { state: 'initial', reason: 'Elb.InitialHealthChecking', description };
    }
    const { state, reason, description } = health;
    return { state, ...(reason && { reason }), ...(description && { description }) };
  }

  #serve(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const target = this.#choose();
    if (target === undefined) {
      incoming.resume();
      refuse(outgoing, 503, 'Service Temporarily Unavailable');
    } else forward(incoming, outgoing, target);
  }

  /** The next target in turn. */
  #choose(): { host: string; port: number } | undefined {
    const withState = (state: ReportedHealth['state']): InstanceRecord[] =>
      this.group.targets
        .filter((target) => this.healthOf(target.instanceId).state === state)
        .flatMap((target) => this.#fleet.find(target.instanceId) ?? []);
    const healthy = withState('healthy');
    const eligible = healthy.length > 0 ? healthy : withState('unhealthy');
    this.#turn += 1;
    const chosen = eligible[this.#turn % Math.max(eligible.length, 1)];
    return chosen === undefined ? undefined : this.#fleet.addressOf(chosen);
  }

  #target(instanceId: string): TargetRecord | undefined {
    return this.group.targets.find((target) => target.instanceId === instanceId);
  }

  /** Brings probes and drain timers in step with the membership. */
  #follow(): void {
    const members = this.group.targets.filter((target) => target.drainingUntilMs === undefined);
    const ids = new Set(members.map((target) => target.instanceId));
    for (const [id, monitor] of this.#monitors) {
      if (ids.has(id)) continue;
      monitor.stop();
      this.#monitors.delete(id);
    }
    for (const id of ids) {
      if (!this.#monitors.has(id))
        this.#monitors.set(id, new TargetMonitor(() => this.#address(id), this.#settings.healthCheck));
    }
    this.#followDrains();
  }

  #followDrains(): void {
    for (const drain of this.#drains.values()) clearTimeout(drain);
    this.#drains.clear();
    for (const target of this.group.targets) {
      if (target.drainingUntilMs === undefined) continue;
      const leave = (): void => {
        this.group.targets = this.group.targets.filter((each) => each !== target);
        this.#drains.delete(target.instanceId);
        this.#settings.changed();
      };
      this.#drains.set(
        target.instanceId,
        setTimeout(leave, Math.max(0, target.drainingUntilMs - Date.now())),
      );
    }
  }

  #address(instanceId: string): { host: string; port: number } | undefined {
    const instance = this.#fleet.find(instanceId);
    return instance === undefined || stateOf(instance) !== 'running'
      ? undefined
      : this.#fleet.addressOf(instance);
  }
}

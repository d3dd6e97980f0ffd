import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from './ids.ts';
import { startHost } from './host-process.ts';
import type { HostProcess } from './host-process.ts';
import { moveTo, nameOf, stateOf } from './instance.ts';
import type { InstanceRecord } from './instance.ts';
import type { Warden } from './warden.ts';
import type { RegionState } from '../state/region-state.ts';

/** What a caller wants launched; the fleet fills in ids and times. */
export interface LaunchSpec extends Pick<
  InstanceRecord,
  | 'clientToken'
  | 'imageId'
  | 'instanceType'
  | 'zone'
  | 'subnetId'
  | 'keyName'
  | 'userData'
  | 'profileArn'
  | 'stuckPending'
  | 'securityGroupIds'
  | 'tags'
  | 'ailment'
> {
  readonly count: number;
  readonly bootMs: number;
}

export interface FleetSettings {
  readonly hostProgram: string;
  readonly bootMs: number;
  readonly shutdownMs: number;
  /** Where hosts ask for the shared dependency; known once the endpoint listens. */
  readonly dependencyUrl: () => string;
  /** Called after each change that has to be on disk. */
  readonly changed: () => void;
  readonly warden: Warden;
}

/** A host that does not end on SIGTERM within this time is killed. */
const GRACE_MS = 2_000;

/**
 * The hosts of the region: keeps each instance's record and the process behind it in step.
 *
 * The records belong to the {@link RegionState}; the processes belong to this object and end with it.
 */
export class Fleet {
  readonly #state: RegionState;
  readonly #settings: FleetSettings;
  readonly #processes = new Map<string, HostProcess>();
  readonly #booting = new Set<HostProcess>();
  #isClosed = false;

  constructor(state: RegionState, settings: FleetSettings) {
    this.#state = state;
    this.#settings = settings;
  }

  get instances(): readonly InstanceRecord[] {
    return this.#state.instances;
  }

  /** Whether any host is on its way up. */
  get isBooting(): boolean {
    return this.#booting.size > 0;
  }

  /** The instance with this id or, among those that are not terminated, with this Name tag. */
  find(idOrName: string): InstanceRecord | undefined {
    return this.instances.find(
      (instance) =>
        instance.instanceId === idOrName ||
        (stateOf(instance) !== 'terminated' && nameOf(instance) === idOrName),
    );
  }

  /** Address of the process behind an instance; undefined while there is none. */
  addressOf(instance: InstanceRecord): { host: string; port: number } | undefined {
    return instance.port === undefined ? undefined : { host: '127.0.0.1', port: instance.port };
  }

  pidOf(instance: InstanceRecord): number | undefined {
    const host = this.#processes.get(instance.instanceId);
    return host?.isAlive() === true ? host.pid : undefined;
  }

  /** Creates the records at once and boots the processes behind them. */
  launch(spec: LaunchSpec): InstanceRecord[] {
    const { count, bootMs, ...wanted } = spec;
    const reservationId = newId('r');
    const records = Array.from({ length: count }, (_, launchIndex): InstanceRecord => ({
      ...structuredClone(wanted),
      instanceId: newId('i'),
      reservationId,
      launchIndex,
      launchTimeMs: Date.now(),
      terminationProtected: false,
      process: 'off',
      port: undefined,
      stateReason: undefined,
      history: [{ state: 'pending', atMs: Date.now() }],
      events: [],
    }));
    this.#state.instances.push(...records);
    this.#state.launches += count;
    this.#settings.changed();
    for (const record of records) void this.#boot(record, bootMs);
    return records;
  }

  /** After a restart: takes each instance up where the region's death left it. */
  resume(): void {
    for (const instance of this.instances) {
      const state = stateOf(instance);
      if (state === 'pending') void this.#boot(instance, this.#settings.bootMs);
      else if (state === 'running' && instance.process === 'on') void this.#boot(instance, 0);
      else if (state === 'shutting-down') this.#ended(instance, 'terminated');
      else if (state === 'stopping') this.#ended(instance, 'stopped');
      // A process that was frozen is gone now; its host stays dead until someone reboots it.
      else if (instance.process === 'frozen') instance.process = 'crashed';
    }
    this.#settings.changed();
  }

  terminate(instance: InstanceRecord): void {
    if (['shutting-down', 'terminated'].includes(stateOf(instance))) return;
    instance.stateReason = { code: 'Client.UserInitiatedShutdown', message: 'User initiated shutdown' };
    void this.#end(instance, 'shutting-down', 'terminated');
  }

  stop(instance: InstanceRecord): void {
    if (stateOf(instance) !== 'running') return;
    instance.stateReason = { code: 'Client.UserInitiatedShutdown', message: 'User initiated shutdown' };
    void this.#end(instance, 'stopping', 'stopped');
  }

  start(instance: InstanceRecord): void {
    if (stateOf(instance) !== 'stopped') return;
    instance.stateReason = undefined;
    moveTo(instance, 'pending');
    this.#settings.changed();
    void this.#boot(instance, this.#settings.bootMs);
  }

  /** Ends the process, whatever state it is in, and boots it again; the instance stays `running`. */
  async reboot(instance: InstanceRecord): Promise<void> {
    instance.process = 'off';
    this.#settings.changed();
    await this.#endProcess(instance);
    await sleep(this.#settings.bootMs);
    if (stateOf(instance) === 'running') await this.#boot(instance, 0);
  }

  /** Breaks or mends the process behind an instance. */
  async signal(
    instance: InstanceRecord,
    signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGTERM',
  ): Promise<void> {
    const host = this.#processes.get(instance.instanceId);
    if (host?.isAlive() !== true) return;
    host.signal(signal);
    if (signal === 'SIGSTOP') instance.process = 'frozen';
    if (signal === 'SIGCONT' && instance.process === 'frozen') instance.process = 'on';
    if (signal === 'SIGKILL') await host.exited;
    this.#settings.changed();
  }

  setAilment(instance: InstanceRecord, ailment: string | undefined): void {
    instance.ailment = ailment;
    this.#processes.get(instance.instanceId)?.setAilment(ailment);
    this.#settings.changed();
  }

  /** Kills every host process and waits until the last one is gone. The records stay as they are. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const hosts = [...this.#processes.values()];
    for (const host of hosts) host.signal('SIGKILL');
    await Promise.all(hosts.map((host) => host.exited));
  }

  async #boot(instance: InstanceRecord, bootMs: number): Promise<void> {
    if (this.#isClosed || (instance.stuckPending && stateOf(instance) === 'pending')) return;
    const bootTime = sleep(bootMs);
    const host = this.#spawn(instance);
    this.#booting.add(host);
    try {
      const port = await host.listening;
      await bootTime;
      this.#booted(instance, host, port);
    } catch (error) {
      this.#bootFailed(instance, error as Error);
    } finally {
      this.#booting.delete(host);
    }
  }

  #spawn(instance: InstanceRecord): HostProcess {
    const host = startHost(this.#settings.hostProgram, {
      instanceId: instance.instanceId,
      name: nameOf(instance),
      service: instance.tags['service'] ?? 'unassigned',
      zone: instance.zone,
      port: instance.port ?? 0,
      dependencyUrl: this.#settings.dependencyUrl(),
      ailment: instance.ailment,
    });
    this.#processes.set(instance.instanceId, host);
    if (host.pid !== undefined) this.#settings.warden.watch(host.pid);
    void host.exited.then(() => this.#exited(instance, host));
    return host;
  }

  #booted(instance: InstanceRecord, host: HostProcess, port: number): void {
    if (this.#isClosed || this.#processes.get(instance.instanceId) !== host) return;
    const state = stateOf(instance);
    if (state !== 'pending' && state !== 'running') return;
    instance.port = port;
    instance.process = host.isAlive() ? 'on' : 'crashed';
    instance.tags['lazarus:health-url'] = `http://127.0.0.1:${port}/health`;
    moveTo(instance, 'running');
    this.#settings.changed();
  }

  #bootFailed(instance: InstanceRecord, error: Error): void {
    if (this.#isClosed) return;
    if (stateOf(instance) === 'running') {
      instance.process = 'crashed';
      this.#settings.changed();
    } else if (stateOf(instance) === 'pending') {
      instance.stateReason = { code: 'Server.InternalError', message: error.message };
      this.#ended(instance, 'terminated');
    }
  }

  #exited(instance: InstanceRecord, host: HostProcess): void {
    if (host.pid !== undefined) this.#settings.warden.forget(host.pid);
    if (this.#processes.get(instance.instanceId) === host) this.#processes.delete(instance.instanceId);
    if (this.#isClosed || (instance.process !== 'on' && instance.process !== 'frozen')) return;
    instance.process = 'crashed';
    this.#settings.changed();
  }

  async #end(
    instance: InstanceRecord,
    via: 'shutting-down' | 'stopping',
    to: 'terminated' | 'stopped',
  ): Promise<void> {
    moveTo(instance, via);
    const wasFrozen = instance.process === 'frozen';
    instance.process = 'off';
    this.#settings.changed();
    await Promise.all([
      this.#endProcess(instance, wasFrozen ? 0 : GRACE_MS),
      sleep(this.#settings.shutdownMs),
    ]);
    // Terminated while it was stopping: the later order wins.
    if (!this.#isClosed && stateOf(instance) === via) this.#ended(instance, to);
  }

  async #endProcess(instance: InstanceRecord, graceMs = 0): Promise<void> {
    const host = this.#processes.get(instance.instanceId);
    if (host === undefined) return;
    if (graceMs > 0) {
      host.signal('SIGTERM');
      const patience = new AbortController();
      const grace = sleep(graceMs, undefined, { signal: patience.signal }).catch(() => undefined);
      await Promise.race([host.exited, grace]);
      patience.abort();
    }
    host.signal('SIGKILL');
    await host.exited;
  }

  #ended(instance: InstanceRecord, state: 'terminated' | 'stopped'): void {
    instance.process = 'off';
    if (state === 'terminated') {
      instance.port = undefined;
      delete instance.tags['lazarus:health-url'];
    }
    moveTo(instance, state);
    this.#settings.changed();
  }
}

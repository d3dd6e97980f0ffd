/**
 * A region of Lazarus in one process and in virtual time: several nodes with the real decision, the real votes over an
 * in-process network and the real engine, around a fleet, a pager and a notifier in memory. The same seed gives the same
 * story.
 */
import type { DecisionRecord, LazarusEvent } from '@lazarus/core';
import type { LockTarget, Notification, RunView } from '@lazarus/core/ports';
import { resolveMembership } from '@lazarus/quorum';
import type { Membership } from '@lazarus/quorum';
import { createSeededRandom } from '../chance/seeded-random.ts';
import type { SeededRandom } from '../chance/seeded-random.ts';
import { createManualClock } from '../clock/manual-clock.ts';
import type { ManualClock } from '../clock/manual-clock.ts';
import { happyReply } from './happy-replies.ts';
import { compileLabConfig, labDocuments } from './lab-config.ts';
import type { LabConfig } from './lab-config.ts';
import { coverageOf } from './lab-coverage.ts';
import { createLabNetwork } from './lab-network.ts';
import type { LabNetwork } from './lab-network.ts';
import { startLabNode } from './lab-node.ts';
import type { LabNode } from './lab-node.ts';
import { durationMs } from './lab-options.ts';
import type { Lab, LabDuration, LabEvent, LabFaults, LabOptions, Spy } from './lab-options.ts';
import { outcomeOf } from './lab-outcome.ts';
import type { LabOutcome } from './lab-outcome.ts';
import { traceOfLab } from './lab-trace.ts';
import { createLabWorld } from './lab-world.ts';
import type { LabHost, LabWorld } from './lab-world.ts';
import { isCallOf, mockAction } from './mock-actions.ts';
import type { ActionReply, Mock, MockWorld, RunbookCall } from './mock-actions.ts';
import type { PrecheckReply } from './precheck-replies.ts';
import { recordedEvent, recordedMembers, recordedReplies, replayDifference } from './replay.ts';
import type { ReplayDifference } from './replay.ts';
import type { Action } from '@lazarus/dag';

/** The nodes of a lab that names none, one for each zone. */
export const DEFAULT_NODES = ['a', 'b', 'c'].map((id) => ({ id, zone: `us-east-1${id}` }));
/** Age at which another node takes what a dead one had taken. @remarks Source: lease of a shard of the stream. */
const REDELIVER_AFTER_MS = 10_000;
const SWEEP_MS = 5_000;
const IDLE_WITHIN_MS = 7_200_000;
/** Ports that the lab simulates; an action that needs another one answers as if all went well. */
const SIMULATED = new Set(['pager', 'hosts', 'loadBalancer', 'probe', 'notifier', 'fleet']);

/**
 * Creates a lab and starts its nodes.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` when a document is refused, `LZ_OPTION_INVALID`.
 * @example
 * ```ts
 * await using lab = await createLab({ services: '{ service: web, team: shop, profile: stateless }' });
 * lab.precheck('PeerCheck', { nodes: { c: 'timeout' } });
 * const { outcome, votes } = await lab.send({ event_type: 'HealthcheckDown', service: 'web', host: 'web-1' });
 * ```
 */
export async function createLab(options: LabOptions = {}): Promise<Lab> {
  const lab = new Region(options);
  await lab.start();
  return lab;
}

/** What became of an event on its way to a record. */
interface Emission {
  readonly eventId: string;
  readonly payload: LabEvent;
  readonly incidentKey: string | undefined;
  readonly emittedAtMs: number;
  node: string | undefined;
}

/** A recorded event that named no page gets none. */
function asEmitted({ incident_key: incidentKey, ...event }: LazarusEvent): LabEvent {
  return { ...event, incident_key: incidentKey ?? null };
}

function configOf({ config, ...options }: LabOptions): LabConfig {
  if (config !== undefined && 'snapshot' in config) return config;
  return compileLabConfig([...(config ?? []), ...labDocuments(options)], options);
}

class Region implements Lab {
  readonly #options: LabOptions;
  readonly #config: LabConfig;
  readonly #membership: Membership;
  readonly #clock: ManualClock;
  readonly #random: SeededRandom;
  readonly #world: LabWorld;
  readonly #network: LabNetwork;
  readonly #startedAtMs: number;
  readonly #replies: Map<string, PrecheckReply>;
  readonly #mocks: Record<string, Mock>;
  readonly #mockWorld: MockWorld = { calls: [], effects: new Map(), moments: 0 };
  readonly #actions: readonly Action[];
  readonly #nodes = new Map<string, LabNode>();
  readonly #lives = new Map<string, number>();
  readonly #emissions: Emission[] = [];
  readonly #deeds: { readonly atMs: number; readonly text: string }[] = [];
  /** Things to come: `at`, and events that wait for another node. */
  #planned = 0;
  #failure: { readonly cause: unknown } | undefined;
  #isClosed = false;

  constructor(options: LabOptions) {
    const { nodes = DEFAULT_NODES, startAt, seed = 1 } = options;
    this.#options = options;
    this.#config = configOf(options);
    this.#membership = resolveMembership({ members: [...nodes] });
    this.#clock = createManualClock(startAt === undefined ? {} : { wallMs: Date.parse(startAt) });
    this.#startedAtMs = this.#clock.now();
    this.#random = createSeededRandom(seed);
    this.#world = createLabWorld(this.#config, this.#membership.members, this.#clock);
    this.#network = createLabNetwork(this.#membership.members, {
      clock: this.#clock,
      random: this.#random.fork('network'),
    });
    this.#replies = new Map(Object.entries(options.prechecks ?? {}));
    this.#mocks = { ...options.mocks };
    this.#actions = this.#config.actions.map((action) =>
      mockAction(action, {
        mocks: this.#mocks,
        world: this.#mockWorld,
        unmocked: (each) => this.#unmocked(each),
        startedAtMs: () => this.#startedAtMs,
      }),
    );
    this.hosts(...(options.hosts ?? []));
  }

  async start(): Promise<void> {
    for (const { id } of this.#membership.members) await this.#startNode(id);
    void this.#sweepForever();
    await this.#clock.settle();
  }

  readonly clock: Lab['clock'] = {
    now: () => new Date(this.#clock.now()),
    advance: async (by) => {
      await this.#clock.advance(durationMs(by));
      this.#rethrow();
    },
    untilIdle: (max = IDLE_WITHIN_MS) => this.#untilIdle(durationMs(max)),
  };

  readonly fault: LabFaults = {
    crash: (node) => {
      this.#deed(`${node} crashes`);
      this.#node(node).kill();
      for (const emission of this.#emissions) if (emission.node === node) this.#redeliver(emission);
    },
    restart: async (node) => {
      this.#deed(`${node} starts again`);
      if (!this.#node(node).isDead) return;
      this.#network.setDead(node, false);
      await this.#startNode(node);
    },
    partition: (...sides) => {
      for (const node of sides.flat()) this.#node(node);
      this.#deed(`partition: ${sides.map((side) => side.join('+')).join(' | ')}`);
      this.#network.partition(sides);
    },
    heal: () => {
      this.#deed('the network heals');
      this.#network.heal();
    },
    delay: (from, to, by) => this.#network.delay(this.#node(from).id, this.#node(to).id, durationMs(by)),
    loseLock: async (target: LockTarget) => {
      this.#deed(`the lock on ${target.service} is lost`);
      await this.#world.locks.breakLock(target);
    },
  };

  get fleet() {
    return this.#world.fleet;
  }

  get effects() {
    return this.#world.actuators.effects;
  }

  get pager() {
    return this.#world.pager;
  }

  get pauses() {
    return this.#world.pauses;
  }

  get calls(): readonly RunbookCall[] {
    return this.#mockWorld.calls;
  }

  get notifications(): readonly Notification[] {
    return this.#world.notifier.sent;
  }

  callsOf(name: string): readonly RunbookCall[] {
    return this.calls.filter((call) => isCallOf(call, name));
  }

  hosts(...hosts: readonly LabHost[]): void {
    for (const host of hosts) this.#world.addHost(host);
  }

  health(hostId: string, health: NonNullable<LabHost['health']>): void {
    this.#world.setHealth(hostId, health);
  }

  precheck(name: string, reply: PrecheckReply): void {
    this.#replies.set(name, reply);
  }

  action(name: string, mock: Mock): Spy {
    this.#mocks[name] = mock;
    const callsOf = (): readonly RunbookCall[] => this.callsOf(name);
    return {
      get calls() {
        return callsOf();
      },
    };
  }

  at(time: LabDuration, what: () => void | Promise<void>): void {
    this.#planned += 1;
    const waitMs = Math.max(0, this.#startedAtMs + durationMs(time) - this.#clock.now());
    void this.#clock
      .sleep(waitMs)
      .then(what)
      .catch(this.#fail)
      .finally(() => {
        this.#planned -= 1;
      });
  }

  emit(event: LabEvent, options: { readonly node?: string } = {}): string {
    const full = this.#complete(event);
    const { incident_key: incidentKey, ...payload } = full;
    const { service = 'web', environment = 'prod', host, source = 'lab', id } = payload;
    this.#world.believe(service, environment, host);
    if (typeof incidentKey === 'string') this.#world.pager.open(incidentKey);
    const emission: Emission = {
      eventId: `${source}/${id}`,
      payload: typeof incidentKey === 'string' ? { ...payload, incident_key: incidentKey } : payload,
      incidentKey: incidentKey ?? undefined,
      emittedAtMs: this.#clock.now(),
      node: undefined,
    };
    this.#emissions.push(emission);
    this.#deliver(emission, options.node);
    return emission.eventId;
  }

  async send(event: LabEvent, options: { readonly node?: string } = {}): Promise<LabOutcome> {
    const eventId = this.emit(event, options);
    await this.#untilIdle(IDLE_WITHIN_MS);
    return this.outcome(eventId);
  }

  async plan(event: LabEvent): Promise<DecisionRecord> {
    const { incident_key: incidentKey, ...payload } = this.#complete(event);
    const { service = 'web', environment = 'prod', host } = payload;
    this.#world.believe(service, environment, host);
    const node = this.#random.pick(this.#living() as [LabNode, ...LabNode[]]);
    const planned = node.controller.plan({
      ...payload,
      ...(typeof incidentKey === 'string' ? { incident_key: incidentKey } : {}),
    } as Parameters<LabNode['controller']['plan']>[0]);
    return this.#whileTimePasses(planned);
  }

  async replay(records: readonly DecisionRecord[]): Promise<readonly ReplayDifference[]> {
    const differences: ReplayDifference[] = [];
    for (const record of records) {
      const event = recordedEvent(record);
      if (event === undefined) continue;
      const { members: nodes, absent } = recordedMembers(record);
      await using lab = await createLab({
        config: this.#config,
        startAt: event.time,
        region: event.region,
        seed: this.#options.seed ?? 1,
        prechecks: recordedReplies(record, this.#config.preconditions),
        ...(nodes.length === 0 ? {} : { nodes }),
      });
      const alive = nodes.find(({ id }) => !absent.includes(id));
      for (const id of absent) lab.fault.crash(id);
      const { record: now } = await lab.send(asEmitted(event), alive === undefined ? {} : { node: alive.id });
      const difference = replayDifference(record, now);
      if (difference !== undefined) differences.push(difference);
    }
    return differences;
  }

  async outcome(eventId: string): Promise<LabOutcome> {
    const emission = this.#emissions.find((each) => each.eventId === eventId);
    if (emission === undefined) throw new Error(`the lab has emitted no event ${eventId}`);
    const found = await this.#world.audit.byEvent(eventId);
    const record = found?.terminal === true ? found.record : undefined;
    const runId = record !== undefined && 'run_id' in record.decision ? record.decision.run_id : undefined;
    const { incidentKey, emittedAtMs } = emission;
    return outcomeOf({
      eventId,
      emittedAtMs,
      record,
      run: runId === undefined ? undefined : await this.#run(runId),
      page: incidentKey === undefined ? undefined : this.#world.pager.pageOf(incidentKey),
      calls: this.calls,
      trace: await this.trace(),
    });
  }

  async decisions(): Promise<readonly DecisionRecord[]> {
    const entries = this.#world.audit.entries;
    return entries.flatMap((entry) => (entry.kind === 'terminal' ? [entry.record] : []));
  }

  async runs(): Promise<readonly RunView[]> {
    const summaries = await this.#world.journal.list({ limit: 1_000 });
    const views = await Promise.all(summaries.map(({ runId }) => this.#run(runId)));
    return views.filter((view) => view !== undefined).reverse();
  }

  async trace(): Promise<readonly string[]> {
    return traceOfLab({
      startedAtMs: this.#startedAtMs,
      records: await this.decisions(),
      runs: await this.runs(),
      calls: this.calls,
      deeds: this.#deeds,
    });
  }

  async coverage() {
    return coverageOf(this.#config.snapshot, await this.decisions(), await this.runs());
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([...this.#nodes.values()].map((node) => node.close()));
    await this.#world.locks.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #complete(event: LabEvent): LabEvent & { readonly id: string } {
    const { service = 'web', host } = event;
    const count = this.#emissions.length + 1;
    return {
      id: `event-${count}`,
      event_type: 'HealthcheckDown',
      source: 'lab',
      time: new Date(this.#clock.now()).toISOString(),
      region: this.#options.region ?? 'us-east-1',
      environment: 'prod',
      service,
      incident_key: host === undefined ? service : `${service}/${host}`,
      attributes: {},
      ...event,
    };
  }

  #deliver(emission: Emission, wanted: string | undefined): void {
    const living = this.#living();
    const [first] = living;
    const { event_type: type = '', id = '' } = emission.payload;
    if (first === undefined) {
      this.#deed(`${type} ${id} arrives, and no node lives`);
      return;
    }
    const node = wanted === undefined ? this.#random.pick([first, ...living.slice(1)]) : this.#node(wanted);
    emission.node = node.id;
    this.#deed(`${type} ${id} is taken by ${node.id}`);
    node.stream.push(emission.payload);
  }

  /** What a dead node had taken and not concluded goes to another one. */
  #redeliver(emission: Emission): void {
    emission.node = undefined;
    this.#planned += 1;
    void this.#clock
      .sleep(REDELIVER_AFTER_MS)
      .then(async () => {
        const known = await this.#world.audit.byEvent(emission.eventId);
        if (known?.terminal !== true) this.#deliver(emission, undefined);
      })
      .catch(this.#fail)
      .finally(() => {
        this.#planned -= 1;
      });
  }

  async #startNode(id: string): Promise<void> {
    const member = this.#membership.members.find((each) => each.id === id);
    if (member === undefined) throw new Error(`the lab has no node ${id}`);
    const life = (this.#lives.get(id) ?? 0) + 1;
    this.#lives.set(id, life);
    const node = await startLabNode({
      member,
      membership: this.#membership,
      life,
      region: this.#options.region ?? 'us-east-1',
      config: this.#config,
      world: this.#world,
      network: this.#network,
      random: this.#random,
      actions: this.#actions,
      replies: this.#replies,
    });
    this.#nodes.set(id, node);
    for (const emission of this.#emissions) {
      if (emission.node === undefined && !(await this.#isConcluded(emission))) this.#deliver(emission, id);
    }
  }

  #unmocked(action: Action): ActionReply | 'run' | undefined {
    if (this.#options.unmocked === 'fail') return undefined;
    if (action.requires.length > 0 && action.requires.every((port) => SIMULATED.has(port))) return 'run';
    return happyReply(action);
  }

  async #sweepForever(): Promise<void> {
    for (;;) {
      await this.#clock.sleep(SWEEP_MS);
      if (this.#isClosed) return;
      for (const node of this.#living()) void node.outcomes.sweep().catch(this.#fail);
    }
  }

  async #untilIdle(maxMs: number): Promise<void> {
    const untilMs = this.#clock.monotonic() + maxMs;
    await this.#clock.settle();
    for (;;) {
      this.#rethrow();
      if (await this.#isIdle()) return;
      if (this.#clock.monotonic() >= untilMs) throw new Error(await this.#restless(maxMs));
      await this.#clock.advance(
        Math.min(this.#clock.nextInMs ?? SWEEP_MS, untilMs - this.#clock.monotonic()),
      );
    }
  }

  async #whileTimePasses<T>(work: Promise<T>): Promise<T> {
    const progress = { isDone: false };
    const done = work.finally(() => {
      progress.isDone = true;
    });
    done.catch(() => undefined);
    await this.#clock.settle();
    while (!progress.isDone) await this.#clock.advance(this.#clock.nextInMs ?? SWEEP_MS);
    return done;
  }

  /** Idle: nothing is planned, and every living node has nothing left to do. */
  async #isIdle(): Promise<boolean> {
    if (this.#planned > 0) return false;
    if (this.#living().length === 0) return true;
    for (const emission of this.#emissions) if (!(await this.#isConcluded(emission))) return false;
    if ((await this.#world.journal.list({ status: 'running', limit: 1 })).length > 0) return false;
    const { audit } = this.#world;
    return (await audit.openRuns()).length === 0 && (await audit.openAttachments()).length === 0;
  }

  async #isConcluded({ eventId }: Emission): Promise<boolean> {
    return (await this.#world.audit.byEvent(eventId))?.terminal === true;
  }

  async #restless(maxMs: number): Promise<string> {
    return [`the lab did not come to rest within ${maxMs} ms`, ...(await this.trace())].join('\n');
  }

  async #run(runId: string): Promise<RunView | undefined> {
    const [node] = this.#living();
    return (await node?.engine.get(runId)) ?? (await this.#world.journal.view(runId));
  }

  #living(): readonly LabNode[] {
    return [...this.#nodes.values()].filter(({ isDead }) => !isDead);
  }

  #node(id: string): LabNode {
    const node = this.#nodes.get(id);
    if (node === undefined)
      throw new Error(`the lab has no node ${id}, only ${[...this.#nodes.keys()].join(', ')}`);
    return node;
  }

  #deed(text: string): void {
    this.#deeds.push({ atMs: this.#clock.now() - this.#startedAtMs, text });
  }

  readonly #fail = (cause: unknown): void => {
    this.#failure ??= { cause };
  };

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.cause;
  }
}

/**
 * Edits of profiles on their way to their subscribers. What is in force follows from three things that all nodes share: the
 * documents, the version of each profile that everybody has, and the state of each rollout. Nodes read the state from time
 * to time; as long as they differ in it, so do their digests, and votes of one count as nothing for the other.
 *
 * Invariants:
 * S15: the wave is part of the digest; a state that cannot be read leaves in force what was.
 * - Only loading documents begins a rollout; only a node that has the edit moves it on.
 * - An edit with waves that the shared state does not know, because another edit took its place, is nobody's.
 */
import { describeError, PortError } from '../errors/lazarus-error.ts';
import type { CatalogOptions } from '../config/catalog.ts';
import { compileConfig } from '../config/compile-config.ts';
import type { CompiledSnapshot } from '../config/compiled-snapshot.ts';
import type { DecisionRecord } from '../decision/record.ts';
import type { Clock } from '../ports/clock.ts';
import type { ConfigDocument } from '../ports/config-source.ts';
import type { Logger } from '../ports/logger.ts';
import type { RolloutRecord, RolloutStore } from '../ports/rollout-store.ts';
import type { RunView } from '../ports/workflow-engine.ts';
import { combineSnapshots } from './combine-snapshots.ts';
import type { OpenRollout } from './combine-snapshots.ts';
import { judgeDecision, judgeRun } from './judge-outcome.ts';
import type { ProfileEdit } from './profile-edit.ts';
import { cutoffNow, stepRollout } from './rollout.ts';
import type { RolloutInput, RolloutOutcome, RolloutState } from './rollout.ts';
import { AT_ONCE, viewOf } from './rollout-view.ts';
import type { RolloutView } from './rollout-view.ts';
import { cutoffsOf, positionOf } from './wave-order.ts';

/** What {@link createRollouts} works with. */
export interface RolloutPorts {
  readonly store: RolloutStore;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly log: Logger;
}

/** The rollouts of a region, as one node sees them. It owns no timer: whoever wires it calls `tick`. */
export interface Rollouts {
  /**
   * Compiles documents; an edit of a profile with a `rollout` section begins its first wave, every other edit counts at once.
   *
   * @param catalog - What the documents can refer to, when it is not what it was at first: workflows come with documents.
   * @throws ConfigurationError `LZ_CONFIG_INVALID`, also when the other documents do not fit the version of a profile that
   * some services still have; PortError `LZ_CONFIG_UNREADABLE` when the state cannot be read.
   */
  load(documents: readonly ConfigDocument[], catalog?: CatalogOptions): Promise<CompiledSnapshot>;
  /**
   * Reads the shared state, adds what was observed here, moves waves on. Call it more often than the shortest hold-down, so
   * that nodes agree before they vote. Never rejects.
   *
   * @returns the configuration to put into force, when it is another one than before.
   */
  tick(): Promise<CompiledSnapshot | undefined>;
  /** Counts the end of a decision or of a run, when it says something about an edit. */
  observeDecision(record: Pick<DecisionRecord, 'decision' | 'service'>): void;
  observeRun(run: Pick<RunView, 'status' | 'service'>): void;
  /** Every rollout that is not over. */
  list(): Promise<readonly RolloutView[]>;
  /**
   * Stops, resumes or rolls back by hand; `false` when there is nothing that could be. What was rolled back and is resumed
   * begins with its first wave. @throws PortError `LZ_CONFIG_UNREADABLE`.
   */
  act(
    profile: string,
    what: 'stop' | 'resume' | 'roll_back',
    by: { readonly author: string; readonly reason: string },
  ): Promise<boolean>;
}

/** Creates {@link Rollouts}. */
export function createRollouts(options: CatalogOptions, ports: RolloutPorts): Rollouts {
  const { store, clock, log } = ports;
  let loaded: LoadedConfig | undefined;
  /** Loading and looking take turns: between the two halves of a load, its edit is known to nobody. */
  let turn: Promise<unknown> = Promise.resolve();
  let inForce: CompiledSnapshot | undefined;
  let open: readonly OpenRollout[] = [];
  /** Baselines by the edits they are made of: compiling one takes as long as compiling all. */
  let baseline: { readonly key: string; readonly snapshot: CompiledSnapshot } | undefined;
  /** By edit: what was seen of one says nothing about the next. */
  const pending = new Map<string, RolloutOutcome[]>();
  /** Since when this node sees the wave of an edit in force, by its own clock. */
  const watched = new Map<string, { readonly wave: string; readonly sinceMs: number }>();
  /** What the store said last: a store that has lost it gets it back. */
  const remembered = new Map<string, RolloutRecord>();

  const editOf = (profile: string): ProfileEdit | undefined => loaded?.after.profileEdits.get(profile);
  const openOf = (records: readonly RolloutRecord[]): readonly RolloutRecord[] =>
    records.filter(({ profile, rollout }) => rollout !== undefined && rollout.edit === editOf(profile)?.edit);

  /** What is in force by the shared state. */
  function effective(records: readonly RolloutRecord[]): CompiledSnapshot {
    if (loaded === undefined) throw new TypeError('load() comes first');
    const { documents, after, catalog } = loaded;
    const partial = records.flatMap((record) => {
      const state = stateHere(record, editOf(record.profile));
      return state === undefined ? [] : [{ profile: record.profile, accepted: record.accepted, state }];
    });
    open = partial;
    if (partial.length === 0) return after;
    const key = JSON.stringify([after.digest, ...partial.map(({ accepted }) => accepted.edit)]);
    if (baseline?.key !== key) {
      const profiles = partial.map(({ accepted }) => accepted.document);
      baseline = { key, snapshot: compileConfig(documents, { ...catalog, profiles }) };
    }
    return combineSnapshots(baseline.snapshot, after, open);
  }

  /** Whether the shared state knows the edit now; `false` when another node wrote at the same time. */
  async function begin(
    profile: string,
    { edit, terms, document }: ProfileEdit,
    record: RolloutRecord | undefined,
  ): Promise<boolean> {
    if (record?.accepted.edit === edit || record?.rollout?.edit === edit) return true;
    const epoch = (record?.epoch ?? 0) + 1;
    if (record === undefined || terms === undefined)
      return store.save({ profile, epoch, accepted: { edit, document } });
    const rollout: RolloutState = {
      edit,
      status: 'rolling',
      wave: 0,
      cutoffs: cutoffsOf(terms.waves, edit, subscribersOf(profile)),
      waveSinceMs: clock.now(),
      outcomes: [],
      because: 'the profile was edited',
    };
    return store.save({ profile, epoch, accepted: record.accepted, rollout });
  }

  /** Notes which waves are in force here from now on. */
  function watchAll(): void {
    for (const record of remembered.values()) watchedMs(record);
  }

  async function beginAll(edits: CompiledSnapshot['profileEdits']): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const records = new Map((await read()).map((record) => [record.profile, record]));
      let isKnown = true;
      for (const [profile, edit] of edits)
        isKnown = (await begin(profile, edit, records.get(profile))) && isKnown;
      if (isKnown) return;
    }
    throw busy();
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work);
    turn = result.catch(() => undefined);
    return result;
  }

  function subscribersOf(profile: string): readonly string[] {
    const { after } = loaded ?? {};
    return after === undefined
      ? []
      : after.summary.services.filter((service) => after.profileOf(service) === profile);
  }

  /** Reads the shared state; what it has lost is written again, because without it an edit would be everybody's. */
  async function read(): Promise<readonly RolloutRecord[]> {
    const records = new Map((await store.load()).map((record) => [record.profile, record]));
    for (const [profile, before] of remembered) {
      const epoch = records.get(profile)?.epoch ?? 0;
      if (epoch >= before.epoch) continue;
      log.warn('the store has lost the state of a rollout; it gets what this node knows', { profile });
      const again = { ...before, epoch: epoch + 1 };
      if (!(await store.save(again))) return read();
      records.set(profile, again);
    }
    for (const [profile, record] of records) remembered.set(profile, record);
    return [...records.values()];
  }

  /** For how long this node has watched the wave that is in force. Keeps its own time: wall clocks differ. */
  function watchedMs({ profile, rollout }: RolloutRecord): number {
    const wave = JSON.stringify([rollout?.edit, rollout?.status, rollout?.wave, rollout?.waveSinceMs]);
    const nowMs = clock.monotonic();
    const seen = watched.get(profile);
    if (seen?.wave === wave) return nowMs - seen.sinceMs;
    watched.set(profile, { wave, sinceMs: nowMs });
    return 0;
  }

  /** Takes one input. */
  async function step(
    record: RolloutRecord,
    input: RolloutInput,
  ): Promise<'done' | 'unchanged' | 'another_was_faster'> {
    const { profile, rollout, accepted } = record;
    const { terms, edit, document } = editOf(profile) ?? {};
    if (rollout === undefined || edit === undefined || document === undefined || rollout.edit !== edit)
      return 'unchanged';
    const { state, verdict } = stepRollout(terms ?? AT_ONCE, rollout, input, clock.now());
    if (!verdict.changed) return 'unchanged';
    const epoch = record.epoch + 1;
    const isDone = state.status === 'done';
    const next = isDone
      ? { profile, epoch, accepted: { edit, document } }
      : { profile, epoch, accepted, rollout: state };
    if (!(await store.save(next))) return 'another_was_faster';
    remembered.set(profile, next);
    watchedMs(next);
    if (verdict.event !== undefined)
      log.info(`the rollout of a profile: ${verdict.event}`, {
        profile,
        wave: state.wave + 1,
        because: state.because,
      });
    return 'done';
  }

  async function moveOn(): Promise<void> {
    const records = openOf(await read());
    const edits = new Set(records.map(({ profile }) => keyOf(profile, editOf(profile)?.edit)));
    for (const key of pending.keys()) if (!edits.has(key)) pending.delete(key);
    for (const record of records) {
      const key = keyOf(record.profile, record.rollout?.edit);
      const seen = pending.get(key) ?? [];
      const time = { watchedMs: watchedMs(record) };
      const input: RolloutInput =
        seen.length === 0 ? { kind: 'tick', ...time } : { kind: 'outcomes', outcomes: seen, ...time };
      // Who was not first counts again at the next tick, on top of what the other one wrote.
      const took = await step(record, input);
      if (took === 'done' || record.rollout?.status !== 'rolling')
        pending.set(key, pending.get(key)?.slice(seen.length) ?? []);
    }
  }

  function observe(service: string, verdict: 'failed' | 'went_well' | undefined): void {
    if (verdict === undefined) return;
    const profile = loaded?.after.profileOf(service);
    const rollout = open.find((each) => each.profile === profile);
    if (profile === undefined || rollout?.state.status !== 'rolling') return;
    if (positionOf(rollout.state.edit, service) >= cutoffNow(rollout.state)) return;
    const key = keyOf(profile, rollout.state.edit);
    const outcomes = pending.get(key) ?? [];
    outcomes.push({ atMs: clock.now(), failed: verdict === 'failed' });
    // One node in a storm remembers what the state would keep.
    pending.set(key, outcomes.slice(-MAX_PENDING));
  }

  async function load(
    documents: readonly ConfigDocument[],
    catalog: CatalogOptions,
  ): Promise<CompiledSnapshot> {
    const after = compileConfig(documents, catalog);
    const before = loaded;
    loaded = { documents, after, catalog };
    try {
      await beginAll(after.profileEdits);
      inForce = effective(await read());
      watchAll();
    } catch (error) {
      loaded = before;
      throw error;
    }
    return inForce;
  }

  async function tick(): Promise<CompiledSnapshot | undefined> {
    if (loaded === undefined) return undefined;
    try {
      await moveOn();
      const next = effective(await read());
      watchAll();
      if (next.digest === inForce?.digest) return undefined;
      inForce = next;
      return next;
    } catch (error) {
      log.warn('the state of rollouts could not be read or written; nothing changes', {
        error: describeError(error),
      });
      return undefined;
    }
  }

  return {
    load: (documents, catalog = options) => inTurn(() => load(documents, catalog)),
    tick: () => inTurn(tick),
    observeDecision: (record) => observe(record.service, judgeDecision(record)),
    observeRun: (run) => observe(run.service, judgeRun(run)),
    async list() {
      return openOf(await read()).flatMap(({ profile, rollout }) =>
        rollout === undefined
          ? []
          : [
              viewOf(
                profile,
                rollout,
                subscribersOf(profile),
                editOf(profile)?.terms ?? AT_ONCE,
                clock.now(),
              ),
            ],
      );
    },
    async act(profile, what, by) {
      // What a person says must not get lost because a node counted something at the same time.
      for (let attempt = 0; attempt < MAX_ATTEMPTS_BY_HAND; attempt += 1) {
        const record = openOf(await read()).find((each) => each.profile === profile);
        const took = record === undefined ? 'unchanged' : await step(record, { kind: what, ...by });
        if (took !== 'another_was_faster') return took === 'done';
      }
      throw busy();
    },
  };
}

const keyOf = (profile: string, edit: string | undefined): string => JSON.stringify([profile, edit]);

const busy = (): PortError =>
  new PortError({
    code: 'LZ_CONFIG_UNREADABLE',
    message: 'other nodes keep changing the state of rollouts; try again',
    retryable: true,
  });

const MAX_PENDING = 500;
/** How often what a person says tries to be first. */
const MAX_ATTEMPTS_BY_HAND = 20;
/** How often a load tries to be first. */
const MAX_ATTEMPTS = 5;

interface LoadedConfig {
  readonly documents: readonly ConfigDocument[];
  readonly after: CompiledSnapshot;
  readonly catalog: CatalogOptions;
}

/** How far the edit that this node has is; `undefined` when all have it. */
function stateHere(
  { accepted, rollout }: RolloutRecord,
  own: ProfileEdit | undefined,
): RolloutState | undefined {
  if (own === undefined || own.edit === accepted.edit) return undefined;
  if (own.edit === rollout?.edit) return rollout;
  // Another edit took its place: what was to come in waves must not come at once.
  return own.terms === undefined ? undefined : { ...NOBODYS, edit: own.edit };
}

const NOBODYS: Omit<RolloutState, 'edit'> = {
  status: 'rolled_back',
  wave: 0,
  cutoffs: [0],
  waveSinceMs: 0,
  outcomes: [],
  because: 'another edit of this profile took its place',
};

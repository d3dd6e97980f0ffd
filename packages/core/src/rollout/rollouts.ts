/**
 * Edits of profiles on their way to their subscribers. What is in force follows from three things that all nodes share: the
 * documents, the version of each profile that everybody has, and the state of each rollout. Nodes read the state from time
 * to time; as long as they differ in it, so do their digests, and votes of one count as nothing for the other.
 *
 * Invariants:
 * S15: the wave is part of the digest; a state that cannot be read leaves in force what was.
 * - Only loading documents begins a rollout; only a node that has the edit moves it on.
 */
import { describeError } from '../errors/lazarus-error.ts';
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
import { cutoffNow, errorRate, stepRollout } from './rollout.ts';
import type { RolloutInput, RolloutOutcome, RolloutState } from './rollout.ts';
import type { RolloutTerms } from './rollout-schema.ts';
import { cutoffsOf, positionOf } from './wave-order.ts';

/** One rollout, for people. Wire shape of `GET /v1/rollouts`. */
export interface RolloutView {
  readonly profile: string;
  readonly status: RolloutState['status'];
  /** From 1. */
  readonly wave: number;
  readonly waves: number;
  /** Services that have the edit, and all that subscribe. */
  readonly services: { readonly reached: number; readonly total: number };
  /** What ended for services that have the edit, within the window. */
  readonly outcomes: { readonly total: number; readonly failed: number };
  /** ISO time at which the wave began. */
  readonly since: string;
  readonly because: string;
}

/** What {@link createRollouts} works with. */
export interface RolloutPorts {
  readonly store: RolloutStore;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
}

/** The rollouts of a region, as one node sees them. It owns no timer: whoever wires it calls `tick`. */
export interface Rollouts {
  /**
   * Compiles documents; an edit of a profile with a `rollout` section begins its first wave, every other edit counts at once.
   *
   * @throws ConfigurationError `LZ_CONFIG_INVALID`, also when the other documents do not fit the version of a profile that
   * some services still have; PortError `LZ_CONFIG_UNREADABLE` when the state cannot be read.
   */
  load(documents: readonly ConfigDocument[]): Promise<CompiledSnapshot>;
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
  /** Stops, resumes or rolls back by hand; `false` when there is nothing that could be. */
  act(
    profile: string,
    what: 'stop' | 'resume' | 'roll_back',
    by: { readonly author: string; readonly reason: string },
  ): Promise<boolean>;
}

/** Creates {@link Rollouts}. */
export function createRollouts(options: CatalogOptions, ports: RolloutPorts): Rollouts {
  const { store, clock, log } = ports;
  let loaded: { readonly documents: readonly ConfigDocument[]; readonly after: CompiledSnapshot } | undefined;
  let inForce: CompiledSnapshot | undefined;
  let open: readonly OpenRollout[] = [];
  /** Baselines by the edits they are made of: compiling one takes as long as compiling all. */
  let baseline: { readonly key: string; readonly snapshot: CompiledSnapshot } | undefined;
  const pending = new Map<string, RolloutOutcome[]>();

  const editOf = (profile: string): ProfileEdit | undefined => loaded?.after.profileEdits.get(profile);
  const openOf = (records: readonly RolloutRecord[]): readonly RolloutRecord[] =>
    records.filter(({ profile, rollout }) => rollout !== undefined && rollout.edit === editOf(profile)?.edit);

  /** What is in force by the shared state. */
  function effective(records: readonly RolloutRecord[]): CompiledSnapshot {
    if (loaded === undefined) throw new TypeError('load() comes first');
    const { documents, after } = loaded;
    const rolling = openOf(records);
    open = rolling.flatMap(({ profile, rollout }) =>
      rollout === undefined ? [] : [{ profile, state: rollout }],
    );
    if (rolling.length === 0) return after;
    const key = JSON.stringify([after.digest, ...rolling.map(({ accepted }) => accepted.edit)]);
    if (baseline?.key !== key) {
      const profiles = rolling.map(({ accepted }) => accepted.document);
      baseline = { key, snapshot: compileConfig(documents, { ...options, profiles }) };
    }
    return combineSnapshots(baseline.snapshot, after, open);
  }

  async function begin(
    profile: string,
    { edit, terms, document }: ProfileEdit,
    record: RolloutRecord | undefined,
  ): Promise<void> {
    if (record?.accepted.edit === edit || record?.rollout?.edit === edit) return;
    const epoch = (record?.epoch ?? 0) + 1;
    if (record === undefined || terms === undefined) {
      await store.save({ profile, epoch, accepted: { edit, document } });
      return;
    }
    const rollout: RolloutState = {
      edit,
      status: 'rolling',
      wave: 0,
      cutoffs: cutoffsOf(terms.waves, edit, subscribersOf(profile)),
      waveSinceMs: clock.now(),
      outcomes: [],
      because: 'the profile was edited',
    };
    await store.save({ profile, epoch, accepted: record.accepted, rollout });
  }

  function subscribersOf(profile: string): readonly string[] {
    const { after } = loaded ?? {};
    return after === undefined
      ? []
      : after.summary.services.filter((service) => after.profileOf(service) === profile);
  }

  /** Takes one input; `false` when another node was faster, or nothing changed. */
  async function step(record: RolloutRecord, input: RolloutInput): Promise<boolean> {
    const { profile, rollout, accepted } = record;
    const { terms, edit, document } = editOf(profile) ?? {};
    if (rollout === undefined || edit === undefined || document === undefined || rollout.edit !== edit)
      return false;
    const { state, verdict } = stepRollout(terms ?? AT_ONCE, rollout, input, clock.now());
    if (!verdict.changed) return false;
    const epoch = record.epoch + 1;
    const isDone = state.status === 'done';
    const next = isDone
      ? { profile, epoch, accepted: { edit, document } }
      : { profile, epoch, accepted, rollout: state };
    if (!(await store.save(next))) return false;
    if (verdict.event !== undefined)
      log.info(`the rollout of a profile: ${verdict.event}`, {
        profile,
        wave: state.wave + 1,
        because: state.because,
      });
    return true;
  }

  async function moveOn(): Promise<void> {
    for (const record of openOf(await store.load())) {
      const seen = pending.get(record.profile) ?? [];
      const input: RolloutInput = seen.length === 0 ? { kind: 'tick' } : { kind: 'outcomes', outcomes: seen };
      // Who was not first counts again at the next tick, on top of what the other one wrote.
      const took = await step(record, input);
      if (took || record.rollout?.status !== 'rolling')
        pending.set(record.profile, pending.get(record.profile)?.slice(seen.length) ?? []);
    }
  }

  function observe(service: string, verdict: 'failed' | 'went_well' | undefined): void {
    if (verdict === undefined) return;
    const profile = loaded?.after.profileOf(service);
    const rollout = open.find((each) => each.profile === profile);
    if (profile === undefined || rollout?.state.status !== 'rolling') return;
    if (positionOf(rollout.state.edit, service) >= cutoffNow(rollout.state)) return;
    const outcomes = pending.get(profile) ?? [];
    outcomes.push({ atMs: clock.now(), failed: verdict === 'failed' });
    // One node in a storm remembers what the state would keep.
    pending.set(profile, outcomes.slice(-MAX_PENDING));
  }

  return {
    async load(documents) {
      const after = compileConfig(documents, options);
      const before = loaded;
      const records = new Map((await store.load()).map((record) => [record.profile, record]));
      loaded = { documents, after };
      try {
        for (const [profile, edit] of after.profileEdits) await begin(profile, edit, records.get(profile));
        inForce = effective(await store.load());
      } catch (error) {
        loaded = before;
        throw error;
      }
      return inForce;
    },
    async tick() {
      if (loaded === undefined) return undefined;
      try {
        await moveOn();
        const next = effective(await store.load());
        if (next.digest === inForce?.digest) return undefined;
        inForce = next;
        return next;
      } catch (error) {
        log.warn('the state of rollouts could not be read or written; nothing changes', {
          error: describeError(error),
        });
        return undefined;
      }
    },
    observeDecision: (record) => observe(record.service, judgeDecision(record)),
    observeRun: (run) => observe(run.service, judgeRun(run)),
    async list() {
      return openOf(await store.load()).flatMap(({ profile, rollout }) =>
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
      const record = openOf(await store.load()).find((each) => each.profile === profile);
      return record === undefined ? false : step(record, { kind: what, ...by });
    },
  };
}

const MAX_PENDING = 500;

/** The section was taken out of the profile while its edit was on its way: everybody gets it at the next look. */
const AT_ONCE: RolloutTerms = { waves: [1], bake: 0, max_error_rate: 1, min_outcomes: 1, window: 1 };

function viewOf(
  profile: string,
  state: RolloutState,
  subscribers: readonly string[],
  terms: RolloutTerms,
  nowMs: number,
): RolloutView {
  const { outcomes, failed } = errorRate(terms, state.outcomes, nowMs);
  const reached = subscribers.filter((service) => positionOf(state.edit, service) < cutoffNow(state)).length;
  return {
    profile,
    status: state.status,
    wave: state.wave + 1,
    waves: state.cutoffs.length,
    services: { reached, total: subscribers.length },
    outcomes: { total: outcomes, failed },
    since: new Date(state.waveSinceMs).toISOString(),
    because: state.because,
  };
}

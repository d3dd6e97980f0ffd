/**
 * Lazarus inside another program: pass a fleet, a pager and a handler, get decisions. It is the controller of a node with
 * everything around it that was not passed; nothing here decides anything.
 */
import { z } from 'zod';
import type { CatalogOptions, KnownWorkflow } from '../config/catalog.ts';
import { compileConfig } from '../config/compile-config.ts';
import type { Snapshot } from '../config/snapshot.ts';
import { createSnapshotShelf } from '../config/snapshot-shelf.ts';
import type { DecisionRecord } from '../decision/record.ts';
import { describeError, invariant } from '../errors/lazarus-error.ts';
import { parseOptions } from '../errors/parse-options.ts';
import type { LazarusEventInput } from '../events/event.ts';
import type { ConfigDocument } from '../ports/config-source.ts';
import type { RunView } from '../ports/workflow-engine.ts';
import type { Precondition } from '../preconditions/precondition.ts';
import { createPreconditionRegistry } from '../preconditions/precondition-registry.ts';
import { withTimeout } from '../time/with-timeout.ts';
import { createController, ControllerOptions } from './controller.ts';
import { createBallotMemory } from './ballot-memory.ts';
import { createHandlerEngine, type HandlerEngine } from './handler-engine.ts';
import { createListeners } from './listeners.ts';
import { createLoneVoter } from './lone-voter.ts';
import { type LazarusPorts, requireLazarusPorts, type ResolvedPorts, resolvePorts } from './lazarus-ports.ts';
import { createRunGuard } from './run-guard.ts';
import { createRunOutcomes } from './run-outcomes.ts';

/** Options of {@link createLazarus} besides those about its configuration. */
export const LazarusSettings = ControllerOptions.extend({
  /** Name of this program in records. @defaultValue 'embedded' */
  node: ControllerOptions.shape.node.default('embedded'),
  /** How often what was left undone is looked for: outcomes that were not recorded, pages that were not settled. */
  sweepEveryMs: z.int().min(1_000).max(3_600_000).default(30_000),
});

/** Options of {@link createLazarus}. */
export interface LazarusOptions extends z.input<typeof LazarusSettings> {
  /** Rules, profiles, services and settings as documents, or compiled already. */
  readonly config: readonly ConfigDocument[] | Snapshot;
  /** Preconditions besides the built-in ones, for documents. */
  readonly preconditions?: readonly Precondition[];
  /** Workflows that documents may name. @defaultValue `default.replace_host`, which the built-in profiles name */
  readonly workflows?: readonly KnownWorkflow[];
  /** Event types besides the built-in ones, for documents. */
  readonly eventTypes?: NonNullable<CatalogOptions['eventTypes']>;
}

/** Lazarus in one program. */
export interface Lazarus {
  /** The configuration in force. */
  readonly snapshot: Snapshot;
  /**
   * Decides about one event and concludes it: page settled, run started, record written. What does not fit is escalated,
   * so it resolves for an event that is malformed, too. The caller bounds how many are decided at once.
   *
   * @param event - The decoded JSON of the event.
   * @throws PortError `LZ_AUDIT_UNAVAILABLE` when the record could not be written; hand the event in again.
   */
  handle(event: unknown, options?: { readonly signal?: AbortSignal }): Promise<DecisionRecord>;
  /**
   * Concludes an event that `handle` failed at too often: its page is escalated, so that a person looks at it, and the
   * record says why. It is what `createIntake` of `@lazarus/core/stream` wants as `onGivenUp`. Keeps S11.
   *
   * @throws PortError `LZ_AUDIT_UNAVAILABLE` when the record could not be written; the page was escalated before that.
   * @example
   * ```ts
   * const intake = createIntake({ maxEvents: 1_000 }, { onGivenUp: lazarus.giveUp });
   * ```
   */
  giveUp(event: {
    readonly payload: unknown;
    readonly position: string;
    readonly reason: string;
  }): Promise<DecisionRecord>;
  /** Walks the same ladder with nothing in scope that could change anything. Keeps S13. */
  plan(event: LazarusEventInput, options?: { readonly signal?: AbortSignal }): Promise<DecisionRecord>;
  /**
   * Puts another configuration into force; when it is refused, the last good one stays. Events in flight keep theirs. The
   * thresholds of the region's breaker hold from the next look at it, and an open one stays open until they let it close;
   * its window stays as long as it was made. Keeps S7 and S15.
   *
   * @throws ConfigurationError `LZ_CONFIG_INVALID`, or `LZ_PORT_MISSING` when it needs a probe that was not passed.
   */
  use(config: readonly ConfigDocument[] | Snapshot): void;
  /** Calls back with every record that `handle` wrote; returns the unsubscribe function. */
  onDecision(listener: (record: DecisionRecord) => void): () => void;
  /** Calls back with every run whose outcome was recorded; returns the unsubscribe function. */
  onRun(listener: (run: RunView) => void): () => void;
  /**
   * Takes no more events, abandons those that are being decided, cancels the runs of a handler and escalates their pages.
   * No timer and no listener is left behind. An engine that was passed is not closed.
   */
  close(): Promise<void>;
}

/** Longest wait for what is under way when closing. */
const CLOSE_TIMEOUT_MS = 10_000;
const DEFAULT_WORKFLOWS: readonly KnownWorkflow[] = [{ name: 'default.replace_host' }];

/**
 * Creates Lazarus for one program. Without `voters` it votes alone, and every record says 1 of 1; without stores of its
 * own, what it counts, locks and records ends with the process.
 *
 * @throws ConfigurationError `LZ_PORT_MISSING` for what is missing and cannot be defaulted, `LZ_OPTION_INVALID`,
 * `LZ_CONFIG_INVALID`.
 * @example
 * ```ts
 * const lazarus = createLazarus({ region: 'us-east-1', config: documents }, { fleet, probe, pager, handler });
 * const { decision } = await lazarus.handle(event);
 * await lazarus.close();
 * ```
 */
export function createLazarus(options: LazarusOptions, given: LazarusPorts): Lazarus {
  const { config, preconditions, workflows = DEFAULT_WORKFLOWS, eventTypes, ...rest } = options;
  const { sweepEveryMs, ...settings } = parseOptions('createLazarus', LazarusSettings, rest);
  const registry = createPreconditionRegistry(preconditions);
  const compile = (next: LazarusOptions['config']): Snapshot => {
    const compiled = isSnapshot(next)
      ? next
      : compileConfig(next, {
          preconditions: registry.definitions,
          workflows,
          ...(eventTypes === undefined ? {} : { eventTypes }),
        });
    requireLazarusPorts(given, compiled);
    return compiled;
  };
  let snapshot = compile(config);
  const stop = new AbortController();

  const ports = resolvePorts(given, () => snapshot);
  const { clock, log } = ports;
  const shelf = createSnapshotShelf({ clock });
  shelf.use(snapshot);
  const ballots = createBallotMemory({ clock });
  const voters = ballots.remembering(
    given.voters ?? createLoneVoter(settings.node, { ...ports, snapshot: shelf.forBallot }),
  );
  const guard = createRunGuard({
    ...ports,
    voters,
    snapshot: () => shelf.current,
    snapshotOf: shelf.find,
  });
  const own =
    given.handler === undefined
      ? undefined
      : createHandlerEngine({ ...ports, handler: given.handler, guard, evidenceAtMs: ballots.startedAtMs });
  const engine = own ?? given.engine;
  invariant(engine !== undefined, 'the ports of createLazarus were checked');
  const outcomes = createRunOutcomes({ ...ports, engine });
  const controller = createController(settings, {
    ...ports,
    voters,
    engine,
    outcomes: {
      hold: (runId, lease) => {
        outcomes.hold(runId, lease);
        // S4: who has lost the lock stops; locks that end with this program say nothing about a durable run.
        const onLost = (): void => {
          if (!stop.signal.aborted) engine.cancel(runId, 'its lock was lost').catch(() => undefined);
        };
        if (lease.signal.aborted) onLost();
        else lease.signal.addEventListener('abort', onLost, { once: true });
      },
    },
  });
  controller.use(snapshot);

  const decisions = createListeners<DecisionRecord>(log);
  const runs = createListeners<RunView>(log);
  const unfollow = outcomes.onSettled((run) => runs.tell(run));
  const underWay = new Set<Promise<unknown>>();
  const recover = onceUntilItSucceeds(() => adoptLostRuns(own, ports, settings.node));
  let closed: Promise<void> | undefined;

  const sweep = async (): Promise<void> => {
    await recover();
    await outcomes.sweep();
  };
  const sweeping = sweepUntilClosed(sweep, sweepEveryMs, ports, stop.signal);

  const endEverything = async (): Promise<void> => {
    controller.close();
    stop.abort(CLOSED);
    unfollow();
    await withTimeout(clock, CLOSE_TIMEOUT_MS, undefined, async () => {
      await Promise.allSettled(underWay);
      await own?.close();
      await sweeping;
      await outcomes.close();
    }).catch((error: unknown) => {
      log.warn('closing did not wait for everything', { error: describeError(error) });
    });
    await ports.close();
  };

  /** Closing waits for it, and listeners are told of its record. */
  const concluding = async (work: Promise<DecisionRecord>): Promise<DecisionRecord> => {
    underWay.add(work);
    try {
      const record = await work;
      decisions.tell(record);
      return record;
    } finally {
      underWay.delete(work);
    }
  };

  return {
    get snapshot() {
      return snapshot;
    },
    async handle(event, handling = {}) {
      stop.signal.throwIfAborted();
      return concluding(
        recover().then(() => controller.decide(event, { position: 'embedded', ...handling })),
      );
    },
    async giveUp({ payload, position, reason }) {
      stop.signal.throwIfAborted();
      return concluding(controller.giveUp(payload, { position, reason }));
    },
    async plan(event, planning) {
      stop.signal.throwIfAborted();
      return controller.plan(event, planning);
    },
    use(next) {
      snapshot = compile(next);
      shelf.use(snapshot);
      controller.use(snapshot);
    },
    onDecision: decisions.add,
    onRun: runs.add,
    close: () => (closed ??= endEverything()),
  };
}

const CLOSED = new DOMException('Lazarus was closed', 'AbortError');
function isSnapshot(config: LazarusOptions['config']): config is Snapshot {
  return !Array.isArray(config);
}

/** Calls `work` once; when it fails, the next caller tries again. */
function onceUntilItSucceeds(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () =>
    (done ??= work().catch((error: unknown) => {
      done = undefined;
      throw error;
    }));
}

/** Runs of a handler that this program left open when it died: nobody else will end them. Keeps S10. */
async function adoptLostRuns(
  own: HandlerEngine | undefined,
  { audit }: ResolvedPorts,
  node: string,
): Promise<void> {
  if (own === undefined) return;
  const open = await audit.openRuns();
  await own.adopt(open.filter((record) => record.coordinator === node));
}

async function sweepUntilClosed(
  sweep: () => Promise<void>,
  everyMs: number,
  { clock, log }: ResolvedPorts,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await sweep().catch((error: unknown) => {
      log.warn('looking for what was left undone failed; it is tried again', { error: describeError(error) });
    });
    await clock.sleep(everyMs, { signal }).catch(() => undefined);
  }
}

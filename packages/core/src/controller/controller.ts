import { z } from 'zod';
import type { Snapshot } from '../config/snapshot.ts';
import { createClaims } from '../decision/claims.ts';
import { decide } from '../decision/decide.ts';
import type { Decision } from '../decision/decision.ts';
import { begunRun } from '../decision/gates/arrival.ts';
import type { DecisionEffects, DecisionReads } from '../decision/ports.ts';
import type { DecisionRecord } from '../decision/record.ts';
import { startWalk } from '../decision/walk.ts';
import type { DecisionSettings, Received, Walk } from '../decision/walk.ts';
import { recordOf } from '../decision/write-record.ts';
import { ConfigurationError, describeError } from '../errors/lazarus-error.ts';
import { parseOptions } from '../errors/parse-options.ts';
import { canonicalEventId } from '../events/event.ts';
import type { LazarusEventInput } from '../events/event.ts';
import { parseEvent } from '../events/parse-event.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { Budgets } from '../ports/budgets.ts';
import type { Clock } from '../ports/clock.ts';
import type { Fleet } from '../ports/fleet.ts';
import type { Locks } from '../ports/locks.ts';
import type { Logger } from '../ports/logger.ts';
import type { Pager } from '../ports/pager.ts';
import type { Pauses } from '../ports/pauses.ts';
import type { Voters } from '../ports/voters.ts';
import type { Windows } from '../ports/windows.ts';
import type { WorkflowEngine } from '../ports/workflow-engine.ts';
import { withinDeadline } from '../time/within-deadline.ts';
import { createEscalateOnce } from './escalate-once.ts';
import type { RunOutcomes } from './run-outcomes.ts';
import { settlePage } from './settle-page.ts';

/** Options of {@link createController}. */
export const ControllerOptions = z.strictObject({
  /** Name of this node in records. */
  node: z.string().min(1).max(64),
  /** The region that this controller is responsible for. */
  region: z.string().min(1).max(64),
  /** How far an event may be dated in the future. @remarks Source: design, S9; sensors and nodes run NTP. */
  maxSkewMs: z.number().int().min(0).max(600_000).default(30_000),
  /** Longest wait for the provider's inventory. @remarks Source: design, deadline budget of 45 s. */
  fleetTimeoutMs: z.number().int().min(1).max(30_000).default(5_000),
  /** TTL of the action lock, renewed at a third of it. @remarks Source: design, L3. */
  lockTtlMs: z.number().int().min(1_000).max(3_600_000).default(30_000),
  /** Page to decision, until a rule says otherwise. @remarks Source: design, section 3: 45 of the pager's 60 s. */
  decideWithinMs: z.number().int().min(1_000).max(600_000).default(45_000),
  /** How long a page is looked for that was opened after its event. @remarks Source: Lazarus post, parallel paging. */
  pageLookupMs: z.number().int().min(0).max(30_000).default(5_000),
});

/** Ports of a controller. */
export interface ControllerPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly fleet: Fleet;
  readonly windows: Windows;
  readonly locks: Locks;
  readonly budgets: Budgets;
  readonly pauses: Pauses;
  readonly voters: Voters;
  readonly pager: Pager;
  readonly engine: WorkflowEngine;
  readonly audit: AuditLog;
  /** Shared by all controllers that submit to the same engine. */
  readonly outcomes: Pick<RunOutcomes, 'hold'>;
}

/** Longest wait for the lock, the engine and the budgets to take back what was held; after that the event is delivered again. */
const SETTLE_TIMEOUT_MS = 10_000;

/** One node's decision maker: takes what sensors deliver, one at a time or many at once, and concludes each. */
export interface Controller {
  /** The configuration in force; absent means observe only. */
  readonly snapshot: Snapshot | undefined;
  /** Swaps the configuration by reference; events in flight keep theirs. Keeps S15. */
  use(snapshot: Snapshot): void;
  /**
   * Decides about one event and concludes it: page settled, record durable. Resolves with the terminal record.
   *
   * @param payload - The decoded JSON of the event, not validated yet.
   * @throws PortError `LZ_AUDIT_UNAVAILABLE` when the record could not be made durable; deliver the event again.
   */
  decide(
    payload: unknown,
    options?: { readonly position?: string; readonly signal?: AbortSignal },
  ): Promise<DecisionRecord>;
  /**
   * Concludes an event that could not be decided in several tries: its page is escalated, and the record says why. One
   * whose run exists ends as what it is, a remediation. Only after that may a checkpoint pass it. Keeps S11 and S12.
   *
   * @throws PortError `LZ_AUDIT_UNAVAILABLE` when the record could not be made durable.
   */
  giveUp(
    payload: unknown,
    options: { readonly position: string; readonly reason: string },
  ): Promise<DecisionRecord>;
  /**
   * Walks the same ladder with nothing in scope that could change anything. The event is not counted either: one that would be
   * the first above a limit passes it here and is stopped in earnest. Keeps S13.
   */
  plan(event: LazarusEventInput, options?: { readonly signal?: AbortSignal }): Promise<DecisionRecord>;
  /** Events being decided now. */
  readonly deciding: number;
  /** Stops; events being decided are abandoned without a record, so that they are delivered again. */
  close(): void;
}

/**
 * Creates a controller. It owns no timers and no I/O of its own.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID` or `LZ_PORT_MISSING`.
 */
export function createController(
  options: z.input<typeof ControllerOptions>,
  ports: ControllerPorts,
): Controller {
  const settings: DecisionSettings = parseOptions('createController', ControllerOptions, options);
  requirePorts(ports);
  const claims = createClaims();
  const reads: DecisionReads = { ...ports, claims };
  const pager = createEscalateOnce(ports.pager, ports.clock);
  const effects: DecisionEffects = { ...ports, pager: pager.acknowledging };
  const stop = new AbortController();
  let snapshot: Snapshot | undefined;

  function receive(position: string, payload: unknown): Received {
    return { position, payload, atMs: ports.clock.now(), monotonicMs: ports.clock.monotonic() };
  }

  function begin(
    received: Received,
    { reads, effects, signal }: Pick<Walk, 'reads' | 'effects' | 'signal'>,
  ): Walk {
    // S15: whatever is loaded meanwhile, this event keeps the configuration it starts with.
    return startWalk({ received, settings, reads, effects, snapshot, signal });
  }

  async function conclude(walk: Walk, decision: Decision): Promise<DecisionRecord> {
    const page = await settlePage(walk, decision, { pager, audit: ports.audit });
    const record = recordOf(walk, decision, page);
    await ports.audit.conclude(record);
    pager.settled(walk.eventId);
    return record;
  }

  /** What was taken on the way is given back unless a run needs it now. */
  async function settleHoldings(walk: Walk, decision: Decision): Promise<void> {
    if (decision.kind === 'remediate') {
      if (walk.lease !== undefined) ports.outcomes.hold(decision.run_id, walk.lease);
      return;
    }
    // S10: the page is handed on after this, so a store that hangs must not keep it.
    await withinDeadline(ports.clock, SETTLE_TIMEOUT_MS, undefined, () => giveBack(walk));
  }

  /** What an event ends as that cannot be decided: as its intent says, when its run exists. Keeps S11 and S12. */
  async function lastWord(walk: Walk, reason: string): Promise<Decision> {
    const givenUp = (detail: string): Decision => ({ kind: 'escalate', reason: 'dead_letter', detail });
    try {
      const [earlier, begun] = await withinDeadline(ports.clock, SETTLE_TIMEOUT_MS, undefined, async () => {
        const found = await ports.audit.byEvent(walk.eventId);
        return [found, await begunRun(walk, found)] as const;
      });
      walk.resumes = begun;
      if (begun !== undefined) return begun.decision;
      if (earlier === undefined || earlier.terminal) return givenUp(reason);
      return givenUp(`${reason}; it was about to act, and its run was never started`);
    } catch (error) {
      return givenUp(`${reason}; whether a run was started is not known: ${describeError(error)}`);
    }
  }

  async function giveBack(walk: Walk): Promise<void> {
    await walk.lease?.release();
    if (!walk.budgetReserved || walk.decisionId === undefined) return;
    // Another walk of the same decision may have started the run; then the reservation is that run's.
    if ((await ports.engine.get(walk.decisionId)) !== undefined) return;
    await ports.budgets.settle(walk.decisionId, { effects: false });
  }

  return {
    get snapshot() {
      return snapshot;
    },
    get deciding() {
      return claims.size;
    },
    use(next) {
      snapshot = next;
    },
    async decide(payload, { position = 'direct', signal } = {}) {
      const both = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]);
      const walk = begin(receive(position, payload), { reads, effects, signal: both });
      let decision: Decision = {
        kind: 'escalate',
        reason: 'invariant_broken',
        detail: 'the decision did not end',
      };
      try {
        const decided = await decide(walk);
        if (both.aborted) {
          await settleHoldings(walk, decision);
          both.throwIfAborted();
        }
        decision = decided;
        if (decided.kind === 'remediate' || holdsSomething(walk)) await settleHoldings(walk, decided);
        return await conclude(walk, decided);
      } finally {
        claims.end(walk, decision);
      }
    },
    async giveUp(payload, { position, reason }) {
      const walk = begin(receive(position, payload), { reads, effects: undefined, signal: stop.signal });
      const parsed = parseEvent(payload);
      const incidentKey = parsed.ok ? parsed.event.incident_key : parsed.incidentKey;
      if (parsed.ok) {
        walk.event = parsed.event;
        walk.eventAtMs = Date.parse(parsed.event.time);
        walk.eventId = canonicalEventId(parsed.event);
      }
      walk.namedPage = incidentKey;
      return conclude(walk, await lastWord(walk, reason));
    },
    async plan(event, { signal } = {}) {
      const dryReads: DecisionReads = {
        ...reads,
        claims: createClaims(),
        windows: onlyLooking(ports.windows),
      };
      const walk = begin(receive('plan', event), {
        reads: dryReads,
        effects: undefined,
        signal: signal ?? stop.signal,
      });
      const decision = await decide(walk);
      return recordOf(walk, decision, {
        action: 'left_alone',
        detail: 'a plan touches no page, and counts no event: not this one either',
      });
    },
    close() {
      stop.abort(new DOMException('the controller is closing', 'AbortError'));
    },
  };
}

const holdsSomething = ({ lease, budgetReserved }: Walk): boolean => lease !== undefined || budgetReserved;

/** Windows as `plan` sees them: what is counted already. The event itself is not, so that a limit may stop it in earnest. */
function onlyLooking(windows: Windows): Windows {
  return {
    view: (scope) => windows.view(scope),
    clearsInMs: (scope, maxEntities) => windows.clearsInMs?.(scope, maxEntities),
    observe: async ({ region, service }) => ({
      ...(await windows.view({ region, service })),
      firstSeen: true,
    }),
  };
}

const PORTS = [
  'clock',
  'log',
  'fleet',
  'windows',
  'locks',
  'budgets',
  'pauses',
  'voters',
  'pager',
  'engine',
  'audit',
  'outcomes',
] as const;

function requirePorts(ports: ControllerPorts): void {
  const given: Partial<ControllerPorts> = ports;
  const missing = PORTS.filter((name) => given[name] === undefined);
  if (missing.length === 0) return;
  throw new ConfigurationError({
    code: 'LZ_PORT_MISSING',
    summary: 'createController needs ports that were not passed:',
    issues: missing.map((name) => ({ path: `ports.${name}`, message: 'is missing' })),
  });
}

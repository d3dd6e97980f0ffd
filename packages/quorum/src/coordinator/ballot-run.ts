/**
 * One ballot on its way. It is driven by what happens to it (an answer, the alarm, the end), and costs no promise and no
 * timer of its own besides the result.
 *
 *   open ── certain ──▶ completing ── everybody, or a moment later ──▶ late ── everybody, or the end of interest ──▶ over
 *     └─── deadline ───────────────────────────────────────────────────▲
 *
 * S2: a ballot that nobody can change any more is over; until then each vote counts, is void, or is late.
 */
import type { BallotRequest, BallotResult, Clock } from '@lazarus/core/ports';
import type { Alarm, Alarms } from '@lazarus/core/time';
import type { BallotBox, BallotInput, Counted } from '../ballot/ballot-box.ts';
import { openBallot, stepBallot, tallyOf } from '../ballot/ballot-box.ts';
import type { Question } from '../ballot/messages.ts';
import type { Posted } from '../transports/transport.ts';
import type { Membership } from './membership.ts';
import { requiredVotes } from './membership.ts';

/** What all ballots of a coordinator have in common. */
export interface BallotContext {
  readonly self: string;
  readonly membership: Membership;
  readonly completeForMs: number;
  readonly lateForMs: number;
  readonly clock: Clock;
  readonly alarms: Alarms;
  /** Called for what arrives after the result. */
  readonly onLate: (decisionId: string, counted: Counted) => void;
  /** Called once, when nothing more will happen. */
  readonly onOver: (run: BallotRun) => void;
}

/** Reasons that cost nothing: `abort()` alone makes an exception with a stack each time. */
const NO_LONGER_NEEDED = Symbol('no longer needed');

/** Longest that a question says it waits. */
const LONGEST_MS = 600_000;

/** A ballot from its question to its last vote. */
export class BallotRun {
  readonly question: Question;
  readonly result: Promise<BallotResult>;
  readonly #context: BallotContext;
  readonly #startedAtMs: number;
  readonly #deadlineAtMs: number;
  readonly #posted: Posted[] = [];
  #resolve!: (result: BallotResult) => void;
  #reject!: (reason: unknown) => void;
  #box: BallotBox;
  #phase: 'open' | 'completing' | 'late' | 'over' = 'open';
  #outcome: BallotResult['outcome'] = 'timed_out';
  #alarm: Alarm | undefined;
  #interest: AbortController | undefined;
  #endedBecause: unknown = NO_LONGER_NEEDED;

  constructor(request: BallotRequest, nonce: string, context: BallotContext) {
    const { membership, clock } = context;
    const { decisionId, configDigest, deadlineAtMs } = request;
    const startedAtMs = clock.monotonic();
    this.#context = context;
    this.#startedAtMs = startedAtMs;
    this.#deadlineAtMs = deadlineAtMs;
    this.#box = openBallot({
      membership,
      required: requiredVotes(membership, request.required),
      decisionId,
      configDigest,
      nonce,
      startedAtMs,
      deadlineAtMs,
    });
    this.question = questionOf(request, nonce, context, deadlineAtMs - startedAtMs);
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (deadlineAtMs <= startedAtMs) this.#finish();
    else this.#wakeAt(deadlineAtMs, this.#onDeadline);
  }

  /** Aborts when votes are no longer of interest; made when somebody asks for it. */
  get signal(): AbortSignal {
    if (this.#interest === undefined) {
      this.#interest = new AbortController();
      if (this.#phase === 'over') this.#interest.abort(this.#endedBecause);
    }
    return this.#interest.signal;
  }

  /** Remembers a question on its way, to call it off when its answer is no longer of interest. */
  keep(posted: Posted): void {
    if (this.#phase === 'over') posted.cancel(this.#endedBecause);
    else this.#posted.push(posted);
  }

  receive(input: BallotInput): void {
    if (this.#phase === 'over') return;
    const { clock, onLate } = this.#context;
    const { state, verdict } = stepBallot(this.#box, input, clock.monotonic());
    this.#box = state;
    if (this.#phase === 'open') {
      const { outcome } = tallyOf(state);
      if (outcome !== 'open') this.#complete(outcome);
      return;
    }
    // S13: a ballot that was only supposed leaves nothing in any record.
    if (this.#phase === 'late' && this.question.supposed !== true) onLate(state.terms.decisionId, verdict);
    if (state.outstanding.length > 0) return;
    if (this.#phase === 'late') this.#end(NO_LONGER_NEEDED);
    else this.#finish();
  }

  /** Ends it early: {@link BallotRun.result} rejects with the reason, unless there is a result already. */
  end(reason: unknown): void {
    if (this.#phase === 'over') return;
    this.#reject(reason);
    this.#end(reason);
  }

  readonly #onDeadline = (): void => {
    if (this.#phase === 'open') this.#outcome = 'timed_out';
    this.#finish();
  };

  /** The outcome is certain: waits a moment for the other votes, so that they are in the record. */
  #complete(outcome: BallotResult['outcome']): void {
    const { clock, completeForMs } = this.#context;
    this.#outcome = outcome;
    this.#phase = 'completing';
    if (completeForMs === 0 || this.#box.outstanding.length === 0) this.#finish();
    else this.#wakeAt(Math.min(this.#deadlineAtMs, clock.monotonic() + completeForMs), () => this.#finish());
  }

  #finish(): void {
    this.#resolve(this.#resultNow());
    this.#phase = 'late';
    if (this.#box.outstanding.length === 0) this.#end(NO_LONGER_NEEDED);
    else this.#wakeAt(this.#deadlineAtMs + this.#context.lateForMs, () => this.#end(NO_LONGER_NEEDED));
  }

  #end(reason: unknown): void {
    this.#phase = 'over';
    this.#endedBecause = reason;
    this.#alarm?.cancel();
    if (this.#box.outstanding.length > 0) for (const posted of this.#posted) posted.cancel(reason);
    this.#interest?.abort(reason);
    this.#context.onOver(this);
  }

  #wakeAt(atMs: number, onDue: () => void): void {
    const before = this.#alarm;
    this.#alarm = this.#context.alarms.set(atMs, onDue);
    before?.cancel();
  }

  #resultNow(): BallotResult {
    const { clock, membership } = this.#context;
    const { yes, unmet } = tallyOf(this.#box);
    const { outstanding } = this.#box;
    return {
      outcome: this.#outcome,
      yes,
      required: this.#box.terms.required,
      members: membership.members.length,
      votes: this.#box.votes,
      voided: this.#box.voided,
      ...(outstanding.length === 0 ? undefined : { silent: outstanding }),
      ...(unmet.length === 0 ? undefined : { unmet: unmet.map(({ check, reason }) => `${check} ${reason}`) }),
      durationMs: clock.monotonic() - this.#startedAtMs,
    };
  }
}

function questionOf(
  request: BallotRequest,
  nonce: string,
  { self, membership }: BallotContext,
  leftMs: number,
): Question {
  const question: Question = {
    version: 1,
    decision_id: request.decisionId,
    config_digest: request.configDigest,
    membership_epoch: membership.epoch,
    nonce,
    expires_at: request.deadlineAtMs,
    expires_in_ms: Math.max(0, Math.min(LONGEST_MS, leftMs)),
    event: request.event,
    rule: request.rule,
    coordinator: self,
  };
  if (request.hostId !== undefined) question.host_id = request.hostId;
  if (request.revalidates === true) question.revalidates = true;
  if (request.supposed === true) question.supposed = true;
  return question;
}

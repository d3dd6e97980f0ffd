/**
 * Puts one question to every member, this node included, and counts the answers.
 *
 *   ask all ──▶ count each answer ──▶ certain? ──▶ (wait a moment for the rest) ──▶ result
 *                      │                                                             │
 *                      └── deadline ──▶ timed_out                later votes ──▶ onLateVote
 *
 * Any member may coordinate, and a coordinator that dies loses nothing: the event is delivered again.
 *
 * Invariants:
 * S2: reached only by the tally; a member that does not answer, answers late or cannot be asked has not said yes.
 * L4: one member down, the others decide; two of three down, nobody does.
 */
import { describeError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import type {
  BallotRequest,
  BallotResult,
  Clock,
  Ids,
  Logger,
  VoidVote,
  Vote,
  Voters,
} from '@lazarus/core/ports';
import { z } from 'zod';
import type { BallotBox, BallotInput } from '../ballot/ballot-box.ts';
import { openBallot, stepBallot, tallyOf } from '../ballot/ballot-box.ts';
import type { Question } from '../ballot/messages.ts';
import type { VoteTransport } from '../transports/transport.ts';
import type { Voter } from '../voter/voter.ts';
import type { Membership } from './membership.ts';
import { requiredVotes } from './membership.ts';

/** Options of {@link createCoordinator}. */
export const CoordinatorOptions = z.strictObject({
  /** How long a ballot whose outcome is certain waits for the other votes, so that they are in the record. @defaultValue 250 */
  completeForMs: z.int().min(0).max(5_000).default(250),
  /** How long after the end of a ballot late votes are still recorded. @defaultValue 5000 */
  lateForMs: z.int().min(0).max(60_000).default(5_000),
});

/** A vote that arrived when the result was already given. */
export interface LateVote {
  readonly decisionId: string;
  readonly vote?: Vote;
  readonly voided?: VoidVote;
}

/** What a coordinator works with. */
export interface CoordinatorPorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly transport: VoteTransport;
  /** This node's own voter; it is asked without the network. */
  readonly voter: Voter;
  /** Called for every vote after the result, for the record. */
  readonly onLateVote?: (late: LateVote) => void;
}

/** A coordinator that can be closed. */
export interface Coordinator extends Voters {
  /** Ends every open ballot; their promises reject. */
  close(): Promise<void>;
}

/**
 * Creates the coordinator of one node, which implements core's `Voters`. With one member it is a ballot of 1 of 1, and
 * the result says so.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function createCoordinator(
  options: z.input<typeof CoordinatorOptions> & { readonly self: string; readonly membership: Membership },
  ports: CoordinatorPorts,
): Coordinator {
  const { self, membership, ...rest } = options;
  const settings = { membership, ...parseOptions('createCoordinator', CoordinatorOptions, rest) };
  // Peers first: their questions are on the way while this node looks for itself.
  const inOrder = [...membership.members].sort(
    (left, right) => Number(left.id === self) - Number(right.id === self),
  );
  const open = new Set<BallotRun>();
  let isClosed = false;
  const { transport, voter } = ports;
  transport.serve((question, context) => voter.answer(question, context));

  const askMember = async (member: string, question: Question, signal: AbortSignal): Promise<BallotInput> => {
    try {
      if (member !== self)
        return { kind: 'answer', asked: member, ...(await transport.ask(member, question, { signal })) };
      return {
        kind: 'answer',
        asked: self,
        from: self,
        answer: await voter.answer(question, { from: self, signal }),
      };
    } catch (error) {
      return { kind: 'failed', asked: member, detail: describeError(error) };
    }
  };

  return {
    ballot: async (request, { signal }) => {
      signal.throwIfAborted();
      if (isClosed) throw CLOSING;
      const run = createBallotRun(request, settings, ports);
      const onAbort = (): void => run.end(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      open.add(run);
      const question: Question = { ...run.question, coordinator: self };
      for (const { id } of inOrder) void askMember(id, question, run.signal).then(run.receive);
      try {
        return await run.result();
      } finally {
        signal.removeEventListener('abort', onAbort);
        void run.settled.then(() => open.delete(run));
      }
    },
    close: async () => {
      isClosed = true;
      for (const run of open) run.end(CLOSING);
      await transport.close();
    },
  };
}

const CLOSING = new DOMException('the coordinator is closing', 'AbortError');
/** Reasons that cost nothing: `abort()` alone makes an exception with a stack each time. */
const NO_LONGER_NEEDED = Symbol('no longer needed');

interface BallotRun {
  readonly question: Omit<Question, 'coordinator'>;
  /** Aborts when votes are no longer of interest. */
  readonly signal: AbortSignal;
  /** Resolves when nothing more will happen. */
  readonly settled: Promise<void>;
  receive(input: BallotInput): void;
  /** Ends it early; {@link BallotRun.result} then rejects with the reason. */
  end(reason: unknown): void;
  result(): Promise<BallotResult>;
}

function createBallotRun(
  request: BallotRequest,
  options: { readonly membership: Membership; readonly completeForMs: number; readonly lateForMs: number },
  ports: CoordinatorPorts,
): BallotRun {
  const { clock } = ports;
  const startedAtMs = clock.monotonic();
  const { deadlineAtMs } = request;
  const nonce = ports.ids.next('ballot');
  const required = requiredVotes(options.membership, request.required);
  const over = new AbortController();
  const settled = Promise.withResolvers<undefined>();
  const bell = createBell();
  let box: BallotBox = openBallot({
    membership: options.membership,
    required,
    decisionId: request.decisionId,
    configDigest: request.configDigest,
    nonce,
    startedAtMs,
    deadlineAtMs,
  });
  let isDone = false;

  const resultNow = (outcome: BallotResult['outcome']): BallotResult => {
    const { yes, unmet } = tallyOf(box);
    return {
      outcome,
      yes,
      required,
      members: options.membership.members.length,
      votes: box.votes,
      voided: box.voided,
      ...(box.outstanding.length === 0 ? {} : { silent: box.outstanding }),
      ...(unmet.length === 0 ? {} : { unmet: unmet.map(({ check, reason }) => `${check} ${reason}`) }),
      durationMs: clock.monotonic() - startedAtMs,
    };
  };
  /** Waits for answers until the condition holds or the instant has come. */
  const waitFor = async (isEnough: () => boolean, untilMs: number): Promise<void> => {
    const leftMs = untilMs - clock.monotonic();
    if (isEnough() || leftMs <= 0) return;
    const timer = new AbortController();
    clock.sleep(leftMs, { signal: timer.signal }).then(bell.ring, () => undefined);
    try {
      while (!over.signal.aborted && !isEnough() && clock.monotonic() < untilMs) await bell.rung();
    } finally {
      timer.abort(NO_LONGER_NEEDED);
    }
    over.signal.throwIfAborted();
  };
  const hasEverybody = (): boolean => box.outstanding.length === 0;
  const decide = async (): Promise<BallotResult['outcome']> => {
    await waitFor(() => tallyOf(box).outcome !== 'open', deadlineAtMs);
    const { outcome } = tallyOf(box);
    return outcome === 'open' ? 'timed_out' : outcome;
  };
  const lingerForLateVotes = async (): Promise<void> => {
    await waitFor(hasEverybody, deadlineAtMs + options.lateForMs).catch(() => undefined);
    over.abort(NO_LONGER_NEEDED);
    settled.resolve(undefined);
  };

  return {
    question: {
      version: 1,
      decision_id: request.decisionId,
      config_digest: request.configDigest,
      membership_epoch: options.membership.epoch,
      nonce,
      expires_at: deadlineAtMs,
      expires_in_ms: Math.max(0, Math.min(600_000, deadlineAtMs - startedAtMs)),
      event: request.event,
      rule: request.rule,
      ...(request.hostId === undefined ? {} : { host_id: request.hostId }),
      ...(request.revalidates === true ? { revalidates: true } : {}),
    },
    signal: over.signal,
    settled: settled.promise,
    receive: (input) => {
      if (over.signal.aborted) return;
      const step = stepBallot(box, input, clock.monotonic());
      box = step.state;
      if (isDone) reportLate(request.decisionId, step.verdict, ports);
      bell.ring();
    },
    end: (reason) => {
      over.abort(reason);
      bell.ring();
    },
    result: async () => {
      try {
        const outcome = await decide();
        await waitFor(hasEverybody, Math.min(deadlineAtMs, clock.monotonic() + options.completeForMs));
        return resultNow(outcome);
      } finally {
        isDone = true;
        void lingerForLateVotes();
      }
    },
  };
}

function reportLate(
  decisionId: string,
  counted: ReturnType<typeof stepBallot>['verdict'],
  ports: CoordinatorPorts,
): void {
  const what = counted.counted ? { vote: counted.vote } : { voided: counted.voided };
  ports.log.debug('a vote arrived after the result', { decision_id: decisionId, ...what });
  ports.onLateVote?.({ decisionId, ...what });
}

/** Wakes whoever waits for the next answer. */
function createBell(): { ring(): void; rung(): Promise<undefined> } {
  let next = Promise.withResolvers<undefined>();
  return {
    ring: () => {
      next.resolve(undefined);
      next = Promise.withResolvers();
    },
    rung: () => next.promise,
  };
}

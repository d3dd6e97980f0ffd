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
import type { Clock, Ids, Logger, VoidVote, Vote, Voters } from '@lazarus/core/ports';
import { createAlarms } from '@lazarus/core/time';
import { z } from 'zod';
import type { Counted } from '../ballot/ballot-box.ts';
import type { Reply, VoteTransport } from '../transports/transport.ts';
import type { VoteContext, Voter } from '../voter/voter.ts';
import type { BallotContext } from './ballot-run.ts';
import { BallotRun } from './ballot-run.ts';
import type { Membership } from './membership.ts';

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
  const settings = parseOptions('createCoordinator', CoordinatorOptions, rest);
  const { clock, ids, transport, voter } = ports;
  const peers = membership.members.map(({ id }) => id).filter((id) => id !== self);
  const open = new Set<BallotRun>();
  const alarms = createAlarms(clock, ports);
  let isClosed = false;
  transport.serve((question, context) => voter.answer(question, context));
  const context: BallotContext = {
    ...settings,
    self,
    membership,
    clock,
    alarms,
    onLate: (decisionId, counted) => reportLate(decisionId, counted, ports),
    onOver: (run) => void open.delete(run),
  };

  return {
    ballot: async (request, { signal }) => {
      signal.throwIfAborted();
      if (isClosed) throw CLOSING;
      const run = new BallotRun(request, ids.next('ballot'), context);
      const onAbort = (): void => run.end(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      open.add(run);
      // Peers first: their questions are on the way while this node looks for itself.
      for (const peer of peers) askPeer(peer, run, transport);
      askSelf(self, run, voter);
      try {
        return await run.result;
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    },
    close: async () => {
      isClosed = true;
      for (const run of open) run.end(CLOSING);
      alarms.close();
      await transport.close();
    },
  };
}

const ASKED = Promise.resolve();
const CLOSING = new DOMException('the coordinator is closing', 'AbortError');

function askPeer(asked: string, run: BallotRun, transport: VoteTransport): void {
  const failed = (error: unknown): void =>
    run.receive({ kind: 'failed', asked, detail: describeError(error) });
  const answered = ({ from, answer }: Reply): void => run.receive({ kind: 'answer', asked, from, answer });
  if (transport.post === undefined) {
    transport.ask(asked, run.question, { signal: run.signal }).then(answered, failed);
  } else {
    run.keep(transport.post(asked, run.question, answered, failed));
  }
}

/** In a class, because an object literal with a getter has a shape of its own, which outlives it until a full collection. */
class OwnQuestion implements VoteContext {
  readonly from: string;
  readonly #run: BallotRun;

  constructor(self: string, run: BallotRun) {
    this.from = self;
    this.#run = run;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }
}

function askSelf(self: string, run: BallotRun, voter: Voter): void {
  const context = new OwnQuestion(self, run);
  // One turn later, when the questions of the peers are on the way.
  ASKED.then(() => voter.answer(run.question, context)).then(
    (answer) => run.receive({ kind: 'answer', asked: self, from: self, answer }),
    (error: unknown) => run.receive({ kind: 'failed', asked: self, detail: describeError(error) }),
  );
}

function reportLate(decisionId: string, counted: Counted, ports: CoordinatorPorts): void {
  const what = counted.counted ? { vote: counted.vote } : { voided: counted.voided };
  ports.log.debug('a vote arrived after the result', { decision_id: decisionId, ...what });
  try {
    ports.onLateVote?.({ decisionId, ...what });
  } catch (error) {
    ports.log.error('a late vote could not be recorded', {
      decision_id: decisionId,
      error: describeError(error),
    });
  }
}

import type { Clock } from '../ports/clock.ts';
import type { Voters } from '../ports/voters.ts';

/** Ballots whose beginning is remembered; one that is forgotten is repeated before anything is done. */
const MAX_BALLOTS = 1_000;

/** Remembers when each ballot began, because evidence that is too old does not carry an action. Keeps S3. */
export interface BallotMemory {
  /** The same voters; the beginning of each of their ballots is remembered. */
  remembering(voters: Voters): Voters;
  /** Monotonic instant at which the last ballot about a decision began, milliseconds; undefined when it is not known. */
  startedAtMs(decisionId: string): number | undefined;
}

/** Creates a {@link BallotMemory}; the nodes of one process share it with the engine that runs their decisions. */
export function createBallotMemory({ clock }: { readonly clock: Pick<Clock, 'monotonic'> }): BallotMemory {
  const instants = new Map<string, number>();
  return {
    remembering: (voters) => ({
      ballot: (request, options) => {
        if (instants.size >= MAX_BALLOTS) instants.clear();
        instants.set(request.decisionId, clock.monotonic());
        return voters.ballot(request, options);
      },
    }),
    startedAtMs: (decisionId) => instants.get(decisionId),
  };
}

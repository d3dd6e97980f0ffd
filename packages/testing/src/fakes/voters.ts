import type { BallotRequest, BallotResult, Vote, Voters } from '@lazarus/core/ports';

/** Voters whose answer a test sets. */
export interface FakeVoters extends Voters {
  readonly ballots: readonly BallotRequest[];
  /** What each member says from now on, by member id; a missing member does not answer. */
  setVerdicts(verdicts: Readonly<Record<string, 'yes' | 'no'>>): void;
  /** Answers with exactly this, or throws it. */
  setAnswer(answer: BallotResult | Error): void;
}

/** Creates {@link FakeVoters}: three members that all say yes until told otherwise. */
export function createFakeVoters(
  options: { readonly members?: readonly string[]; readonly required?: number } = {},
): FakeVoters {
  const members = options.members ?? ['a', 'b', 'c'];
  const required = options.required ?? Math.floor(members.length / 2) + 1;
  const ballots: BallotRequest[] = [];
  let verdicts: Readonly<Record<string, 'yes' | 'no'>> = Object.fromEntries(
    members.map((member) => [member, 'yes']),
  );
  let answer: BallotResult | Error | undefined;

  return {
    ballots,
    setVerdicts: (value) => {
      verdicts = value;
      answer = undefined;
    },
    setAnswer: (value) => {
      answer = value;
    },
    ballot: async (request, { signal }) => {
      signal.throwIfAborted();
      ballots.push(request);
      if (answer instanceof Error) throw answer;
      return answer ?? count(members, required, verdicts);
    },
  };
}

function count(
  members: readonly string[],
  required: number,
  verdicts: Readonly<Record<string, 'yes' | 'no'>>,
): BallotResult {
  const votes = members.flatMap((voter): Vote[] => {
    const verdict = verdicts[voter];
    if (verdict === undefined) return [];
    const reason = verdict === 'no' ? { reason: 'set to no' } : {};
    return [
      {
        voter,
        zone: `zone-${voter}`,
        verdict,
        durationMs: 1,
        checks: [{ check: 'Fake', verdict: verdict === 'yes' ? 'pass' : 'fail', durationMs: 1, ...reason }],
      },
    ];
  });
  const yes = votes.filter((vote) => vote.verdict === 'yes').length;
  const missing = members.length - votes.length;
  const outcome = yes >= required ? 'reached' : yes + missing >= required ? 'timed_out' : 'not_reached';
  return { outcome, yes, required, members: members.length, votes, voided: [], durationMs: 1 };
}

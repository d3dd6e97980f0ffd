import { changeOfCheck } from './check-change.ts';
import { numberOf } from './evidence.ts';
import type { Change, StoppedGate } from './change.ts';

/** Which votes are missing, whose are nearest to a yes, and what each of them saw. */
export function moreVotes({ evidence, votes, reason }: StoppedGate): Change {
  const yes = votes?.yes ?? numberOf(evidence, 'yes') ?? 0;
  const required = votes?.required ?? numberOf(evidence, 'required') ?? 0;
  const missing = required - yes;
  const numbers = { what: 'yes_votes', is: yes, needed: required };
  // Every vote came, and still: a demand on the ballot as a whole, like the own-zone rule.
  if (missing <= 0) return { ...numbers, what: 'ballot', text: reason };
  const candidates = [
    ...(votes?.voided ?? []).map(
      ({ voter, reason: why }) => `${voter} ${VOID_WORDS[why] ?? why.replaceAll('_', ' ')}`,
    ),
    ...silentMembers(votes).map((voter) => `${voter} did not answer`),
  ];
  // A check that failed on the node with the fewest failures is nearest to a yes.
  const noes = (votes?.cast ?? [])
    .filter(({ verdict }) => verdict === 'no')
    .map(({ voter, checks }) => ({ voter, failed: checks.filter(({ verdict }) => verdict === 'fail') }))
    .sort((left, right) => left.failed.length - right.failed.length);
  const nearest = noes[0]?.failed.map(changeOfCheck).join(' and ');
  const more = missing === 1 ? 'one more yes vote' : `${missing} more yes votes`;
  if (candidates.length >= missing || nearest === undefined || nearest === '') {
    const who = candidates.length > 0 ? ` (${candidates.slice(0, missing).join(', ')})` : '';
    return { ...numbers, text: `${more}${who}` };
  }
  const where = missing === 1 ? `on ${noes[0]?.voter ?? 'one node'}` : `on ${missing} nodes`;
  return { ...numbers, text: `${nearest}, ${where}` };
}

/** Who said nothing; a record that does not name them still tells how many they were. */
function silentMembers(votes: StoppedGate['votes']): readonly string[] {
  if (votes === undefined) return [];
  const { members, cast, voided, silent } = votes;
  const unnamed = new Set([...cast, ...voided].map(({ voter }) => voter)).size;
  return silent ?? Array.from({ length: Math.max(0, members - unnamed) }, () => 'a node');
}

const VOID_WORDS: Readonly<Record<string, string>> = {
  late: 'was late',
  transport_failed: 'could not be asked',
  config_digest_differs: 'has another configuration',
  membership_epoch_differs: 'has another membership',
};

/**
 * The state of one ballot: which votes counted, which were void and why, and who may still answer.
 *
 * Invariants:
 * S2: only the first timely vote of each member counts; error, silence and doubt count as no.
 * S15: a vote under another configuration, membership or ballot counts as nothing.
 * S18: a vote counts only for the member whose identity the transport has proven.
 */
import type { CheckResult, VoidVote, Vote } from '@lazarus/core/ports';
import type { Member, Membership } from '../coordinator/membership.ts';
import type { Answer } from './messages.ts';
import { AnswerSchema } from './messages.ts';
import { readPlainAnswer } from './read-message.ts';
import type { Tally } from './tally.ts';
import { tally } from './tally.ts';

/** What a vote must repeat to count in this ballot. */
export interface BallotTerms {
  readonly membership: Membership;
  /** Yes votes needed in this ballot. */
  readonly required: number;
  readonly decisionId: string;
  readonly configDigest: string;
  readonly nonce: string;
  /** Monotonic instants of the coordinator. */
  readonly startedAtMs: number;
  readonly deadlineAtMs: number;
}

/** State of one ballot; plain data. */
export interface BallotBox {
  readonly terms: BallotTerms;
  readonly votes: readonly Vote[];
  readonly voided: readonly VoidVote[];
  /** Ids of members that have not answered. */
  readonly outstanding: readonly string[];
}

/** What can happen to a ballot. */
export type BallotInput =
  | {
      readonly kind: 'answer';
      /** Member that was asked. */
      readonly asked: string;
      /** Identity that the transport has proven. */
      readonly from: string;
      /** As received. */
      readonly answer: unknown;
    }
  | { readonly kind: 'failed'; readonly asked: string; readonly detail: string };

/** What became of one input. */
export type Counted =
  { readonly counted: true; readonly vote: Vote } | { readonly counted: false; readonly voided: VoidVote };

/** A ballot in which nobody has voted. */
export function openBallot(terms: BallotTerms): BallotBox {
  return { terms, votes: [], voided: [], outstanding: terms.membership.members.map((member) => member.id) };
}

/** Takes one answer or failure. Pure; the new state also says what became of the input. */
export function stepBallot(
  state: BallotBox,
  input: BallotInput,
  nowMs: number,
): { readonly state: BallotBox; readonly verdict: Counted } {
  const outstanding = state.outstanding.filter((id) => id !== input.asked);
  const examined = examine(state, input, nowMs);
  if ('reason' in examined) {
    return {
      state: { ...state, outstanding, voided: [...state.voided, examined] },
      verdict: { counted: false, voided: examined },
    };
  }
  return {
    state: { ...state, outstanding, votes: [...state.votes, examined] },
    verdict: { counted: true, vote: examined },
  };
}

/** The count as it stands. */
export function tallyOf(state: BallotBox): Tally {
  const { required } = state.terms;
  const { members } = state.terms.membership;
  const outstanding = members.filter((member) => state.outstanding.includes(member.id));
  return tally(state.votes, { members, required, outstanding });
}

function examine(state: BallotBox, input: BallotInput, nowMs: number): Vote | VoidVote {
  const { terms } = state;
  if (input.kind === 'failed')
    return { voter: input.asked, reason: 'transport_failed', detail: input.detail };
  const answer = readAnswer(input.answer);
  if (typeof answer === 'string') return { voter: input.from, reason: 'malformed', detail: answer };
  const member = terms.membership.members.find((each) => each.id === input.from);
  const flaw = flawOf(answer, member, state, input, nowMs);
  if (flaw !== undefined) return { voter: input.from, ...flaw };
  return {
    voter: answer.voter,
    zone: answer.zone,
    verdict: answer.verdict,
    checks: answer.checks.map(withoutUndefined),
    durationMs: nowMs - terms.startedAtMs,
  };
}

/** The answer, or what is wrong with it. */
function readAnswer(received: unknown): Answer | string {
  const plain = readPlainAnswer(received);
  if (plain !== undefined) return plain;
  const parsed = AnswerSchema.safeParse(received);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim();
}

function withoutUndefined({
  check,
  verdict,
  reason,
  evidence,
  durationMs,
}: Answer['checks'][number]): CheckResult {
  const result = { check, verdict, durationMs };
  if (reason === undefined) return evidence === undefined ? result : { ...result, evidence };
  return evidence === undefined ? { ...result, reason } : { ...result, reason, evidence };
}

function flawOf(
  answer: Answer,
  member: Member | undefined,
  state: BallotBox,
  input: { readonly asked: string; readonly from: string },
  nowMs: number,
): Omit<VoidVote, 'voter'> | undefined {
  const { terms } = state;
  if (member === undefined) return { reason: 'unknown_member' };
  if (answer.voter !== input.from || input.asked !== input.from) {
    return {
      reason: 'identity_differs',
      detail: `${input.from} answered as ${answer.voter} for ${input.asked}`,
    };
  }
  if (answer.zone !== member.zone)
    return { reason: 'identity_differs', detail: `claims zone ${answer.zone}, is in ${member.zone}` };
  if (answer.nonce !== terms.nonce) return { reason: 'nonce_differs' };
  if (answer.decision_id !== terms.decisionId)
    return { reason: 'nonce_differs', detail: 'answers another decision' };
  if (answer.config_digest !== terms.configDigest)
    return { reason: 'config_digest_differs', detail: `has ${answer.config_digest.slice(0, 12) || 'none'}` };
  if (answer.membership_epoch !== terms.membership.epoch)
    return { reason: 'membership_epoch_differs', detail: `is in epoch ${answer.membership_epoch}` };
  if (answer.expires_at !== terms.deadlineAtMs)
    return { reason: 'expired', detail: 'answers with another expiry' };
  if (nowMs >= terms.deadlineAtMs)
    return { reason: 'late', detail: `${Math.round(nowMs - terms.deadlineAtMs)} ms after the end` };
  if (state.votes.some((vote) => vote.voter === answer.voter)) return { reason: 'repeated' };
  // A yes must be the sum of its parts: every check passed, and at least one was made. Keeps S8.
  const isUnanimous = answer.checks.length > 0 && answer.checks.every((check) => check.verdict === 'pass');
  if (answer.verdict === 'yes' && !isUnanimous)
    return { reason: 'malformed', detail: 'says yes without every check passing' };
  return undefined;
}

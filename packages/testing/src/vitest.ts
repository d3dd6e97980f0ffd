/**
 * Matchers for vitest about how a runbook went. Importing this module adds them.
 *
 * @example
 * ```ts
 * import '@lazarus/testing/vitest';
 * expect(await runRunbook(workflow, { unmocked: 'happy' })).toHaveRun(['clone', 'verify']);
 * ```
 */
import { expect } from 'vitest';
import { orderProblems, spansOf } from './lab/step-order.ts';
import type { StepOrder } from './lab/step-order.ts';
import type { LabOutcome } from './lab/lab-outcome.ts';
import type { RunbookResult } from './lab/run-runbook.ts';

export { parallel, type ParallelSteps, type StepOrder } from './lab/step-order.ts';

/** What an escalation is expected to say. */
export interface ExpectedEscalation {
  /** A part of what the human is told, or a pattern of it. */
  readonly reason?: string | RegExp;
}

/** The matchers that this module adds. */
export interface RunbookMatchers<R = unknown> {
  /** These steps ran in this order, other steps in between or not; `parallel(a, b)` ran at once. */
  toHaveRun(order: StepOrder): R;
  /** The page ended with a human, who was told this reason. */
  toHaveEscalated(expected?: ExpectedEscalation): R;
  /** A gate (`ballot`), its exit (`precondition_failed`) or a precheck (`PeerCheck`) kept an event from being remediated. */
  toBeBlockedBy(obstacle: string): R;
  /** So many of all nodes voted yes: `2/3`. */
  toHaveVotes(votes: `${number}/${number}`): R;
}

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unused-vars -- the type parameters have to be those of vitest
  interface Matchers<R, T> extends RunbookMatchers<R> {}
}

/** What a matcher tells vitest. */
interface Answer {
  readonly pass: boolean;
  readonly message: () => string;
}

/** Vitest turns a result around after `.not`, and shows the same message: it says what did happen. */
function answer(pass: boolean, lines: readonly string[], { trace }: Pick<Seen, 'trace'>): Answer {
  return { pass, message: () => [...lines, '', ...trace].join('\n') };
}

function toHaveRun(received: unknown, order: StepOrder): Answer {
  const seen = seenIn(received, 'toHaveRun');
  const { run } = seen;
  if (run === undefined) return answer(false, ['Expected a run, and none was started.'], seen);
  const result = { ...seen, run };
  const problems = orderProblems(order, result);
  const text = order.map((item) =>
    typeof item === 'string' ? item : `parallel(${item.parallel.join(', ')})`,
  );
  const ran = `It ran: ${spansOf(result)
    .map(({ step }) => step)
    .join(', ')}`;
  return problems.length === 0
    ? answer(true, [`Expected the runbook not to run ${text.join(', ')}, and it did.`, ran], result)
    : answer(false, [`Expected the runbook to run ${text.join(', ')}: ${problems.join('; ')}.`, ran], result);
}

function toHaveEscalated(received: unknown, { reason }: ExpectedEscalation = {}): Answer {
  const result = seenIn(received, 'toHaveEscalated');
  const { run } = result;
  if (run === undefined) return escalatedAtOnce(received as LabOutcome, reason);
  if (run.page !== 'escalated') {
    const ended = `it ended as ${run.status}, and its page ${run.page ?? 'has no end'}`;
    return answer(false, [`Expected the runbook to escalate: ${ended}.`], result);
  }
  const told = result
    .callsOf('pager.escalate')
    .filter(({ outcome }) => outcome === 'ok')
    .map(({ input }) => (input as { readonly reason?: string }).reason ?? '');
  const wanted =
    reason === undefined
      ? ''
      : ` with ${typeof reason === 'string' ? JSON.stringify(reason) : String(reason)}`;
  const isTold = reason === undefined || told.some((text) => says(text, reason));
  const because = `It said: ${told.join('; ')}`;
  return isTold
    ? answer(true, [`Expected the runbook not to escalate${wanted}, and it did.`, because], result)
    : answer(false, [`Expected the runbook to escalate${wanted}.`, because], result);
}

/** The decision itself handed the page to a person. */
function escalatedAtOnce(outcome: LabOutcome, reason: string | RegExp | undefined): Answer {
  const { decision } = outcome.record ?? {};
  if (decision?.kind !== 'escalate') {
    return answer(false, [`Expected the event to escalate: it was ${outcome.outcome}.`], outcome);
  }
  const told = `${decision.reason}: ${decision.detail}`;
  if (reason === undefined || says(told, reason))
    return answer(true, ['Expected the event not to escalate, and it did.', `It said: ${told}`], outcome);
  return answer(
    false,
    [`Expected the event to escalate with ${String(reason)}.`, `It said: ${told}`],
    outcome,
  );
}

function toBeBlockedBy(received: unknown, obstacle: string): Answer {
  const outcome = outcomeIn(received, 'toBeBlockedBy');
  const { blockedBy } = outcome;
  const what = blockedBy.length === 0 ? `nothing: it was ${outcome.outcome}` : blockedBy.join(', ');
  return blockedBy.includes(obstacle)
    ? answer(true, [`Expected the event not to be blocked by ${obstacle}, and it was.`], outcome)
    : answer(false, [`Expected the event to be blocked by ${obstacle}; it was blocked by ${what}.`], outcome);
}

function toHaveVotes(received: unknown, votes: string): Answer {
  const outcome = outcomeIn(received, 'toHaveVotes');
  const actual = outcome.votes ?? 'none: no ballot was cast';
  return actual === votes
    ? answer(true, [`Expected other votes than ${votes}.`], outcome)
    : answer(false, [`Expected the votes ${votes}; they were ${actual}.`], outcome);
}

function says(text: string, reason: string | RegExp): boolean {
  return typeof reason === 'string' ? text.includes(reason) : text.search(reason) >= 0;
}

/** What both a runbook and an event leave behind. */
type Seen = Pick<RunbookResult, 'calls' | 'callsOf' | 'trace'> & { readonly run?: RunbookResult['run'] };

function seenIn(received: unknown, matcher: string): Seen {
  if (typeof received === 'object' && received !== null && 'callsOf' in received && 'trace' in received)
    return received as Seen;
  throw new TypeError(`${matcher} takes what runRunbook or lab.send resolves to; is an await missing?`);
}

function outcomeIn(received: unknown, matcher: string): LabOutcome {
  if (typeof received === 'object' && received !== null && 'blockedBy' in received)
    return received as LabOutcome;
  throw new TypeError(`${matcher} takes what lab.send resolves to; is an await missing?`);
}

expect.extend({ toHaveRun, toHaveEscalated, toBeBlockedBy, toHaveVotes });

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
function answer(pass: boolean, lines: readonly string[], { trace }: RunbookResult): Answer {
  return { pass, message: () => [...lines, '', ...trace].join('\n') };
}

function toHaveRun(received: unknown, order: StepOrder): Answer {
  const result = runbookResult(received, 'toHaveRun');
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
  const result = runbookResult(received, 'toHaveEscalated');
  const { run } = result;
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

function says(text: string, reason: string | RegExp): boolean {
  return typeof reason === 'string' ? text.includes(reason) : text.search(reason) >= 0;
}

function runbookResult(received: unknown, matcher: string): RunbookResult {
  if (typeof received === 'object' && received !== null && 'run' in received && 'callsOf' in received)
    return received as RunbookResult;
  throw new TypeError(`${matcher} takes what runRunbook resolves to; is an await missing?`);
}

expect.extend({ toHaveRun, toHaveEscalated });

import type { Json } from '@lazarus/core/ports';
import { CallTimeoutError, callWithin } from './adapters/bounded-call.ts';
import type { Action, DryRun, DryRunContext } from './action.ts';

/** Longest that one action is listened to, milliseconds: the node does nothing else meanwhile. */
const ASK_MS = 100;
const MAX_SUMMARY = 500;
const MAX_CHANGES = 10_000;

/** What an action says of itself, or why it could not be asked. */
export interface DryAnswer extends DryRun {
  readonly problem?: string;
}

/** What is wrong with an answer, in words that hold nothing of it. */
class BadAnswer extends Error {}

/**
 * Asks an action what it would do. The code is the author's and may be wrong: one that throws, hangs or answers anything
 * but words and data leaves `fallback`, with the problem. Of an error only its name is told, because its message may hold
 * what only the action knows to be a secret. Keeps S17.
 *
 * @param inputOf - Makes the input; an input that only a run could know is no problem.
 */
export function askDryRun(
  action: Action,
  inputOf: () => unknown,
  context: DryRunContext,
  fallback: DryRun,
): DryAnswer {
  try {
    return callWithin(ASK_MS, () => {
      const parsed = action.input.safeParse(inputOf());
      if (!parsed.success || action.dry === undefined) return fallback;
      try {
        return readAnswer(action.dry(parsed.data, context));
      } catch (error) {
        return { ...fallback, problem: problemOf(error) };
      }
    });
  } catch (error) {
    // Anything else is an input that cannot be made yet.
    if (!(error instanceof CallTimeoutError)) return fallback;
    return { ...fallback, problem: `its dry run ${error.message}` };
  }
}

/** A copy that is plain data; nothing of the author's runs when it is sent. */
function readAnswer(answer: unknown): DryRun {
  if (typeof answer !== 'object' || answer === null) throw new BadAnswer('answered no summary');
  if ('then' in answer) {
    // Nobody waits for it, and a rejection that nobody handles would end the process.
    Promise.resolve(answer).catch(() => undefined);
    throw new BadAnswer('answered a promise; it has to answer at once');
  }
  const { summary, changes = {} } = answer as Partial<Record<keyof DryRun, unknown>>;
  if (typeof summary !== 'string' || summary.trim() === '') throw new BadAnswer('answered no summary');
  if (typeof changes !== 'object' || changes === null || Array.isArray(changes))
    throw new BadAnswer('answered changes that are no object');
  const json = JSON.stringify(changes);
  if (json.length > MAX_CHANGES)
    throw new BadAnswer(`answered changes of more than ${MAX_CHANGES} characters`);
  return {
    summary: summary.slice(0, MAX_SUMMARY),
    changes: JSON.parse(json) as Readonly<Record<string, Json>>,
  };
}

function problemOf(error: unknown): string {
  if (error instanceof BadAnswer) return `its dry run ${error.message}`;
  const name = error instanceof Error && /^\w{1,64}$/.test(error.name) ? error.name : 'something';
  return `its dry run threw ${name}`;
}

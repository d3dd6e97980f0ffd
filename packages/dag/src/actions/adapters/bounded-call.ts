import { createContext, Script } from 'node:vm';

const sandbox: { work: (() => unknown) | undefined } = { work: undefined };
const context = createContext(sandbox);
const script = new Script('work()');

/** Foreign code did not return in time and was ended. */
export class CallTimeoutError extends Error {}

/**
 * Calls code that must return at once and may be wrong: a loop without end is ended after `limitMs`, without a `catch` or
 * `finally` of its own having a say. For what only computes: it may be ended between any two statements.
 *
 * @param limitMs - 1 or more milliseconds, during which nothing else happens in this process.
 * @throws CallTimeoutError, or what `work` throws.
 */
export function callWithin<T>(limitMs: number, work: () => T): T {
  sandbox.work = work;
  try {
    return script.runInContext(context, { timeout: limitMs }) as T;
  } catch (error) {
    if ((error as { code?: unknown } | null | undefined)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw error;
    throw new CallTimeoutError(`did not end within ${limitMs} ms`);
  } finally {
    sandbox.work = undefined;
  }
}

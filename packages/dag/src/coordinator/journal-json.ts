import { WorkflowError } from '@lazarus/core';
import type { Json } from '@lazarus/core/ports';
import { actionId } from '../actions/action.ts';
import type { Action } from '../actions/action.ts';
import { toJson } from '../expression/cel-value.ts';

/** Longest answer of an action, in characters of JSON (about): the journal holds each of them. */
export const MAX_OUTPUT_CHARS = 256 * 1_024;

/** Deepest nesting of an answer; what contains itself is deeper. */
const MAX_OUTPUT_DEPTH = 64;

/** What a number, a truth value or the brackets of a list count. */
const CHARS_PER_VALUE = 8;

/**
 * The answer of an action as it is journaled: what comes back on replay is the same. Keeps S12.
 *
 * @throws WorkflowError `LZ_WORKFLOW_STEP_FAILED` when it does not fit the output of the action or cannot be written down.
 */
export function answerOf(action: Action, output: unknown): Json {
  const name = actionId(action);
  const parsed = action.output.safeParse(output);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = [issue?.path.join('.') ?? '', issue?.message ?? ''].filter((part) => part !== '');
    throw failure(`${name} answered something else than its output: ${where.join(': ')}`, parsed.error);
  }
  try {
    return toJournalJson(parsed.data);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw failure(`${name} answered something that cannot be journaled: ${why}`, error);
  }
}

const failure = (message: string, cause: unknown): WorkflowError =>
  new WorkflowError({ code: 'LZ_WORKFLOW_STEP_FAILED', message, cause });

/**
 * JSON of whatever an action answered, by the rules of expressions ({@link toJson}); as JSON has it, a key without a value
 * is left out, and there is no negative zero.
 *
 * @throws RangeError for what JSON cannot hold, what contains itself, and what is longer than {@link MAX_OUTPUT_CHARS}.
 */
export function toJournalJson(value: unknown): Json {
  return new Conversion().convert(value, '', 0);
}

class Conversion {
  #charsLeft = MAX_OUTPUT_CHARS;

  convert(value: unknown, path: string, depth: number): Json {
    if (depth > MAX_OUTPUT_DEPTH)
      throw new RangeError(`it is nested deeper than ${MAX_OUTPUT_DEPTH} levels, or contains itself`);
    this.#take(typeof value === 'string' ? value.length : CHARS_PER_VALUE);
    if (Array.isArray(value))
      return Array.from(value, (inner, index) => this.convert(inner, below(path, String(index)), depth + 1));
    if (value instanceof Map) return this.#object([...(value as Map<unknown, unknown>)], path, depth);
    if (isPlainObject(value)) return this.#object(Object.entries(value), path, depth);
    return leaf(value, path);
  }

  #object(entries: readonly (readonly [unknown, unknown])[], path: string, depth: number): Json {
    const present = entries.filter(([, inner]) => inner !== undefined);
    return Object.fromEntries(
      present.map(([key, inner]) => {
        const name = String(key);
        this.#take(name.length);
        return [name, this.convert(inner, below(path, name), depth + 1)];
      }),
    );
  }

  #take(chars: number): void {
    this.#charsLeft -= chars;
    if (this.#charsLeft < 0) throw new RangeError(`it is longer than ${MAX_OUTPUT_CHARS} characters`);
  }
}

function leaf(value: unknown, path: string): Json {
  if (value === 0) return 0;
  try {
    return toJson(value);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new RangeError(path === '' ? why : `${path}: ${why}`, { cause: error });
  }
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const below = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

import type { LazarusEvent } from '../events/event.ts';
import type { Conjunction, FieldCondition } from '../patterns/parse-pattern.ts';
import { testValue } from '../patterns/test-value.ts';
import type { NumericRange, Scalar, ValueTest } from '../patterns/value-test.ts';

/** Most events that are made for one branch. */
const MAX_WITNESSES = 24;

const ENVELOPE = {
  id: 'example',
  event_type: 'NagiosHostAlarm',
  source: 'example',
  time: '2026-01-31T12:00:00Z',
  region: 'eu-west-1',
  environment: 'prod',
} as const;

/** `undefined` stands for a field that is absent. */
type Choice = Scalar | undefined;

/**
 * Events that match a branch: one with the first choice for every field, and then one for every further choice of one
 * field. Empty when two conditions on one field exclude each other, as far as the examples of their matchers show.
 */
export function witnessesOf(branch: Conjunction, service: string): readonly LazarusEvent[] {
  const fields = new Map<string, FieldCondition[]>();
  for (const condition of branch)
    fields.set(condition.path, [...(fields.get(condition.path) ?? []), condition]);
  const choices = new Map<string, readonly Choice[]>();
  for (const [path, conditions] of fields) {
    const fitting = candidatesOf(conditions).filter((choice) =>
      conditions.every((condition) => accepts(condition, choice)),
    );
    if (fitting.length === 0) return [];
    choices.set(path, fitting);
  }
  const first = new Map([...choices].map(([path, [choice]]) => [path, choice]));
  const events = [eventWith(first, service)];
  for (const [path, [, ...others]] of choices) {
    for (const other of others) {
      if (events.length < MAX_WITNESSES) events.push(eventWith(new Map(first).set(path, other), service));
    }
  }
  return events;
}

function accepts(condition: FieldCondition, choice: Choice): boolean {
  return condition.tests.some((test) =>
    choice === undefined ? test.kind === 'absent' : testValue(test, choice),
  );
}

function candidatesOf(conditions: readonly FieldCondition[]): readonly Choice[] {
  const examples = conditions.flatMap(({ tests }) => tests.flatMap(examplesOf));
  return [...new Set<Choice>(examples)];
}

function examplesOf(test: ValueTest): readonly Choice[] {
  switch (test.kind) {
    case 'equals':
      return [test.value];
    case 'prefix':
      return [test.text, `${test.text}x`];
    case 'suffix':
      return [test.text, `x${test.text}`];
    case 'equals-ignore-case':
      return [test.text];
    case 'wildcard':
      return [test.pieces.join(''), test.pieces.join('x')];
    case 'numeric':
      return examplesIn(test.range);
    case 'cidr':
      return [test.source.split('/')[0] ?? ''];
    case 'anything-but':
      return ['x', 'something else', 0];
    case 'exists':
      return ['x', 0];
    case 'absent':
      return [undefined];
  }
}

function examplesIn({ low, high }: NumericRange): readonly number[] {
  if (low === -Infinity) return [high, high - 1];
  if (high === Infinity) return [low, low + 1];
  return [low, (low + high) / 2, high];
}

function eventWith(choices: ReadonlyMap<string, Choice>, service: string): LazarusEvent {
  const event: Record<string, unknown> = { ...ENVELOPE, service, attributes: {} };
  for (const [path, choice] of choices) {
    if (choice === undefined) remove(event, path.split('.'));
    else put(event, path.split('.'), choice);
  }
  return event as LazarusEvent;
}

function put(object: Record<string, unknown>, keys: readonly string[], value: Scalar): void {
  const [key = '', ...rest] = keys;
  if (rest.length === 0) {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
    return;
  }
  const inner = Object.hasOwn(object, key) ? object[key] : undefined;
  const next = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {};
  put(next, rest, value);
  Object.defineProperty(object, key, { value: next, enumerable: true, configurable: true, writable: true });
}

function remove(object: Record<string, unknown>, keys: readonly string[]): void {
  const [key = '', ...rest] = keys;
  const inner = object[key];
  if (rest.length === 0) Reflect.deleteProperty(object, key);
  else if (typeof inner === 'object' && inner !== null) remove(inner as Record<string, unknown>, rest);
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePatterns } from '../../src/patterns/compile-patterns.ts';
import { matchesReference } from './reference-evaluator.ts';

const word = fc.constantFrom('', 'a', 'b', 'ab', 'ba', 'aB', 'abc', 'a*b', 'ab.c', '10.0.0.1', '10.0.1.7');
const number = fc.constantFrom(-1, 0, 1, 1.5, 2, 3);
const literal = fc.oneof(word, number, fc.boolean(), fc.constant(null));
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { minLength: 1, maxLength: 3 });
const affix = fc.constantFrom('a', 'b', 'ab', 'B');
const wildcard = fc.constantFrom('*', 'a*', '*b', 'a*b', '*a*', 'a*b*c', 'a\\*b', 'ab');
const range = fc.oneof(
  fc
    .tuple(fc.constantFrom('=', '<', '<=', '>', '>='), number)
    .map(([operator, bound]): unknown[] => [operator, bound]),
  fc
    .tuple(fc.constantFrom('>', '>='), number, fc.constantFrom('<', '<='), number)
    .filter(([, low, , high]) => low < high)
    .map((terms): unknown[] => terms),
);

const matcher = fc.oneof(
  { weight: 6, arbitrary: literal },
  fc.oneof(fc.constant(''), affix).map((prefix) => ({ prefix })),
  affix.map((suffix) => ({ suffix })),
  affix.map((text) => ({ prefix: { 'equals-ignore-case': text } })),
  affix.map((text) => ({ suffix: { 'equals-ignore-case': text } })),
  word.map((text) => ({ 'equals-ignore-case': text })),
  wildcard.map((text) => ({ wildcard: text })),
  range.map((numeric) => ({ numeric })),
  fc.constantFrom('10.0.0.0/24', '10.0.0.0/8', '0.0.0.0/0').map((cidr) => ({ cidr })),
  fc.boolean().map((exists) => ({ exists })),
  fc.oneof(some(word), some(number), word).map((values) => ({ 'anything-but': values })),
  some(affix).map((prefix) => ({ 'anything-but': { prefix } })),
  some(affix).map((suffix) => ({ 'anything-but': { suffix } })),
  some(word).map((words) => ({ 'anything-but': { 'equals-ignore-case': words } })),
  wildcard.map((text) => ({ 'anything-but': { wildcard: text } })),
);

const key = fc.constantFrom('x', 'y', 'z');
const fields = (depth: number): fc.Arbitrary<Record<string, unknown>> =>
  fc.dictionary(
    key,
    depth === 0 ? some(matcher) : fc.oneof({ weight: 3, arbitrary: some(matcher) }, fields(depth - 1)),
    { minKeys: 1, maxKeys: 3, noNullPrototype: true },
  );
const pattern = fc
  .tuple(
    fields(2),
    fc.option(fc.array(fields(1), { minLength: 2, maxLength: 3 }), { freq: 3, nil: undefined }),
  )
  .map(([own, alternatives]) => (alternatives === undefined ? own : { ...own, $or: alternatives }));

const eventValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    literal,
    tie('object'),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
  object: fc.dictionary(fc.constantFrom('x', 'y', 'z', 'x.y'), tie('value'), {
    maxKeys: 3,
    noNullPrototype: true,
  }),
})).object;

/** Events without lists, as nearly all are: a path of their own through the matcher. */
const flatEvent = fc.dictionary(
  key,
  fc.oneof(literal, fc.dictionary(key, literal, { maxKeys: 3, noNullPrototype: true })),
  {
    maxKeys: 3,
    noNullPrototype: true,
  },
);

function agrees(patterns: readonly Record<string, unknown>[], event: unknown): number {
  const named = patterns.map((entry, at) => ({ name: String(at), pattern: entry }));
  const expected = named.filter((entry) => matchesReference(entry.pattern, event)).map(({ name }) => name);
  const compiled = compilePatterns(named);
  expect(compiled.match(event)).toEqual(expected);
  // The scratch area must be clean again.
  expect(compiled.match(event)).toEqual(expected);
  return expected.length;
}

describe('the index', () => {
  it('matches what the reference evaluator matches, on 4 000 random sets of patterns and events', () => {
    let matched = 0;
    fc.assert(
      fc.property(
        fc.array(pattern, { minLength: 1, maxLength: 6 }),
        fc.oneof(eventValue, flatEvent),
        (patterns, event) => {
          matched += agrees(patterns, event);
        },
      ),
      { numRuns: 4_000 },
    );
    expect(matched).toBeGreaterThan(200);
  });

  it('takes null for a value, however often a field is spelled', () => {
    const pattern = { x: { y: [{ 'anything-but': { suffix: ['a'] } }] } };
    for (const event of [
      { x: { y: null }, 'x.y': {} },
      { x: {}, 'x.y': null },
      { x: { y: null }, 'x.y': 'a' },
    ])
      expect(agrees([pattern], event)).toBe(1);
  });

  it('matches what the reference evaluator matches when 60 patterns share few fields and the index has several levels', () => {
    const narrow = fc.record(
      {
        x: some(fc.constantFrom('a', 'b')),
        y: some(matcher),
        z: some(
          fc.oneof(
            range.map((numeric) => ({ numeric })),
            affix.map((prefix) => ({ prefix })),
          ),
        ),
      },
      { requiredKeys: ['x'], noNullPrototype: true },
    );
    const event = fc.record(
      {
        x: fc.oneof(word, fc.array(word, { maxLength: 2 })),
        y: literal,
        z: fc.oneof(number, word, fc.array(number, { maxLength: 3 })),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(
        fc.array(narrow, { minLength: 60, maxLength: 60 }),
        fc.array(event, { minLength: 5, maxLength: 5 }),
        (patterns, events) => {
          for (const one of events) agrees(patterns, one);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('judges absence inside lists as the reference evaluator does', () => {
    const small = fc.constantFrom('a', 'b');
    const condition = some(
      fc.oneof(
        small,
        fc.boolean().map((exists) => ({ exists })),
      ),
    );
    const inner = fc.dictionary(key, condition, { minKeys: 1, maxKeys: 3, noNullPrototype: true });
    const element = fc.dictionary(key, small, { maxKeys: 3, noNullPrototype: true });
    fc.assert(
      fc.property(
        fc.array(inner, { minLength: 1, maxLength: 4 }),
        fc.array(element, { maxLength: 4 }),
        (patterns, list) => {
          agrees(
            patterns.map((entry) => ({ list: entry })),
            { list },
          );
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('every way to look up', () => {
  const kinds = Array.from({ length: 20 }, (_, at) => `kind-${at}`);
  const odd = fc.constantFrom('x', 'y', 'constructor', 'toString', '__proto__', 'a.b');
  const own = (entries: readonly (readonly [string, unknown])[]): Record<string, unknown> =>
    JSON.parse(
      `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`,
    ) as Record<string, unknown>;
  const entriesOf = <T>(value: fc.Arbitrary<T>, max: number) =>
    fc.uniqueArray(fc.tuple(odd, value), { maxLength: max, selector: ([key]) => key });
  const conditions = entriesOf(fc.oneof(some(matcher), entriesOf(some(matcher), 2).map(own)), 3).map(
    (entries) => entries.filter(([, value]) => Object.keys(value).length > 0),
  );
  const fieldsOfEvent = entriesOf(
    fc.oneof(
      { weight: 4, arbitrary: literal },
      entriesOf(literal, 2).map(own),
      fc.array(literal, { maxLength: 2 }),
    ),
    4,
  );
  const event = fc
    .tuple(
      fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom(...kinds) },
        literal,
        fc.constant(['kind-0', 'kind-1']),
      ),
      fieldsOfEvent,
    )
    .map(([kind, fields]) => own([['kind', kind], ...fields]));

  it.each([
    ['3 rules with a text of their own each', 3, 1],
    ['8 rules with a text of their own each', 8, 1],
    ['20 rules with a text of their own each', 20, 1],
    ['20 rules of which 4 share a text', 20, 4],
  ])('matches what the reference evaluator matches: %s', (_, count, sharing) => {
    let matched = 0;
    fc.assert(
      fc.property(
        fc.array(conditions, { minLength: count, maxLength: count }),
        fc.array(event, { minLength: 6, maxLength: 6 }),
        (rules, events) => {
          const patterns = rules.map((fields, at) =>
            own([['kind', [kinds[Math.floor(at / sharing)] ?? '']], ...fields]),
          );
          for (const one of events) matched += agrees(patterns, one);
        },
      ),
      { numRuns: 250 },
    );
    expect(matched).toBeGreaterThan(20);
  });

  it('forgets nothing and keeps nothing between events, in whatever order lists, flat events and nonsense come', () => {
    const rules = kinds
      .slice(0, 6)
      .map((kind, at) => ({ kind: [kind], x: [{ numeric: ['>=', at] }], y: { a: ['b'] } }));
    const compiled = compilePatterns(rules.map((pattern, at) => ({ name: String(at), pattern })));
    const anything = fc.oneof(
      event,
      fc.constantFrom<unknown>(null, undefined, 'text', 3, [], [{ kind: 'kind-1' }], { kind: {} }),
      fc.record({ kind: fc.constantFrom(...kinds.slice(0, 6)), x: number, y: fc.constant({ a: 'b' }) }),
      fc.record({
        kind: fc.constantFrom(...kinds.slice(0, 6)),
        x: fc.array(number),
        y: fc.constant({ a: ['b'] }),
      }),
    );
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 12 }), (events) => {
        for (const one of events) {
          const expected = rules.flatMap((rule, at) =>
            matchesReference(rule as Parameters<typeof matchesReference>[0], one as never)
              ? [String(at)]
              : [],
          );
          expect(compiled.match(one)).toEqual(expected);
        }
      }),
      { numRuns: 500 },
    );
  });
});

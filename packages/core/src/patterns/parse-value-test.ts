import { describeFound } from '../documents/document-path.ts';
import { didYouMean } from '../documents/suggest.ts';
import { parseCidr } from './cidr.ts';
import type { NumericRange, ValueTest } from './value-test.ts';
import { parseWildcard } from './wildcard.ts';

/** Why a matcher was refused, and where inside the matcher. */
export interface Refusal {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint?: string;
}

/** A parsed matcher, or why there is none. */
export type ValueTestParse =
  { readonly ok: true; readonly test: ValueTest } | { readonly ok: false; readonly refusal: Refusal };

type Parser = (value: unknown) => ValueTestParse;

const accept = (test: ValueTest): ValueTestParse => ({ ok: true, test });

function refuse(message: string, path: readonly (string | number)[] = []): ValueTestParse {
  return { ok: false, refusal: { path, message } };
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Parses one entry of a matcher list: a literal, or a mapping with one matcher name. */
export function parseValueTest(entry: unknown): ValueTestParse {
  if (typeof entry === 'number' && !Number.isFinite(entry))
    return refuse('found a number that cannot be compared');
  if (
    entry === null ||
    typeof entry === 'string' ||
    typeof entry === 'number' ||
    typeof entry === 'boolean'
  ) {
    return accept({ kind: 'equals', value: entry });
  }
  if (!isMapping(entry)) return refuse(`found ${describeFound(entry)}, expected a value or a matcher`);
  return parseNamed(entry, MATCHERS, 'matcher');
}

function parseNamed(
  entry: Record<string, unknown>,
  parsers: ReadonlyMap<string, Parser>,
  what: string,
): ValueTestParse {
  const names = Object.keys(entry);
  const [name] = names;
  if (name === undefined || names.length > 1) {
    return refuse(`found ${names.length} keys, expected one ${what}`);
  }
  const parse = parsers.get(name);
  if (parse === undefined) {
    const hint = didYouMean(name, parsers.keys()) ?? `known: ${[...parsers.keys()].join(', ')}`;
    return {
      ok: false,
      refusal: { path: [name], message: `found the unknown ${what} ${JSON.stringify(name)}`, hint },
    };
  }
  const parsed = parse(entry[name]);
  if (parsed.ok) return parsed;
  return { ok: false, refusal: { ...parsed.refusal, path: [name, ...parsed.refusal.path] } };
}

const affix =
  (kind: 'prefix' | 'suffix'): Parser =>
  (value) => {
    if (typeof value === 'string') return accept({ kind, text: value, ignoreCase: false });
    if (!isMapping(value))
      return refuse(`found ${describeFound(value)}, expected a string or { equals-ignore-case: string }`);
    const ignoringCase = (inner: unknown): ValueTestParse =>
      typeof inner === 'string'
        ? accept({ kind, text: inner, ignoreCase: true })
        : refuse(`found ${describeFound(inner)}, expected a string`);
    return parseNamed(value, new Map([['equals-ignore-case', ignoringCase]]), `form of ${kind}`);
  };

const equalsIgnoreCase: Parser = (value) =>
  typeof value === 'string'
    ? accept({ kind: 'equals-ignore-case', text: value })
    : refuse(`found ${describeFound(value)}, expected a string`);

const wildcard: Parser = (value) => {
  if (typeof value !== 'string') return refuse(`found ${describeFound(value)}, expected a string`);
  const parsed = parseWildcard(value);
  return parsed.ok
    ? accept({ kind: 'wildcard', pieces: parsed.pieces, source: value })
    : refuse(parsed.message);
};

const cidr: Parser = (value) => {
  if (typeof value !== 'string')
    return refuse(`found ${describeFound(value)}, expected a string such as 10.0.0.0/24`);
  const parsed = parseCidr(value);
  return 'message' in parsed ? refuse(parsed.message) : accept({ kind: 'cidr', cidr: parsed, source: value });
};

const exists: Parser = (value) =>
  typeof value === 'boolean'
    ? accept({ kind: value ? 'exists' : 'absent' })
    : refuse(`found ${describeFound(value)}, expected true or false`);

const numeric: Parser = (value) => {
  if (!Array.isArray(value))
    return refuse(`found ${describeFound(value)}, expected a list such as [">", 0, "<=", 5]`);
  const terms: readonly unknown[] = value;
  const range = parseRange(terms);
  return 'message' in range
    ? refuse(range.message, range.at === undefined ? [] : [range.at])
    : accept({ kind: 'numeric', range });
};

interface RangeProblem {
  readonly message: string;
  readonly at?: number;
}

function parseRange(terms: readonly unknown[]): NumericRange | RangeProblem {
  const [operator, bound] = terms;
  const lower = operator === '>' || operator === '>=';
  const upper = operator === '<' || operator === '<=';
  if (!lower && !upper && operator !== '=')
    return { message: `found ${describeFound(operator)}, expected = < <= > or >=`, at: 0 };
  if (typeof bound !== 'number' || !Number.isFinite(bound))
    return { message: `found ${describeFound(bound)}, expected a number`, at: 1 };
  if (operator === '=')
    return onlyTerm(terms, { low: bound, lowInclusive: true, high: bound, highInclusive: true });
  const inclusive = operator === '<=' || operator === '>=';
  if (upper)
    return onlyTerm(terms, { low: -Infinity, lowInclusive: false, high: bound, highInclusive: inclusive });
  if (terms.length === 2)
    return { low: bound, lowInclusive: inclusive, high: Infinity, highInclusive: false };
  const [, , second, top] = terms;
  if (second !== '<' && second !== '<=')
    return { message: `found ${describeFound(second)}, expected < or <=`, at: 2 };
  if (typeof top !== 'number' || !Number.isFinite(top))
    return { message: `found ${describeFound(top)}, expected a number`, at: 3 };
  if (terms.length > 4) return { message: 'found more than two comparisons', at: 4 };
  if (!(bound < top)) return { message: `the lower bound ${bound} is not below the upper bound ${top}` };
  return { low: bound, lowInclusive: inclusive, high: top, highInclusive: second === '<=' };
}

function onlyTerm(terms: readonly unknown[], range: NumericRange): NumericRange | RangeProblem {
  return terms.length === 2 ? range : { message: 'found more after the comparison, expected nothing', at: 2 };
}

const anythingBut: Parser = (value) => {
  if (isMapping(value)) return parseNamed(value, ANYTHING_BUT_FORMS, 'form of anything-but');
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (values.length === 0) return refuse('found an empty list, expected at least one value');
  const kind = typeof values[0];
  const odd = values.findIndex((entry) => typeof entry !== kind || !isTextOrNumber(entry));
  if (odd !== -1) {
    const message = `found ${describeFound(values[odd])}, expected strings only or numbers only`;
    return refuse(message, Array.isArray(value) ? [odd] : []);
  }
  return accept({
    kind: 'anything-but',
    tests: values.map((entry) => ({ kind: 'equals', value: entry as string | number })),
  });
};

const isTextOrNumber = (value: unknown): boolean =>
  typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value));

/** A form of anything-but takes one string or a list of them, each parsed as the matcher of the same name. */
function noneOf(parse: Parser, allowEmptyText: boolean): Parser {
  return (value) => {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (values.length === 0) return refuse('found an empty list, expected at least one string');
    const tests: ValueTest[] = [];
    for (const [index, entry] of values.entries()) {
      const path = Array.isArray(value) ? [index] : [];
      if (typeof entry !== 'string') return refuse(`found ${describeFound(entry)}, expected a string`, path);
      if (entry === '' && !allowEmptyText) return refuse('found an empty string, which every text has', path);
      const parsed = parse(entry);
      if (!parsed.ok) return refuse(parsed.refusal.message, path);
      tests.push(parsed.test);
    }
    return accept({ kind: 'anything-but', tests });
  };
}

const ANYTHING_BUT_FORMS: ReadonlyMap<string, Parser> = new Map([
  ['prefix', noneOf(affix('prefix'), false)],
  ['suffix', noneOf(affix('suffix'), false)],
  ['equals-ignore-case', noneOf(equalsIgnoreCase, true)],
  ['wildcard', noneOf(wildcard, true)],
]);

const MATCHERS: ReadonlyMap<string, Parser> = new Map([
  ['prefix', affix('prefix')],
  ['suffix', affix('suffix')],
  ['equals-ignore-case', equalsIgnoreCase],
  ['wildcard', wildcard],
  ['numeric', numeric],
  ['cidr', cidr],
  ['exists', exists],
  ['anything-but', anythingBut],
]);

/** Names of all matchers. */
export const MATCHER_NAMES: readonly string[] = [...MATCHERS.keys()];

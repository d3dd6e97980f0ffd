/**
 * A second, naive evaluator of event patterns, written from the rules and not from the index: flatten the event into leaves
 * with the positions of the lists they stand in, try every assignment of leaves to conditions.
 */

type Json = unknown;

interface Leaf {
  readonly path: string;
  readonly value: Json;
  /** List, named by its own place in the event, to position. */
  readonly positions: ReadonlyMap<string, number>;
}

const isMapping = (value: Json): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function leavesOf(value: Json, path: string, place: string, positions: ReadonlyMap<string, number>): Leaf[] {
  if (Array.isArray(value)) {
    return value.flatMap((entry: Json, at) =>
      leavesOf(entry, path, `${place}/${at}`, new Map([...positions, [place, at]])),
    );
  }
  if (isMapping(value)) {
    return Object.entries(value).flatMap(([key, inner]) =>
      leavesOf(inner, path === '' ? key : `${path}.${key}`, `${place}/${JSON.stringify(key)}`, positions),
    );
  }
  return [{ path, value, positions }];
}

type Rule = Map<string, readonly Json[]>;

function rulesOf(pattern: Record<string, Json>, prefix: string, rules: readonly Rule[]): readonly Rule[] {
  let current = rules;
  for (const [key, value] of Object.entries(pattern)) {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (key === '$or' && (value as readonly Json[]).every(isMapping)) {
      const before = current;
      current = (value as Record<string, Json>[]).flatMap((alternative) =>
        rulesOf(alternative, prefix, before),
      );
    } else if (Array.isArray(value)) {
      current = current.map((rule) => new Map(rule).set(path, value));
    } else {
      current = rulesOf(value as Record<string, Json>, path, current);
    }
  }
  return current;
}

function wildcardToRegExp(text: string): RegExp {
  const parts = text.match(/\\.|\*|[^\\*]/gsu) ?? [];
  const source = parts.map((part) =>
    part === '*'
      ? '[^]*'
      : (part.length > 1 && part.startsWith('\\') ? part.slice(1) : part).replace(
          /[.*+?^${}()|[\]\\/]/gu,
          '\\$&',
        ),
  );
  return new RegExp(`^${source.join('')}$`, 'u');
}

function isIn(value: string, cidr: string): boolean {
  const toNumber = (address: string): number =>
    address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(value) || value.split('.').some((octet) => Number(octet) > 255))
    return false;
  const [base = '', bits = ''] = cidr.split('/');
  const size = 2 ** (32 - Number(bits));
  return Math.floor(toNumber(value) / size) === Math.floor(toNumber(base) / size);
}

const listOf = (value: Json): readonly Json[] => (Array.isArray(value) ? value : [value]);

function passes(matcher: Json, value: Json): boolean {
  if (!isMapping(matcher)) return Object.is(matcher, value) || (matcher === 0 && value === 0);
  const [[name, operand] = ['', undefined]] = Object.entries(matcher);
  const text = typeof value === 'string' ? value : undefined;
  const fold = (word: Json): string => String(word).toLowerCase();
  switch (name) {
    case 'prefix':
      return (
        text !== undefined &&
        (isMapping(operand)
          ? fold(text).startsWith(fold(operand['equals-ignore-case']))
          : text.startsWith(String(operand)))
      );
    case 'suffix':
      return (
        text !== undefined &&
        (isMapping(operand)
          ? fold(text).endsWith(fold(operand['equals-ignore-case']))
          : text.endsWith(String(operand)))
      );
    case 'equals-ignore-case':
      return text !== undefined && fold(text) === fold(operand);
    case 'wildcard':
      return text !== undefined && wildcardToRegExp(String(operand)).test(text);
    case 'cidr':
      return text !== undefined && isIn(text, String(operand));
    case 'exists':
      return operand === true;
    case 'numeric': {
      if (typeof value !== 'number') return false;
      const terms = operand as readonly (string | number)[];
      const holds = (operator: Json, bound: number): boolean =>
        ({
          '=': value === bound,
          '<': value < bound,
          '<=': value <= bound,
          '>': value > bound,
          '>=': value >= bound,
        })[String(operator)] ?? false;
      return holds(terms[0], Number(terms[1])) && (terms.length < 4 || holds(terms[2], Number(terms[3])));
    }
    case 'anything-but': {
      if (!isMapping(operand)) return !listOf(operand).some((inner) => passes(inner, value));
      const [[form, inner] = ['', undefined]] = Object.entries(operand);
      return !listOf(inner).some((entry) => passes({ [form]: entry }, value));
    }
    default:
      throw new Error(`unknown matcher ${name}`);
  }
}

const isAbsence = (matcher: Json): boolean => isMapping(matcher) && matcher['exists'] === false;

function agree(left: ReadonlyMap<string, number>, right: ReadonlyMap<string, number>): boolean {
  return [...right].every(([list, position]) => !left.has(list) || left.get(list) === position);
}

function assign(
  conditions: readonly (readonly [string, readonly Json[]])[],
  leaves: readonly Leaf[],
  positions: ReadonlyMap<string, number>,
): boolean {
  const [first, ...rest] = conditions;
  if (first === undefined) return true;
  const [path, matchers] = first;
  const consistent = leaves.filter((leaf) => leaf.path === path && agree(positions, leaf.positions));
  if (consistent.length === 0) return matchers.some(isAbsence) && assign(rest, leaves, positions);
  return consistent.some(
    (leaf) =>
      matchers.some((matcher) => !isAbsence(matcher) && passes(matcher, leaf.value)) &&
      assign(rest, leaves, new Map([...positions, ...leaf.positions])),
  );
}

/** True when the event matches the pattern. */
export function matchesReference(pattern: Record<string, Json>, event: Json): boolean {
  const leaves = leavesOf(event, '', '', new Map());
  return rulesOf(pattern, '', [new Map()]).some((rule) => {
    const conditions = [...rule].sort(([left], [right]) => (left < right ? -1 : 1));
    return assign(conditions, leaves, new Map());
  });
}

import type { z } from 'zod';
import { describeFound, formatPath, quote, valueAt } from './document-path.ts';
import type { DocumentPath } from './document-path.ts';
import { knownKeys } from './schema-keys.ts';
import { didYouMean } from './suggest.ts';

/** A schema issue in our words, not yet located in a text. */
export interface SchemaIssue {
  readonly segments: DocumentPath;
  /** What to point at: the value, or the key that names it. */
  readonly part: 'value' | 'key';
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

/** Most unknown keys of one mapping that are named. */
const MAX_UNKNOWN_KEYS = 20;

type ZodIssue = z.core.$ZodIssue;

const EXPECTED_NAMES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  null: 'null',
};

const expectedName = (name: string): string => EXPECTED_NAMES[name] ?? name;

/** Says every issue of a failed parse as what was found and what was expected, with a suggestion for unknown names. */
export function explainSchemaIssues(
  schema: z.core.$ZodType,
  root: unknown,
  issues: readonly ZodIssue[],
): readonly SchemaIssue[] {
  return issues.flatMap((issue) => explain(schema, root, issue, []));
}

function explain(
  schema: z.core.$ZodType,
  root: unknown,
  issue: ZodIssue,
  base: DocumentPath,
): readonly SchemaIssue[] {
  const segments = [...base, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.slice(0, MAX_UNKNOWN_KEYS).map((key) => unknownKey(schema, segments, key));
    case 'invalid_union': {
      const branch = nearestBranch(issue.errors);
      if (branch !== undefined) return branch.flatMap((inner) => explain(schema, root, inner, segments));
      return [
        plain(
          segments,
          `found ${describeFound(valueAt(root, segments))}, expected ${unionExpectation(issue)}`,
        ),
      ];
    }
    case 'invalid_key':
      return issue.issues.map((inner) => ({
        ...plain(segments, `this key is not allowed: ${inner.message}`),
        part: 'key' as const,
      }));
    case 'invalid_element':
      return issue.issues.flatMap((inner) => explain(schema, root, inner, segments));
    default:
      return [explainValue(root, issue, segments)];
  }
}

function plain(segments: DocumentPath, message: string, hint?: string): SchemaIssue {
  return {
    segments,
    part: 'value',
    path: formatPath(segments),
    message,
    ...(hint === undefined ? {} : { hint }),
  };
}

function unknownKey(schema: z.core.$ZodType, segments: DocumentPath, key: string): SchemaIssue {
  const known = knownKeys(schema, segments);
  const list =
    known.length > 0 && known.length <= 24 ? `known here: ${[...known].sort().join(', ')}` : undefined;
  const hint = didYouMean(key, known) ?? list;
  return { ...plain([...segments, key], `found the unknown key ${quote(key)}`, hint), part: 'key' };
}

function explainValue(root: unknown, issue: ZodIssue, segments: DocumentPath): SchemaIssue {
  const value = valueAt(root, segments);
  const found = describeFound(value);
  switch (issue.code) {
    case 'invalid_type':
      // A schema that brings its own sentence knows better than we do what it expects.
      if (!issue.message.startsWith('Invalid input'))
        return plain(segments, `found ${found}, ${issue.message}`);
      return plain(segments, `found ${found}, expected ${expectedName(issue.expected)}`);
    case 'invalid_value': {
      const choices = issue.values.map(String);
      const hint = typeof value === 'string' ? didYouMean(value, choices) : undefined;
      return plain(segments, `found ${found}, expected ${choices.join(' | ')}`, hint);
    }
    case 'too_small':
      return plain(
        segments,
        `found ${found}, expected ${size(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum)}`,
      );
    case 'too_big':
      return plain(
        segments,
        `found ${found}, expected ${size(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum)}`,
      );
    default:
      return plain(
        segments,
        issue.message.startsWith('expected') ? `found ${found}, ${issue.message}` : issue.message,
        hintOf(issue),
      );
  }
}

/** A refinement may bring its own hint: `context.addIssue({ …, params: { hint } })`. */
function hintOf(issue: ZodIssue): string | undefined {
  const hint: unknown = issue.code === 'custom' ? issue.params?.hint : undefined;
  return typeof hint === 'string' ? hint : undefined;
}

function size(origin: string, relation: string, limit: number | bigint): string {
  const unit: Readonly<Record<string, string>> = {
    string: ' characters',
    array: ' entries',
    set: ' entries',
  };
  return `${relation} ${String(limit)}${unit[origin] ?? ''}`;
}

/** The alternative that the author probably meant: one that accepted the kind of value and failed further inside. */
function nearestBranch(branches: readonly (readonly ZodIssue[])[]): readonly ZodIssue[] | undefined {
  const fitting = branches.filter(
    (issues) => !issues.some((issue) => issue.code === 'invalid_type' && issue.path.length === 0),
  );
  return [...fitting].sort((left, right) => left.length - right.length)[0];
}

function unionExpectation(issue: Extract<ZodIssue, { code: 'invalid_union' }>): string {
  const names = issue.errors.flatMap((branch) =>
    branch.flatMap((inner) => (inner.code === 'invalid_type' ? [expectedName(inner.expected)] : [])),
  );
  return names.length === 0 ? 'another value' : [...new Set(names)].join(' or ');
}

import { describe, expect, it } from 'vitest';
import { parseYamlDocument, parseYamlDocuments } from '@lazarus/core/documents';
import { ConfigurationError } from '../../src/errors/lazarus-error.ts';
import type { Issue } from '../../src/errors/lazarus-error.ts';

function refusal(text: string): Issue {
  return refusals(text)[0]!;
}

function refusals(text: string): readonly Issue[] {
  try {
    parseYamlDocuments(text, { file: 'x.yaml' });
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues;
    throw error;
  }
  throw new Error('the text was accepted');
}

describe('a YAML document', () => {
  it('becomes plain data whose parts can be located', () => {
    const parsed = parseYamlDocument('name: web\nlist:\n  - { a: 1 }\n  - b: two\n', { file: 'x.yaml' });
    expect(parsed.value).toEqual({ name: 'web', list: [{ a: 1 }, { b: 'two' }] });
    expect(parsed.locate(['name'])).toEqual({ line: 1, column: 7 });
    expect(parsed.locate(['list', 1, 'b'])).toEqual({ line: 4, column: 8 });
    expect(parsed.locate(['list', 1, 'b'], 'key')).toEqual({ line: 4, column: 5 });
  });

  it('locates a missing key at the mapping that lacks it', () => {
    const parsed = parseYamlDocument('list:\n  - a: 1\n', { file: 'x.yaml' });
    expect(parsed.locate(['list', 0, 'nothing', 'here'])).toEqual({ line: 2, column: 5 });
  });

  it('reads YAML 1.2 words as text: yes, no and on are no booleans, << is a plain key', () => {
    expect(
      parseYamlDocument('a: yes\nb: on\n"<<": 3\nc: true\nd: 0x10\n1: one\n', { file: 'x' }).value,
    ).toEqual({
      a: 'yes',
      b: 'on',
      '<<': 3,
      c: true,
      d: 16,
      '1': 'one',
    });
  });

  it('is null when the text holds only comments', () => {
    expect(parseYamlDocument('# nothing\n', { file: 'x' }).value).toBeNull();
    expect(parseYamlDocument('', { file: 'x' }).value).toBeNull();
  });

  it('keeps keys of the object prototype as plain data and refuses __proto__', () => {
    const value = parseYamlDocument('constructor: 1\ntoString: 2\n', { file: 'x' }).value as object;
    expect(Object.keys(value)).toEqual(['constructor', 'toString']);
    expect(refusal('a:\n  __proto__: { admin: true }\n')).toMatchObject({ line: 2, column: 3, path: 'a' });
  });

  it('is one of several in a text divided by ---', () => {
    const documents = parseYamlDocuments('a: 1\n---\nb: 2\n', { file: 'x' });
    expect(documents.map((document) => document.value)).toEqual([{ a: 1 }, { b: 2 }]);
    expect(documents[1]!.locate(['b'])).toEqual({ line: 3, column: 4 });
    expect(() => parseYamlDocument('a: 1\n---\nb: 2\n', { file: 'x' })).toThrow('found a second document');
  });
});

describe('a refused YAML text', () => {
  it.each([
    ['a: [1, 2\nb: 3', { line: 2, column: 1 }],
    ['a: 1\na: 2', { line: 2, column: 1, path: 'a', message: 'found the key "a" twice' }],
    ['a: {b: 1, c: 2, b: 3}', { line: 1, column: 17, path: 'a.b' }],
    ['a: &x 1\nb: *x', { line: 1, column: 4 }],
    ['b: *x', { line: 1, column: 4 }],
    ['a: !!js/function "x"', { line: 1, column: 4 }],
    ['%YAML 1.1\n---\na: yes', { line: 1, column: 1 }],
    ['? [a]\n: b', { line: 1, column: 3 }],
  ])('names the position: %j', (text, expected) => {
    expect(refusal(text)).toMatchObject({ file: 'x.yaml', ...expected });
  });

  it('accepts the marks of aliases, anchors and tags inside quotes and words', () => {
    expect(parseYamlDocument('a: "*x"\nb: \'&y\'\nc: "!z"\nd: a&b*c!d\n', { file: 'x' }).value).toEqual({
      a: '*x',
      b: '&y',
      c: '!z',
      d: 'a&b*c!d',
    });
  });

  it('reports every duplicate key of a text, not only the first', () => {
    expect(refusals('a: 1\na: 2\nb: { c: 1, c: 2 }\n').map((issue) => issue.path)).toEqual(['a', 'b.c']);
  });
});

const nested = (open: string, close: string, depth: number): string =>
  open.repeat(depth) + close.repeat(depth);

describe('the pre-scan', () => {
  it.each([
    ['5 000 nested flow lists', nested('[', ']', 5_000)],
    ['100 000 open brackets', '['.repeat(100_000)],
    ['5 000 nested flow mappings', nested('{a: ', '}', 5_000)],
    ['33 nested flow lists', nested('[', ']', 33)],
    ['5 000 nested block lists on one line', '- '.repeat(5_000)],
    ['5 000 nested explicit keys', '? '.repeat(5_000)],
    [
      '40 nested block mappings',
      Array.from({ length: 40 }, (_, level) => `${' '.repeat(level)}a:`).join('\n'),
    ],
    ['brackets behind a key', `a: ${nested('[', ']', 5_000)}`],
    ['brackets in a second document', `a: 1\n---\n${nested('[', ']', 5_000)}`],
  ])('refuses %s before they are composed', (_, text) => {
    for (let round = 0; round < 20; round += 1)
      expect(refusal(text).message).toMatch('nested deeper than 32 levels');
  });

  it('accepts 32 nested lists', () => {
    expect(parseYamlDocument(nested('[', ']', 32), { file: 'x' }).value).toBeInstanceOf(Array);
  });

  it.each([
    [
      '100 000 keys (1 MB)',
      Array.from({ length: 100_000 }, (_, at) => `key${at}: 1`).join('\n'),
      'larger than 262144 bytes',
    ],
    [
      '16 000 keys (138 KB)',
      Array.from({ length: 16_000 }, (_, at) => `k${at}: 1`).join('\n'),
      'more than 20000 tokens',
    ],
    ['100 000 empty flow entries', `[${'a,'.repeat(100_000)}]`, 'more than 20000 tokens'],
    ['250 000 blank lines', '\n'.repeat(250_000), 'too many blank or comment lines'],
    [
      'a text of 262 143 characters and 262 145 bytes',
      `a: ${'x'.repeat(262_138)}éé`,
      'larger than 262144 bytes',
    ],
  ])('refuses %s', (_, text, message) => {
    expect(refusal(text).message).toMatch(message);
  });

  it('accepts 6 000 keys in one mapping and finds the one that stands there twice', () => {
    const text = Array.from({ length: 6_000 }, (_, at) => `k${at}: 1`).join('\n');
    expect(Object.keys(parseYamlDocument(text, { file: 'x' }).value as object)).toHaveLength(6_000);
    expect(refusal(`${text}\nk17: 2`)).toMatchObject({ line: 6_001, path: 'k17' });
  });

  it('refuses a nested alias bomb at its first anchor', () => {
    const bomb = ['a: &a [x, x]', ...Array.from({ length: 20 }, (_, at) => `b${at}: &b${at} [*a, *a]`)].join(
      '\n',
    );
    expect(refusal(bomb)).toMatchObject({ line: 1, column: 4 });
  });
});

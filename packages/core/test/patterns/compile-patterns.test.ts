import { describe, expect, it } from 'vitest';
import { compilePatterns } from '../../src/patterns/compile-patterns.ts';
import { ConfigurationError, formatIssue } from '../../src/errors/lazarus-error.ts';

const matches = (pattern: unknown, event: unknown): boolean =>
  compilePatterns([{ name: 'p', pattern }]).match(event).length === 1;

function refusal(pattern: unknown): string {
  try {
    compilePatterns([{ name: 'p', pattern }]);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues.map(formatIssue).join('; ');
    throw error;
  }
  return 'accepted';
}

describe('a matcher', () => {
  it.each<[string, unknown, readonly unknown[], readonly unknown[]]>([
    ['a literal', 'a', ['a', ['b', 'a']], ['A', 'ab', 1, null, [], {}]],
    ['a number', 1, [1, 1.0, [2, 1]], ['1', 2, true]],
    ['null', null, [null], ['', 0, false, 'null', []]],
    ['an empty string', '', [''], [null, ' ', []]],
    ['prefix', { prefix: 'we' }, ['web', 'we'], ['w', 'WE', 5]],
    ['an empty prefix', { prefix: '' }, ['', 'x'], [5, null]],
    ['prefix in any case', { prefix: { 'equals-ignore-case': 'We' } }, ['wEb'], ['w']],
    ['suffix', { suffix: '.jpg' }, ['a.jpg', '.jpg'], ['a.JPG', 'jpg']],
    ['suffix in any case', { suffix: { 'equals-ignore-case': '.JPG' } }, ['a.jPg'], ['a.png']],
    ['equals-ignore-case', { 'equals-ignore-case': 'Straße' }, ['STRAßE', 'straße'], ['strasse']],
    ['wildcard', { wildcard: 'a*c*e' }, ['ace', 'abcde', 'acce'], ['ae', 'ace ', 'xace']],
    ['a wildcard whose ends would overlap', { wildcard: 'aba*aba' }, ['abaaba', 'abaXaba'], ['aba', 'ababa']],
    ['an escaped star', { wildcard: 'a\\*\\\\*' }, ['a*\\', 'a*\\b'], ['ab\\', 'a*b']],
    ['a lone star', { wildcard: '*' }, ['', 'x'], [1, null]],
    ['numeric =', { numeric: ['=', 0.1] }, [0.1], [0.2, '0.1']],
    ['numeric between', { numeric: ['>', 0, '<=', 5] }, [5, 0.001], [0, 5.001, '3', null]],
    ['exists', { exists: true }, ['', null, 0, [1]], [[], {}]],
    ['exists false', { exists: false }, [[], {}, { b: 1 }], ['', null]],
    ['anything-but', { 'anything-but': ['a', 'b'] }, ['c', 1, null, ['a', 'c']], ['a', ['a', 'b'], []]],
    ['anything-but numbers', { 'anything-but': 1 }, [2, '1'], [1]],
    ['anything-but prefix', { 'anything-but': { prefix: ['a', 'b'] } }, ['c', 5], ['ab', 'b']],
    ['anything-but suffix', { 'anything-but': { suffix: 'a' } }, ['ab'], ['ba']],
    ['anything-but in any case', { 'anything-but': { 'equals-ignore-case': ['A'] } }, ['b'], ['a', 'A']],
    [
      'anything-but wildcard',
      { 'anything-but': { wildcard: ['*/bin/*', 'x'] } },
      ['/lib/a'],
      ['/a/bin/b', 'x'],
    ],
    ['cidr', { cidr: '10.1.0.0/20' }, ['10.1.0.0', '10.1.15.255'], ['10.1.16.0', '10.1.0', '::1', 'x']],
    ['cidr of everything', { cidr: '0.0.0.0/0' }, ['255.1.2.3'], ['256.1.2.3', '::']],
    [
      'cidr of one address',
      { cidr: '2001:db8::1/128' },
      ['2001:db8::1', '2001:0db8:0:0:0:0:0:0001'],
      ['2001:db8::2', '1.2.3.4'],
    ],
    [
      'cidr of IPv6',
      { cidr: '2001:db8::/33' },
      ['2001:db8:7fff::', '2001:db8::1.2.3.4'],
      ['2001:db8:8000::', '2001:db8::1::'],
    ],
  ])('%s', (_, matcher, hits, misses) => {
    for (const value of hits)
      expect({ value, hit: matches({ a: [matcher] }, { a: value }) }).toEqual({ value, hit: true });
    for (const value of misses)
      expect({ value, hit: matches({ a: [matcher] }, { a: value }) }).toEqual({ value, hit: false });
  });
});

describe('fields of list elements', () => {
  const event = {
    disks: [
      { name: 'a', full: true },
      { name: 'b', full: false },
    ],
    racks: [1, 2],
  };

  it('must hold for the same element', () => {
    expect(matches({ disks: { name: ['a'], full: [true] } }, event)).toBe(true);
    expect(matches({ disks: { name: ['b'], full: [true] } }, event)).toBe(false);
  });

  it('may be of different elements of different lists', () => {
    expect(matches({ disks: { name: ['b'] }, racks: [1] }, event)).toBe(true);
  });

  it('count as absent when the element at hand lacks them', () => {
    const some = { disks: [{ name: 'a', size: 1 }, { name: 'b' }] };
    expect(matches({ disks: { name: ['b'], size: [{ exists: false }] } }, some)).toBe(true);
    expect(matches({ disks: { name: ['a'], size: [{ exists: false }] } }, some)).toBe(false);
  });
});

describe('$or', () => {
  it('needs one alternative, and combines with the fields beside it', () => {
    const pattern = {
      env: ['prod'],
      $or: [{ cpu: [{ numeric: ['>', 90] }] }, { detail: { state: ['bad'] } }],
    };
    expect(matches(pattern, { env: 'prod', cpu: 95 })).toBe(true);
    expect(matches(pattern, { env: 'prod', detail: { state: 'bad' } })).toBe(true);
    expect(matches(pattern, { env: 'dev', cpu: 95 })).toBe(false);
    expect(matches(pattern, { env: 'prod', cpu: 5 })).toBe(false);
  });

  it('is a field of that name when it has only one entry', () => {
    expect(matches({ $or: ['x'] }, { $or: 'x' })).toBe(true);
  });

  it('is refused when alternatives multiply beyond 1 000 branches', () => {
    const ten = Array.from({ length: 10 }, (_, at) => ({ a: [at] }));
    expect(refusal({ a: { $or: ten }, b: { $or: ten }, c: { $or: ten }, d: { $or: ten } })).toMatch(
      'more than 1000 branches',
    );
  });
});

describe('a path', () => {
  it('reads the same with dots and with nested mappings, in patterns and in events', () => {
    for (const pattern of [{ a: { b: ['x'] } }, { 'a.b': ['x'] }]) {
      for (const event of [{ a: { b: 'x' } }, { 'a.b': 'x' }]) expect(matches(pattern, event)).toBe(true);
    }
  });

  it('does not reach the prototype', () => {
    expect(matches({ constructor: { name: [{ exists: true }] } }, {})).toBe(false);
    expect(matches({ toString: [{ exists: false }] }, {})).toBe(true);
  });
});

describe('names', () => {
  it('are returned once, in the order given, and any pattern of a name is enough', () => {
    const compiled = compilePatterns([
      { name: 'b', pattern: { x: [1] } },
      { name: 'a', pattern: { x: [2] } },
      { name: 'b', pattern: { x: [2] } },
      { name: 'none', pattern: { x: [3] } },
    ]);
    expect(compiled.match({ x: 2 })).toEqual(['a', 'b']);
    expect(compiled.match({ x: [1, 2] })).toEqual(['b', 'a']);
    expect(compiled.match('text')).toEqual([]);
  });
});

describe('patterns that can only be scanned', () => {
  it('are named: nothing in them leads to them', () => {
    const compiled = compilePatterns([
      { name: 'literal', pattern: { a: ['x'] } },
      { name: 'range', pattern: { a: [{ numeric: ['>', 1] }] } },
      { name: 'prefixed', pattern: { a: [{ wildcard: 'x*y*' }] } },
      { name: 'star', pattern: { a: [{ wildcard: '*y*' }] } },
      { name: 'negative', pattern: { a: [{ 'anything-but': 'x' }] } },
      { name: 'saved', pattern: { a: [{ 'anything-but': 'x' }], b: [1] } },
      { name: 'absent', pattern: { a: [{ exists: false }] } },
    ]);
    expect(compiled.scanned).toEqual(['star', 'negative', 'absent']);
  });
});

describe('a refused pattern', () => {
  it.each<[unknown, string]>([
    [{}, 'p found an empty mapping, expected fields'],
    [[], 'p found an empty list, expected a mapping of fields'],
    [{ a: 'x' }, 'p a found string "x", expected a list of matchers or a mapping of fields'],
    [{ a: [] }, 'p a found an empty list, expected at least one matcher'],
    [{ a: {} }, 'p a found an empty mapping, expected fields'],
    [{ a: [['x']] }, 'p a[0] found a list of 1, expected a value or a matcher'],
    [{ a: [{ prefx: 'x' }] }, 'p a[0].prefx found the unknown matcher "prefx" (did you mean "prefix"?)'],
    [{ a: ['b', { prefix: 'x', suffix: 'y' }] }, 'p a[1] found 2 keys, expected one matcher'],
    [
      { a: [{ numeric: ['>', 5, '<', 5] }] },
      'p a[0].numeric the lower bound 5 is not below the upper bound 5',
    ],
    [{ a: [{ numeric: ['~', 5] }] }, 'p a[0].numeric[0] found string "~", expected = < <= > or >='],
    [{ a: [{ cidr: '10.0.0.0/33' }] }, 'p a[0].cidr expected 0 to 32 bits behind the /'],
    [{ a: [{ cidr: '10.0.0/8' }] }, 'p a[0].cidr "10.0.0" is no IPv4 or IPv6 address'],
    [
      { a: [{ wildcard: 'a\\b' }] },
      'p a[0].wildcard found an unknown escape at position 1, expected \\* or \\\\',
    ],
    [
      { a: [{ 'anything-but': { wildcard: ['x', 'a**b'] } }] },
      'p a[0].anything-but.wildcard[1] found two wildcard characters in a row at position 2',
    ],
    [{ a: [{ 'anything-but': [] }] }, 'p a[0].anything-but found an empty list, expected at least one value'],
    [
      { a: [{ 'anything-but': [true] }] },
      'p a[0].anything-but[0] found boolean true, expected strings only or numbers only',
    ],
    [
      { a: [{ 'anything-but': { suffix: '' } }] },
      'p a[0].anything-but.suffix found an empty string, which every text has',
    ],
    [{ a: [Number.NaN] }, 'p a[0] found a number that cannot be compared'],
    ['{"a": [1e400]}', 'p the number 1e400 cannot be compared'],
  ])('%j names position and reason', (pattern, message) => {
    expect(refusal(pattern)).toBe(message);
  });

  it('may be text: then what is wrong with the JSON is said', () => {
    expect(refusal('{"a": [1 2]}')).toMatch(/^p not valid JSON: /);
    expect(refusal('{"a": [1]}')).toBe('accepted');
  });

  it('is reported together with all others', () => {
    expect(() =>
      compilePatterns([
        { name: 'one', pattern: { a: 1 } },
        { name: 'two', pattern: { b: [{ x: 1 }] } },
      ]),
    ).toThrow(/one a .*\n.*two b\[0\]\.x/);
  });

  it('is nested deeper than 64 mappings, without using up the stack', () => {
    let deep: unknown = ['x'];
    for (let level = 0; level < 5_000; level += 1) deep = { a: deep };
    expect(refusal(deep)).toMatch('nested deeper than');
  });
});

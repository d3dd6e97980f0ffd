import { readdirSync, readFileSync } from 'node:fs';
import { ConfigurationError, WorkflowError } from '@lazarus/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadWorkflow } from '../src/index.ts';
import { parseTemplate } from '../src/expression/template.ts';
import { registry } from './support/bench.ts';

const FOLDER = new URL('../workflows/', import.meta.url);
const SHIPPED = readdirSync(FOLDER).map((name) => readFileSync(new URL(name, FOLDER), 'utf8'));
const HEAD = 'apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: test.flow, version: 1 }\n';

/** Processor time of an operation in milliseconds: a busy machine does not count. */
function cpuMsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** Whatever the text, the answer is a definition or a typed refusal whose every issue has a place. */
function load(text: string): 'loaded' | 'refused' {
  try {
    loadWorkflow(text, { file: 'w.yaml', actions: registry });
    return 'loaded';
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    expect(error.code).toBe('LZ_CONFIG_INVALID');
    expect(error.issues.length).toBeGreaterThan(0);
    for (const { line, column } of error.issues) {
      expect(line).toBeGreaterThanOrEqual(1);
      expect(column).toBeGreaterThanOrEqual(1);
    }
    return 'refused';
  }
}

const FRAGMENTS = [
  '${{', '}}', '${{ steps', '.outputs.', ' ?? ', '&a ', '*a', '<<: ', '!!js/function ', '? ', '- ', '|-\n', '>\n', '---\n',
  '...\n', '%YAML 1.1\n', '{', '}', '[', ']', '"', "'", '#', '\t', '\r\n', '\r', '\uFEFF', '\0', '\uD800', 'ä', '\u2028',
  '__proto__', 'constructor', 'prototype', 'toString', 'null', 'true', '~', '.nan', '-.inf', '0x10', '1e400', '2026-01-01',
  '@', '`', 'needs: [', 'on: [failed]', '\n  ', '\n', ' ', ':', ': ',
]; // prettier-ignore

interface Edit {
  readonly at: number;
  readonly cut: number;
  readonly insert: string;
}

const edits = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(12),
    insert: fc.constantFrom(...FRAGMENTS, ''),
  }),
  { minLength: 1, maxLength: 4 },
);

function edited(text: string, changes: readonly Edit[]): string {
  return changes.reduce((now, { at, cut, insert }) => {
    const place = Math.floor(at * now.length);
    return now.slice(0, place) + insert + now.slice(place + cut);
  }, text);
}

describe('a document that somebody spoiled', () => {
  it('is loaded or refused with places, never anything else', () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.constantFrom(...SHIPPED), edits, (text, changes) => {
        if (load(edited(text, changes)) === 'refused') refused += 1;
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it.each<[title: string, text: string]>([
    ['of 1 MB', `${HEAD}# ${'x'.repeat(1_000_000)}\nsteps: { a: { wait: 5s } }\n`],
    ['with 100,000 brackets', `${HEAD}steps: ${'['.repeat(100_000)}`],
    [
      'nested 200 levels deep',
      `${HEAD}steps:\n${Array.from({ length: 200 }, (_, at) => `${' '.repeat(at + 1)}a:`).join('\n')}`,
    ],
    [
      'with 20,000 steps',
      `${HEAD}steps:\n${Array.from({ length: 20_000 }, (_, at) => `  a${at}: { wait: 5s }`).join('\n')}`,
    ],
    ['with 8,000 equal keys', `${HEAD}steps:\n${'  a: 1\n'.repeat(8_000)}`],
    [
      'with aliases of aliases',
      `${HEAD}a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nsteps: { a: { wait: 5s } }\n`,
    ],
    ['with a merge key', `${HEAD}steps: { a: { <<: { wait: 5s } } }\n`],
    ['with __proto__ for a step', `${HEAD}steps: { __proto__: { wait: 5s } }\n`],
    ['with a second document', `${HEAD}steps: { a: { wait: 5s } }\n---\na: 1\n`],
    ['with a tab for a margin', `${HEAD}steps:\n\ta: { wait: 5s }\n`],
    ['with a name of 100,000 letters', HEAD.replace('test.flow', 'a'.repeat(100_000))],
    ['that is empty', ''],
    ['that is a word', 'hello'],
  ])('%s is refused within 2 s of processor time', (_title, text) => {
    expect(cpuMsOf(() => expect(load(text)).toBe('refused'))).toBeLessThan(2_000);
  });

  it('with Windows line ends has its issue at the same line and column', () => {
    const text = `${HEAD}steps:\n  a: { wiat: 5s }\n`;
    for (const ends of [text, text.replaceAll('\n', '\r\n'), `\uFEFF${text}`]) {
      expect(() => loadWorkflow(ends, { file: 'w.yaml', actions: registry })).toThrow(
        'w.yaml:5:8 steps.a.wiat',
      );
    }
  });

  it('never changes an object that other code uses', () => {
    load(`${HEAD}steps: { constructor: { uses: lb.add@1, with: { host: x } } }\noutputs: { prototype: x }\n`);
    expect(({} as Record<string, unknown>)['wait']).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

describe('a long workflow', () => {
  const chain = (steps: number): string =>
    `${HEAD}steps:\n${Array.from({ length: steps }, (_, at) =>
      at === 0
        ? '  s0: { uses: host.clone@1, with: { from: x } }'
        : `  s${at}: { uses: host.clone@1, needs: [s${at - 1}], with: { from: '\${{ steps.s${at - 1}.outputs.host_id }}' } }`,
    ).join('\n')}\n  last: { uses: pager.resolve@1, needs: [s${steps - 1}], with: { incident: x } }\n`;

  it('of 500 steps that each read the one before is loaded within 2 s of processor time', () => {
    load(chain(2));
    expect(cpuMsOf(() => expect(load(chain(500))).toBe('loaded'))).toBeLessThan(2_000);
  });

  it('whose last step reads all 300 before it is loaded', () => {
    const reads = Array.from({ length: 40 }, (_, at) => `\${{ steps.s${at * 7}.outputs.host_id }}`).join(' ');
    expect(
      load(`${chain(300)}  all: { needs: [last], uses: notify.send@1, with: { text: '${reads}' } }\n`),
    ).toBe('loaded');
  });
});

const atoms = fc.constantFrom(
  '1', '0', '0.0', '-1', '1.5', '9223372036854775807', '"a"', '""', 'true', 'null', '[1, 2]', '{"a": 1}', 'inputs.n', 'inputs.s',
  'inputs.list', 'inputs.none', 'inputs.missing', 'inputs["constructor"]', 'inputs.__proto__', 'steps.a.outputs.x', 'event.time',
  'timestamp(event.time)', 'duration("5m")', 'b"a"', '1u', 'int', 'cel', 'google',
); // prettier-ignore
const soup = fc.letrec<{ readonly expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small' },
    atoms,
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom(' + ', ' / ', ' - ', ' * ', ' % ', ' == ', ' != ', ' < ', ' && ', ' || ', ' in ', ' ?? '),
        tie('expression'),
      )
      .map((parts) => parts.join('')),
    fc
      .tuple(
        fc.constantFrom('size', 'string', 'int', 'double', 'has', 'type', 'timestamp', 'duration', 'bytes', 'dyn', '-', '!', ''),
        tie('expression'),
      )
      .map(([name, inner]) => `${name}(${inner})`),
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom('.size()', '.split("")', '.join()', '.map(x, x)', '.all(x, x == 1)', '.a', '[0]', '["a"]', '.getHours("x")', '.json()'),
      )
      .map((parts) => parts.join('')),
    fc
      .tuple(tie('expression'), tie('expression'), tie('expression'))
      .map(([test, yes, no]) => `(${test} ? ${yes} : ${no})`),
  ),
})).expression; // prettier-ignore

const VALUES = {
  inputs: { n: 3, s: 'abc', list: ['a', 'b'], none: null },
  steps: { a: { status: 'succeeded', outputs: { x: 'y' } } },
  event: { time: '2026-01-01T00:00:00Z' },
};

describe('an expression out of random pieces', () => {
  it('gives JSON that survives being written down, or a typed refusal', () => {
    let values = 0;
    fc.assert(
      fc.property(soup, (source) => {
        try {
          const value = parseTemplate(`\${{ ${source} }}`).evaluate(VALUES);
          values += 1;
          expect(JSON.parse(JSON.stringify(value))).toEqual(value === 0 ? 0 : value);
        } catch (error) {
          if (!(error instanceof ConfigurationError || error instanceof WorkflowError)) throw error;
          expect(error.code).toBe('LZ_EXPRESSION_INVALID');
        }
      }),
      { numRuns: 2_000 },
    );
    expect(values).toBeGreaterThan(200);
  });
});

describe('an expression that is made to be slow', () => {
  const digits = '1'.repeat(60_000);
  const values = {
    inputs: {
      long: 'a'.repeat(60_000),
      digits,
      many: Array.from({ length: 100_000 }, () => 'a'),
      some: ['b', 'a'],
    },
  };
  it.each([
    ['a macro over 100,000 entries', 'inputs.many.exists(x, x == "b")'],
    ['a quadratic macro', 'inputs.many.filter(x, x in inputs.many).size()'],
    ['a join of 100,000 entries', 'inputs.many.join(inputs.long)'],
    ['a duration of 60,000 digits', 'duration(inputs.digits)'],
    ['a time of 60,000 digits', 'timestamp(inputs.digits)'],
    ['a regular expression', 'inputs.long.matches("^(a|a)*b$")'],
    ['500 sums', `1${' + 1'.repeat(500)}`],
    ['400 brackets', `${'('.repeat(400)}1${')'.repeat(400)}`],
  ])('is refused in less than 200 ms of processor time: %s', (_title, source) => {
    const tookMs = cpuMsOf(() =>
      expect(() => parseTemplate(`\${{ ${source} }}`).evaluate(values)).toThrow(
        expect.objectContaining({ code: 'LZ_EXPRESSION_INVALID' }) as Error,
      ),
    );
    expect(tookMs).toBeLessThan(200);
  });

  it.each([
    ['inputs.some.filter(x, x > "a")', ['b']],
    ['inputs.long.size()', 60_000],
    ['inputs.long.split("b").size()', 1],
    ['inputs.some.join(",")', 'b,a'],
    ['inputs.some.map(x, x + "!").exists(x, x == "b!")', true],
  ])('and one that is only long is not: %s', (source, expected) => {
    expect(parseTemplate(`\${{ ${source} }}`).evaluate(values)).toEqual(expected);
  });
});

import { describe, expect, it } from 'vitest';
import { parseTemplate } from '../src/expression/template.ts';

const values = {
  inputs: { host: 'i-1', n: 3, flag: true, nothing: null, list: ['a', 'b'] },
  steps: {
    clone: { status: 'succeeded', outputs: { new_host: 'i-2' } },
    verify: { status: 'skipped', outputs: {} },
  },
};
const evaluate = (text: string): unknown => parseTemplate(text).evaluate(values);

describe('a template', () => {
  it.each([
    ['${{ inputs.n }}', 3],
    ['${{ inputs.flag }}', true],
    ['${{ inputs.list }}', ['a', 'b']],
    ['${{ inputs.nothing }}', null],
    ['n=${{ inputs.n }}', 'n=3'],
    ['${{ inputs.host }} and ${{ steps.clone.outputs.new_host }}', 'i-1 and i-2'],
    ['plain', 'plain'],
    ['${{ inputs.n + 1 }}', 4],
    ['${{ inputs.n == 3 }}', true],
    ['${{ size(inputs.list) }}', 2],
    ["${{ inputs.flag ? 'yes' : 'no' }}", 'yes'],
    ["${{ steps.verify.outputs.ok ?? 'none' }}", 'none'],
    ["${{ inputs.nothing ?? inputs.host ?? 'none' }}", 'i-1'],
    ["${{ '}}' }}", '}}'],
    ["${{ {'a': {'b': 1}} }}", { a: { b: 1 } }],
    ["${{ 'a ?? b' }}", 'a ?? b'],
  ])('%s gives %j and keeps its type', (text, expected) => {
    expect(evaluate(text)).toEqual(expected);
  });

  it.each([
    ["timestamp('2026-01-01T00:00:00Z') + duration('1h')", '2026-01-01T01:00:00.000Z'],
    ["duration('90s')", '90s'],
    ['5u', 5],
    ['9007199254740991', 9_007_199_254_740_991],
    ['inputs.n / 2', 1.5],
    ['inputs.list[7] ?? inputs.nothing.deep ?? 0', 0],
    ['size(inputs.list) + inputs.n', 5],
    ["inputs.list.filter(x, x != 'a')", ['b']],
  ])('%s gives %j', (source, expected) => {
    expect(evaluate(`\${{ ${source} }}`)).toEqual(expected);
  });

  it.each([
    ['inputs.n / 0', 'Infinity'],
    ['0.0 / 0.0', 'NaN'],
    ['1 / 0', 'division by zero'],
    ['9007199254740992', 'too large to be exact'],
    ['9223372036854775807', 'too large to be exact'],
    ["b'abc'", 'neither text, number, truth value, list nor mapping'],
    ['type(1)', 'neither text, number, truth value, list nor mapping'],
    ["[1, {'a': [0.0 / 0.0]}]", 'NaN'],
  ])('%s has no value that can be journaled: %s', (source, message) => {
    expect(() => evaluate(`\${{ ${source} }}`)).toThrow(
      expect.objectContaining({
        code: 'LZ_EXPRESSION_INVALID',
        message: expect.stringContaining(message) as string,
      }) as Error,
    );
  });

  it('that reads a value which is missing fails instead of giving an empty text', () => {
    expect(() => evaluate('${{ steps.verify.outputs.ok }}')).toThrow('No such key: ok');
  });

  it('cannot reach what is not a variable', () => {
    for (const text of [
      '${{ constructor }}',
      '${{ inputs.constructor }}',
      '${{ inputs.__proto__ }}',
      '${{ process.env }}',
    ]) {
      expect(() => evaluate(text)).toThrow();
    }
  });
});

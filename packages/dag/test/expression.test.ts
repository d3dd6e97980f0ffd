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

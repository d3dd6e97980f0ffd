import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HealthcheckDown } from '../../src/events/built-in-types.ts';
import type { LazarusEvent } from '../../src/events/event.ts';
import { compileWhere } from '../../src/rules/where.ts';
import { event } from '../config/fixture.ts';

const down = event({
  event_type: 'HealthcheckDown',
  attributes: { failures: 3, url: 'http://web-1/health', tags: { rack: 'r1' } },
});

function outcome(source: string, typed: boolean, subject: LazarusEvent = down): boolean | string {
  const compiled = compileWhere(source, typed ? HealthcheckDown : undefined);
  if (!compiled.ok) return compiled.message.replace('the expression was refused: ', '');
  const { holds, error } = compiled.where.test(subject);
  return error === undefined ? holds : `no answer: ${error}`;
}

describe('a where expression', () => {
  it.each<[string, boolean | string]>([
    ['attributes.failures >= 3', true],
    ['attributes.failures > 3.5', false],
    ['service == "web" && host.startsWith("web-")', true],
    ['environment in ["dev", "stage"]', false],
    ['has(attributes.zone) && attributes.zone == "a"', false],
    ['has(account) || account == ""', 'has() invalid argument'],
    ['host.matches("^web-[0-9]+$")', true],
    ['attributes.zone == "a"', 'no answer: EvaluationError: No such key: zone'],
  ])('over typed attributes: %s is %j', (source, expected) => {
    expect(outcome(source, true)).toBe(expected);
  });

  it.each<[string, string]>([
    ['attributes.failurs >= 3', 'No such key: failurs'],
    ['attributes.failures == "3"', 'no such overload: double == string'],
    ['attributes.failures + 1 > 3', 'no such overload: double + int'],
    ['hst == "a"', 'Unknown variable: hst'],
    ['service', 'it gives string, expected true or false'],
    ['service ==', 'ParseError: Unexpected token: EOF'],
  ])('is type-checked when it is loaded: %s is refused', (source, message) => {
    expect(outcome(source, true)).toBe(message);
  });

  it('sees dynamic attributes when the type of the event is not known', () => {
    expect(outcome('attributes.tags.rack == "r1"', false)).toBe(true);
    expect(outcome('attributes.failures == "3"', false)).toBe(false);
  });

  it('does not hold, with a reason, when matches() would see more than 1 024 characters', () => {
    const long = event({ attributes: { url: 'x'.repeat(1_025) } });
    expect(outcome('host.matches("web")', false, long)).toMatch(
      'no answer: an attribute is longer than the 1024 characters',
    );
    expect(outcome('host == "web-1"', false, long)).toBe(true);
  });
});

describe('matches()', () => {
  it.each<[string, string]>([
    ['^(a+)+$', 'repeats a group that repeats inside'],
    ['^(a*)*$', 'repeats a group that repeats inside'],
    ['((ab)*c)*', 'repeats a group that repeats inside'],
    ['(a|a)*', 'repeats a group of alternatives'],
    ['(a|b){2,}', 'repeats a group of alternatives'],
    ['(x?){1,500}', 'repeats a group that repeats inside'],
    ['.*.*=', 'can be tried in too many ways'],
    ['^.*.*.*=', 'can be tried in too many ways'],
    [`^${'a?'.repeat(24)}${'a'.repeat(24)}`, 'can be tried in too many ways'],
    ['a{1,1000}b{2,}', 'can be tried in too many ways'],
    ['(a)\\\\1', 'has a back-reference'],
    ['(?=a)b', 'has a look-around or a named group'],
    ['[', 'is no regular expression'],
  ])('with the pattern %s is refused', (pattern, problem) => {
    expect(outcome(`host.matches("${pattern}")`, false)).toMatch(problem);
  });

  it.each([
    '^web-[0-9]+$',
    'a|b|c',
    '^[a-z(+*)]+-\\\\d{1,4}$',
    '(abc)+',
    'web.*\\\\.example',
    '^(web|api)-.*-[a-z]+$',
  ])('with the pattern %s is accepted', (pattern) => {
    expect(typeof outcome(`host.matches("${pattern}")`, false)).toBe('boolean');
  });

  it('needs a literal pattern', () => {
    expect(outcome('host.matches(service)', false)).toBe('matches() needs a literal pattern');
  });

  it('with any accepted pattern of few signs answers 1 024 characters within 200 ms', () => {
    const sign = fc.constantFrom('a', 'b', '(', ')', '*', '+', '?', '|', '.', '{1,3}', '[ab]', '^', '$');
    const pattern = fc.array(sign, { minLength: 1, maxLength: 9 }).map((signs) => signs.join(''));
    const hostile = event({ host: 'a'.repeat(255), attributes: { text: `${'a'.repeat(1_000)}!` } });
    fc.assert(
      fc.property(pattern, (text) => {
        const compiled = compileWhere(`attributes.text.matches(${JSON.stringify(text)})`, undefined);
        if (!compiled.ok) return;
        const started = process.cpuUsage();
        compiled.where.test(hostile);
        expect(process.cpuUsage(started).user).toBeLessThan(200_000);
      }),
      { numRuns: 1_500 },
    );
  });
});

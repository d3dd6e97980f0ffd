import { BUILT_IN_PRECONDITIONS, createPreconditionRegistry, definePrecondition } from '@lazarus/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const spec = {
  name: 'NotOnFriday',
  summary: 'It is not Friday.',
  params: z.strictObject({ day: z.int().default(5) }),
  check: () => ({ verdict: 'pass' }) as const,
};

describe('definition of a precondition', () => {
  it('is inert and frozen, with a timeout of 5 s unless it says otherwise', () => {
    const definition = definePrecondition({ ...spec, aliases: ['WeekendComing'], mainParam: 'day' });
    expect(definition).toMatchObject({
      kind: 'precondition',
      name: 'NotOnFriday',
      aliases: ['WeekendComing'],
      mainParam: 'day',
      timeoutMs: 5_000,
    });
    expect(Object.isFrozen(definition) && Object.isFrozen(definition.aliases)).toBe(true);
  });

  it.each<[string, object, RegExp]>([
    ['a name that is not one', { name: 'not-on-friday' }, /name .*capital letter/],
    ['an alias that is not a name', { aliases: ['x y'] }, /aliases/],
    ['an empty summary', { summary: ' ' }, /summary/],
    ['a summary of two lines', { summary: 'one\ntwo' }, /summary/],
    ['a timeout of 0', { timeoutMs: 0 }, /timeoutMs/],
    ['a timeout above 60 s', { timeoutMs: 60_001 }, /timeoutMs/],
    ['no check', { check: undefined }, /check is not a function/],
    ['parameters that are no object', { params: z.string() }, /params/],
    ['parameters that cannot be described', { params: z.strictObject({ when: z.date() }) }, /params/],
    ['no schema', { params: {} }, /params/],
    ['a main parameter that does not exist', { mainParam: 'dya' }, /mainParam "dya" .*day/],
  ])('is refused with %s', (_what, part, message) => {
    expect(() => definePrecondition({ ...spec, ...part })).toThrow(message);
    expect(() => definePrecondition({ ...spec, ...part })).toThrow(
      expect.objectContaining({ code: 'LZ_DEFINITION_INVALID' }) as Error,
    );
  });

  it('names everything that is wrong at once', () => {
    expect(() => definePrecondition({ ...spec, name: 'x', summary: '' })).toThrow(/name[^]*summary/);
  });
});

describe('registry of preconditions', () => {
  it('finds built-in and additional ones by name and alias', () => {
    const custom = definePrecondition({ ...spec, aliases: ['WeekendComing'] });
    const registry = createPreconditionRegistry([custom]);
    expect(registry.find('WeekendComing')).toBe(custom);
    expect(registry.find('MinActiveHosts')?.mainParam).toBe('minimum');
    expect(registry.find('Nothing')).toBeUndefined();
    expect(registry.names).toContain('PeerHealth');
  });

  it('refuses a name or alias that is taken', () => {
    const clash = definePrecondition({ ...spec, aliases: ['PeerHealth'] });
    expect(() => createPreconditionRegistry([clash])).toThrow(/PeerHealth is defined twice/);
  });

  it('has the nine built-in ones, each with a one-line summary', () => {
    expect(BUILT_IN_PRECONDITIONS.map(({ name }) => name)).toEqual([
      'MinActiveHosts',
      'MaxActiveHosts',
      'HealthCheckDown',
      'PeerCheck',
      'ClusterHealth',
      'NotDraining',
      'MinUptime',
      'MaintenanceWindow',
      'NoRecentAction',
    ]);
  });
});

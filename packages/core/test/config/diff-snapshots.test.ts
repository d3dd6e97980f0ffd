import { describe, expect, it } from 'vitest';
import { diffSnapshots } from '../../src/config/diff-snapshots.ts';
import { compile, event, profile, service } from './fixture.ts';

const text = (minimum: number, extra = ''): string => `
profile: p
parameters: { min_active_hosts: { type: integer, default: ${minimum}, description: Hosts that stay. } }
defaults: { mode: act }
rules:
  - name: down
    criteria: { event_type: NagiosHostAlarm }
    prechecks: [{ checkName: MinActiveHosts, default: { $param: min_active_hosts } }]
    workflow: { name: default.replace_host }
${extra}`;
const subscriber = (name: string, overrides = '{}') =>
  service(`service: ${name}\nteam: t\nprofile: p\noverrides: ${overrides}\n`, `services/${name}.yaml`);

describe('the difference of two snapshots', () => {
  it('is empty for the same content', () => {
    const one = compile(profile(text(2)), subscriber('web'));
    expect(diffSnapshots(one, compile(subscriber('web'), profile(text(2))), [event()])).toMatchObject({
      services: [],
      decisions: [],
      total: 1,
    });
  });

  it('names every subscriber that the edit of a profile reaches, with the values that change, and not those that override them', () => {
    const services = [subscriber('api'), subscriber('db', '{ min_active_hosts: 5 }'), subscriber('web')];
    const diff = diffSnapshots(
      compile(profile(text(2)), ...services),
      compile(profile(text(3)), ...services),
      [event(), event({ service: 'db' })],
    );
    const values = [
      { value: 'prechecks.MinActiveHosts.min', before: 2, after: 3, from: 'profile p (default)' },
    ];
    expect(diff.services).toEqual([
      { service: 'api', added: [], removed: [], changed: [{ rule: 'p.down', values }] },
      { service: 'web', added: [], removed: [], changed: [{ rule: 'p.down', values }] },
    ]);
    expect(diff.total).toBe(3);
    expect(diff.decisions).toEqual([
      { event: 'nagios/1', service: 'web', before: 'p.down (act)', after: 'p.down (act)' },
    ]);
  });

  it('says which wave of the rollout reaches which service', () => {
    const services = ['a', 'b', 'c', 'd'].map((name) => subscriber(name));
    const withRollout = (minimum: number) => profile(text(minimum, 'rollout: { waves: [0.25, 0.5, 1] }'));
    const before = compile(withRollout(2), ...services);
    const { rollouts } = diffSnapshots(before, compile(withRollout(3), ...services));
    expect(rollouts).toMatchObject([
      { profile: 'p', waves: [{ share: 0.25 }, { share: 0.5 }, { share: 1 }] },
    ]);
    const reached = rollouts[0]?.waves.map((wave) => wave.services) ?? [];
    expect(reached.map(({ length }) => length)).toEqual([1, 1, 2]);
    expect(reached.flat().sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(diffSnapshots(before, compile(profile(text(3)), ...services)).rollouts).toEqual([]);
  });

  it('names rules that come and go, and events that no rule answers any more', () => {
    const more = '  - { name: scale, criteria: { event_type: ScaleRequest }, action: notify_only }\n';
    const before = compile(profile(text(2, more)), subscriber('web'));
    const after = compile(profile(text(2)), subscriber('web', '{ mode: notify }'));
    const diff = diffSnapshots(before, after, [event(), event({ id: '2', event_type: 'ScaleRequest' })]);
    expect(diff.services).toMatchObject([
      {
        service: 'web',
        added: [],
        removed: ['p.scale'],
        changed: [{ rule: 'p.down', values: [{ value: 'mode', before: 'act', after: 'notify' }] }],
      },
    ]);
    expect(diff.decisions.map(({ before: was, after: is }) => [was, is])).toEqual([
      ['p.down (act)', 'p.down (notify)'],
      ['p.scale (act)', 'no rule'],
    ]);
  });
});

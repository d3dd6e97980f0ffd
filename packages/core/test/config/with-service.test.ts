import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile, event, PLAIN_RULE, rule, service } from './fixture.ts';

const web = (overrides: string, name = 'web') =>
  service(
    `service: ${name}\nteam: t\nprofile: stateless\noverrides: { ${overrides} }\n`,
    `services/${name}.yaml`,
  );

describe('a snapshot with one service replaced', () => {
  it('is the snapshot that compiling everything gives, digest included, for any order of changes', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'web');
    const change = fc.record({ name, maximum: fc.integer({ min: 3, max: 9 }) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 80 }), (changes) => {
        const start = [rule(PLAIN_RULE), web('max_active_hosts: 6')];
        const last = new Map<string, number>();
        let snapshot = compile(...start);
        for (const { name: changed, maximum } of changes) {
          last.set(changed, maximum);
          snapshot = snapshot.withService(web(`max_active_hosts: ${maximum}`, changed))!;
        }
        const others = [...last].map(([changed, maximum]) => web(`max_active_hosts: ${maximum}`, changed));
        const whole = compile(start[0]!, ...(last.has('web') ? [] : [start[1]!]), ...others);
        expect(snapshot.digest).toBe(whole.digest);
        expect(snapshot.summary).toEqual(whole.summary);
        for (const service of ['a', 'b', 'c', 'web']) {
          expect(snapshot.match(event({ service }))).toEqual(whole.match(event({ service })));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('leaves the snapshot that it came from as it was', () => {
    const before = compile(web('max_active_hosts: 6'));
    const digest = before.digest;
    const after = before.withService(web('mode: notify'))!;
    expect(after.match(event())).toMatchObject({ rule: { mode: 'notify' } });
    expect(before.match(event())).toMatchObject({ rule: { mode: 'act' } });
    expect(before.digest).toBe(digest);
    expect(after.digest).not.toBe(digest);
  });

  it('is refused with the place of what is wrong, and needs a whole compilation for a profile that is not there', () => {
    const snapshot = compile(web('max_active_hosts: 6'));
    expect(() => snapshot.withService(web('max_activ_hosts: 6'))).toThrow(
      /services\/web\.yaml:4:\d+ .*did you mean "max_active_hosts"/,
    );
    expect(() => snapshot.withService(service('service: [\n'))).toThrow('services/web.yaml was refused');
    expect(snapshot.withService(service('service: web\nteam: t\nprofile: cassandra\n'))).toBeUndefined();
  });
});

import { parseEvent } from '@lazarus/core';
import { nagiosToEvent } from '@lazarus/sensors-http/nagios';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostAlarm, serviceAlarm } from './nagios-environment.ts';

const names = Object.keys(serviceAlarm()).filter((name) => name.startsWith('NAGIOS_'));
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 1_200 }),
  fc.string({ maxLength: 40 }),
  fc.constant(''),
);
const overrides = fc.dictionary(fc.constantFrom(...names), anyText, { maxKeys: 5, noNullPrototype: true });

describe('any environment', () => {
  it('becomes an event that the event reader takes as it is, a reason or issues, and never throws', () => {
    fc.assert(
      fc.property(fc.constantFrom(hostAlarm, serviceAlarm), overrides, (alarm, changed) => {
        const reading = nagiosToEvent(alarm(changed), { node: 'a' });
        if ('event' in reading) {
          expect(parseEvent(reading.event, { knownTypesOnly: true })).toEqual({
            ok: true,
            event: reading.event,
          });
        } else if ('invalid' in reading) expect(reading.invalid.length).toBeGreaterThan(0);
        else expect(reading.detail).not.toBe('');
      }),
      { numRuns: 500 },
    );
  });

  it('is an event only in a HARD problem state', () => {
    const states = fc.constantFrom('UP', 'DOWN', 'UNREACHABLE');
    fc.assert(
      fc.property(states, fc.constantFrom('SOFT', 'HARD'), (state, type) => {
        const reading = nagiosToEvent(hostAlarm({ NAGIOS_HOSTSTATE: state, NAGIOS_HOSTSTATETYPE: type }), {
          node: 'a',
        });
        expect('event' in reading).toBe(type === 'HARD' && state !== 'UP');
      }),
    );
  });
});

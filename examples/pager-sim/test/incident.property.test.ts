import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  acknowledge,
  advance,
  escalate,
  nextDueMs,
  openIncident,
  resolve,
} from '../src/incidents/incident.ts';
import type { Agent, Incident } from '../src/incidents/incident.ts';

const TIMES = { escalateAfterMs: 60_000, acknowledgementTimeoutMs: 1_800_000 };
const BY: Agent = { name: 'tester', channel: 'api' };
const fresh = (): Incident =>
  openIncident({ id: 'Q1', number: 1, key: 'k', title: 't', urgency: 'high', details: {} }, BY, 0);

describe('an incident', () => {
  it('goes to the second level 60 s after its trigger and not 1 ms before', () => {
    expect(advance(fresh(), TIMES, 59_999).escalationLevel).toBe(1);
    expect(advance(fresh(), TIMES, 60_000)).toMatchObject({
      escalationLevel: 2,
      status: 'triggered',
      waitingSinceMs: 60_000,
    });
  });

  it('that was acknowledged is triggered again after 30 min, and escalates 60 s later', () => {
    const acknowledged = acknowledge(fresh(), BY, 30_000);
    expect(advance(acknowledged, TIMES, 1_829_999).status).toBe('acknowledged');
    expect(advance(acknowledged, TIMES, 1_830_000)).toMatchObject({
      status: 'triggered',
      escalationLevel: 1,
    });
    expect(advance(acknowledged, TIMES, 1_890_000)).toMatchObject({
      status: 'triggered',
      escalationLevel: 2,
    });
  });

  it('that is acknowledged again holds 30 min from then', () => {
    const renewed = acknowledge(acknowledge(fresh(), BY, 0), BY, 1_000_000);
    expect(nextDueMs(renewed, TIMES)).toBe(2_800_000);
  });

  it('that is resolved stays so for ever, until an acknowledgement reopens it', () => {
    const resolved = resolve(fresh(), BY, 10);
    expect(advance(resolved, TIMES, 1e12)).toBe(resolved);
    expect(resolve(resolved, BY, 20)).toBe(resolved);
    const reopened = acknowledge(resolved, BY, 30);
    expect(reopened.status).toBe('acknowledged');
    expect(reopened.log.map(({ type }) => type)).toEqual(['trigger', 'resolve', 'reopen', 'acknowledge']);
  });

  it('ends the same whether time passes in one step or in many', () => {
    const deed = fc.record({
      afterMs: fc.integer({ min: 1, max: 2_000_000 }),
      what: fc.constantFrom('acknowledge', 'resolve', 'escalate', 'nothing'),
    });
    const act = (incident: Incident, what: string, nowMs: number): Incident => {
      if (what === 'acknowledge') return acknowledge(incident, BY, nowMs);
      if (what === 'resolve') return resolve(incident, BY, nowMs);
      return what === 'escalate' ? escalate(incident, 2, BY, nowMs) : incident;
    };
    const play = (deeds: { afterMs: number; what: string }[], steps: number): Incident => {
      let nowMs = 0;
      return deeds.reduce((incident, { afterMs, what }) => {
        let moved = incident;
        for (let step = 1; step <= steps; step += 1) {
          moved = advance(moved, TIMES, nowMs + Math.floor((afterMs * step) / steps));
        }
        nowMs += afterMs;
        return act(moved, what, nowMs);
      }, fresh());
    };
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 8 }), fc.integer({ min: 2, max: 9 }), (deeds, steps) => {
        expect(play(deeds, steps)).toEqual(play(deeds, 1));
      }),
    );
  });
});

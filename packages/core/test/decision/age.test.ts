import { describe, expect, it } from 'vitest';
import { aHost, anEvent, aRule, createWorld } from './world.ts';

describe('the age of an event', () => {
  it('S9: acts on an event that is exactly as old as the limit of 5 min allows only if the deadline has not passed', async () => {
    const world = createWorld();
    const record = await world.controller.decide(anEvent({ time: '2025-12-31T23:55:00Z' }));
    expect(record.gates.find(({ gate }) => gate === 'fresh')?.verdict).toBe('pass');
    expect(record.decision).toMatchObject({ kind: 'escalate', reason: 'deadline_passed' });
  });

  it('S9: never acts on an event from the future, however far the clock of its sensor is off', async () => {
    for (const seconds of [31, 3_600, 86_400 * 365]) {
      const world = createWorld();
      const time = new Date(world.clock.now() + seconds * 1_000).toISOString();
      const record = await world.controller.decide(anEvent({ time }));
      expect(record.decision).toMatchObject({ kind: 'escalate', reason: 'future_dated' });
    }
  });

  it('S9: lets an event that is older than the end of the last run on its host follow that run', async () => {
    const world = createWorld();
    const first = await world.controller.decide(anEvent({ id: 'first' }));
    await world.clock.advance(60_000);
    world.engine.finish(first.decision_id ?? '', 'succeeded');
    await world.clock.settle();
    const late = await world.controller.decide(anEvent({ id: 'late', time: '2026-01-01T00:00:30Z' }));
    expect(late.decision).toMatchObject({
      kind: 'suppress',
      reason: 'superseded',
      run_id: first.decision_id,
    });
    expect(world.engine.submitted).toHaveLength(1);
  });

  it('S9: gives a failure after a failed run to a person instead of trying again', async () => {
    const world = createWorld();
    const first = await world.controller.decide(anEvent({ id: 'first' }));
    world.engine.finish(first.decision_id ?? '', 'failed');
    await world.clock.advance(60_000);
    const time = new Date(world.clock.now()).toISOString();
    world.pager.open('web/web1/again');
    const again = await world.controller.decide(
      anEvent({ id: 'again', time, incident_key: 'web/web1/again' }),
    );
    expect(again.decision).toMatchObject({ kind: 'suppress', reason: 'superseded' });
    await world.outcomes.sweep();
    expect(world.pager.pageOf('web/web1/again')?.escalationLevel).toBe(2);
    expect(world.engine.submitted).toHaveLength(1);
  });

  it('S1: acts again on a new incarnation with the same name', async () => {
    const world = createWorld();
    const first = await world.controller.decide(anEvent({ id: 'first' }));
    world.engine.finish(first.decision_id ?? '', 'succeeded');
    await world.clock.advance(600_000);
    world.fleet.remove('i-web1');
    world.fleet.put(aHost({ hostId: 'i-new', name: 'web1' }));
    world.pager.open('web/web1/second');
    const time = new Date(world.clock.now()).toISOString();
    const second = await world.controller.decide(
      anEvent({ id: 'second', time, incident_key: 'web/web1/second' }),
    );
    expect(second.decision.kind).toBe('remediate');
    expect(second.decision_id).not.toBe(first.decision_id);
  });

  it('L1: acknowledges or escalates within 45 s of the page while the voters take as long as they may', async () => {
    const world = createWorld();
    world.voters.ballot = async (request, { signal }) => {
      await world.clock.sleep(request.deadlineAtMs - world.clock.monotonic(), { signal });
      return { outcome: 'timed_out', yes: 1, required: 2, members: 3, votes: [], voided: [], durationMs: 0 };
    };
    const startedMs = world.clock.monotonic();
    const deciding = world.controller.decide(anEvent({ time: '2025-12-31T23:59:40Z' }));
    await world.clock.advance(45_000);
    const record = await deciding;
    expect(record.page.action).toBe('escalated');
    expect(Date.parse(record.decided_at) - Date.parse('2025-12-31T23:59:40Z')).toBeLessThanOrEqual(45_000);
    expect(world.clock.monotonic() - startedMs).toBe(45_000);
  });
});

describe('the age that a rule allows', () => {
  it('S9: is that of the rule, where it is less than that of the event type', async () => {
    const world = createWorld({ rule: aRule({ staleAfterMs: 10_000 }) });
    const record = await world.controller.decide(anEvent({ time: '2025-12-31T23:59:49Z' }));
    expect(record.decision).toMatchObject({ kind: 'suppress', reason: 'stale' });
  });
});

import { PortError } from '@lazarus/core';
import { describe, expect, it } from 'vitest';
import { anEvent, createWorld } from '../decision/world.ts';

const FULL = new PortError({ code: 'LZ_AUDIT_UNAVAILABLE', message: 'disk full', retryable: false });

describe('an event that could not be decided', () => {
  it('S11: ends in one terminal record and an escalated page', async () => {
    const world = createWorld();
    const record = await world.controller.giveUp(anEvent(), {
      position: 'shard-1/42',
      reason: 'given back 3 times',
    });
    expect(record).toMatchObject({
      event_id: 'nagios/evt-1',
      decision: { kind: 'escalate', reason: 'dead_letter' },
      page: { action: 'escalated' },
    });
    expect(await world.audit.byEvent('nagios/evt-1')).toMatchObject({ terminal: true });
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
  });

  it('escalates the page that a malformed record names', async () => {
    const world = createWorld();
    const record = await world.controller.giveUp(
      { incident_key: 'web/web1' },
      { position: 'shard-1/43', reason: 'malformed' },
    );
    expect(record.event_id).toBe('undecoded/shard-1/43');
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
  });

  it('S10: has its page handed on once while its record cannot be written, however often it is delivered again', async () => {
    const world = createWorld({ withoutRule: true });
    const { conclude } = world.audit;
    const full = new PortError({ code: 'LZ_AUDIT_UNAVAILABLE', message: 'disk full', retryable: false });
    world.audit.conclude = () => Promise.reject(full);
    for (let time = 0; time < 5; time += 1)
      await expect(world.controller.decide(anEvent())).rejects.toBe(full);
    expect(world.pager.notesOf('web/web1')).toHaveLength(1);
    world.audit.conclude = conclude;
    expect((await world.controller.decide(anEvent())).page.action).toBe('escalated');
    expect(world.pager.notesOf('web/web1')).toHaveLength(1);
    await world.controller.decide(anEvent({ id: 'another' }));
    expect(world.pager.notesOf('web/web1')).toHaveLength(2);
  });

  it('S12: ends as its intent when its run exists, and its page stays with the run', async () => {
    const world = createWorld();
    const { conclude } = world.audit;
    world.audit.conclude = () => Promise.reject(FULL);
    await expect(world.controller.decide(anEvent())).rejects.toBe(FULL);
    world.audit.conclude = conclude;
    const record = await world.controller.giveUp(anEvent(), { position: '1', reason: 'given back 3 times' });
    const runId = world.engine.submitted[0]?.runId;
    expect(record).toMatchObject({
      decision: { kind: 'remediate', run_id: runId },
      page: { action: 'acknowledged' },
    });
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(1);
    expect(await world.audit.byEvent('nagios/evt-1')).toMatchObject({ terminal: true });
  });

  it('S12: says that it was about to act, when its run was never started', async () => {
    const world = createWorld();
    const { conclude } = world.audit;
    world.engine.fail(FULL);
    world.audit.conclude = () => Promise.reject(FULL);
    await expect(world.controller.decide(anEvent())).rejects.toBe(FULL);
    world.audit.conclude = conclude;
    world.engine.get = () => Promise.resolve(undefined);
    const record = await world.controller.giveUp(anEvent(), { position: '1', reason: 'given back 3 times' });
    expect(record.decision).toEqual({
      kind: 'escalate',
      reason: 'dead_letter',
      detail: 'given back 3 times; it was about to act, and its run was never started',
    });
  });

  it('S12: says that it is not known whether a run was started, when nobody answers for 10 s', async () => {
    const world = createWorld();
    const { byEvent } = world.audit;
    world.audit.byEvent = () => {
      world.audit.byEvent = byEvent;
      return new Promise(() => {});
    };
    const concluding = world.controller.giveUp(anEvent(), { position: '1', reason: 'given back 3 times' });
    await world.clock.advance(10_000);
    const { decision } = await concluding;
    expect(decision).toMatchObject({ kind: 'escalate', reason: 'dead_letter' });
    expect('detail' in decision ? decision.detail : '').toMatch(/whether a run was started is not known/);
  });

  it('S10: has one note on a page that was ours while its record cannot be written, also when given up 5 times', async () => {
    const world = createWorld();
    world.engine.fail(FULL);
    world.audit.conclude = () => Promise.reject(FULL);
    await expect(world.controller.decide(anEvent())).rejects.toBe(FULL);
    const notes = world.pager.notesOf('web/web1').length;
    world.engine.get = () => Promise.resolve(undefined);
    for (let time = 0; time < 3; time += 1)
      await expect(world.controller.decide(anEvent())).rejects.toBe(FULL);
    for (let time = 0; time < 5; time += 1)
      await expect(
        world.controller.giveUp(anEvent(), { position: '1', reason: 'given back 3 times' }),
      ).rejects.toBe(FULL);
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
    expect(world.pager.notesOf('web/web1')).toHaveLength(notes);
  });

  it('is not given up while its record cannot be made durable', async () => {
    const world = createWorld();
    world.audit.fail('disk full');
    await expect(
      world.controller.giveUp(anEvent(), { position: 'shard-1/44', reason: 'x' }),
    ).rejects.toMatchObject({ code: 'LZ_AUDIT_UNAVAILABLE' });
  });
});

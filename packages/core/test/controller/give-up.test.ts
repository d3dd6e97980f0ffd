import { PortError } from '@lazarus/core';
import { describe, expect, it } from 'vitest';
import { anEvent, createWorld } from '../decision/world.ts';

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

  it('is not given up while its record cannot be made durable', async () => {
    const world = createWorld();
    world.audit.fail('disk full');
    await expect(
      world.controller.giveUp(anEvent(), { position: 'shard-1/44', reason: 'x' }),
    ).rejects.toMatchObject({ code: 'LZ_AUDIT_UNAVAILABLE' });
  });
});

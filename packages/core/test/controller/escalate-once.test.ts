import { PortError } from '@lazarus/core';
import { describe, expect, it } from 'vitest';
import type { Page } from '@lazarus/core/ports';
import { anEvent, createWorld } from '../decision/world.ts';
import type { World } from '../decision/world.ts';

const full = new PortError({ code: 'LZ_AUDIT_UNAVAILABLE', message: 'disk full', retryable: false });
const MINUTE = 60_000;

function pageOf({ pager }: World): Page {
  const page = pager.pageOf('web/web1');
  if (page === undefined) throw new Error('there is no page');
  return page;
}

describe('a page that was handed on without a record', () => {
  it('S10: is handed on for the next event too, when Lazarus acknowledged it and its run does not start', async () => {
    const world = createWorld();
    const { conclude } = world.audit;
    const { escalate } = world.pager;
    const page = pageOf(world);
    // The page of the first event is an older one with the same key; a person has resolved it since.
    world.pager.escalate = () => Promise.resolve({ done: true, page, changed: true });
    world.audit.conclude = () => Promise.reject(full);
    await expect(world.controller.decide(anEvent({ id: 'first', host: 'nobody' }))).rejects.toBe(full);
    world.pager.escalate = escalate;
    world.audit.conclude = conclude;
    world.engine.fail(full);
    const record = await world.controller.decide(anEvent({ id: 'second' }));
    expect(record).toMatchObject({ decision: { reason: 'run_not_started' }, page: { action: 'escalated' } });
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
  });

  it('S10: is handed on again for its own event, when Lazarus acknowledged it meanwhile', async () => {
    const world = createWorld();
    const { conclude } = world.audit;
    const { escalate } = world.pager;
    const page = pageOf(world);
    world.pager.escalate = () => Promise.resolve({ done: true, page, changed: true });
    world.audit.conclude = () => Promise.reject(full);
    world.fleet.find = () => Promise.reject(full);
    await expect(world.controller.decide(anEvent())).rejects.toBe(full);
    const other = createWorld();
    world.fleet.find = other.fleet.find;
    world.pager.escalate = escalate;
    world.audit.conclude = conclude;
    world.engine.fail(full);
    await world.controller.decide(anEvent());
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
  });

  it('is remembered for 5 min and not longer', async () => {
    const world = createWorld({ withoutRule: true });
    world.audit.conclude = () => Promise.reject(full);
    const again = async (): Promise<number> => {
      await expect(
        world.controller.decide(anEvent({ time: new Date(world.clock.now()).toISOString() })),
      ).rejects.toBe(full);
      return world.pager.notesOf('web/web1').length;
    };
    expect(await again()).toBe(1);
    await world.clock.advance(5 * MINUTE - 1);
    expect(await again()).toBe(1);
    await world.clock.advance(1);
    expect(await again()).toBe(2);
  });
});

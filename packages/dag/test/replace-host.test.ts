import { describe, expect, it } from 'vitest';
import { aRequest, createBench } from './support/bench.ts';

describe('default.replace_host', () => {
  it('replaces a failed host in the order of the mission and resolves the page', async () => {
    const { open, finish, world } = createBench();
    const engine = await open();
    expect(await engine.submit(aRequest())).toBe('created');
    const run = await finish(engine);
    expect(run.error).toBeUndefined();
    expect(run.status).toBe('succeeded');
    expect(run.page).toBe('resolved');
    expect(run.outputs).toEqual({ new_host: 'i-new1' });
    expect(world.story).toEqual([
      'page acknowledged INC-1',
      'lb.remove i-old',
      'launch i-new1',
      'lb.add i-new1',
      'forensics i-old',
      'page resolved INC-1',
    ]);
    expect(world.hosts.has('i-old')).toBe(true);
    expect(world.hosts.get('i-old')?.tags['expires']).toMatch(/^2026-01-04T00:00:0\d/);
    expect(world.notifications.map(({ text }) => text)).toEqual([
      'default.replace_host of i-old succeeded; replacement i-new1',
    ]);
  });
});

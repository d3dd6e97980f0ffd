import { describe, expect, it } from 'vitest';
import type { Lease } from '@lazarus/core/ports';
import { anEvent, createWorld } from '../decision/world.ts';
import type { World } from '../decision/world.ts';

const target = { kind: 'host', service: 'web', host: 'i-web1' } as const;
const runId = 'd'.repeat(64);

async function submit(world: World): Promise<void> {
  await world.engine.submit({
    runId,
    workflow: 'default.replace_host',
    inputs: {},
    event: anEvent(),
    rule: 'host_down',
    configDigest: 'config-digest-1',
    service: 'web',
    hostId: 'i-web1',
    lock: target,
    timeoutMs: 1_800_000,
  });
}

async function acquire(world: World): Promise<Lease> {
  const grant = await world.locks.acquire({ target, holder: runId, ttlMs: 30_000 });
  if (!grant.granted) throw new Error('the lock is busy');
  return grant.lease;
}

describe('the outcome of a run', () => {
  it('S4: releases the lease that it holds when the run ends', async () => {
    const world = createWorld();
    await submit(world);
    world.outcomes.hold(runId, await acquire(world));
    await world.clock.settle();
    expect(await world.locks.inspect(target)).toMatchObject({ heldBy: runId });
    world.engine.finish(runId, 'succeeded');
    await world.clock.settle();
    expect(await world.locks.inspect(target)).toBeUndefined();
  });

  it('S4: releases a lease at once that it is given after the run has ended', async () => {
    const world = createWorld();
    await submit(world);
    const lease = await acquire(world);
    world.engine.finish(runId, 'succeeded');
    await world.clock.settle();
    world.outcomes.hold(runId, lease);
    await world.clock.settle();
    expect(await world.locks.inspect(target)).toBeUndefined();
    expect(world.clock.pending).toBe(0);
  });

  it('is recorded before close resolves, also when the run ends right before it', async () => {
    const world = createWorld();
    await submit(world);
    world.engine.finish(runId, 'failed');
    await world.outcomes.close();
    expect((await world.audit.run(runId))?.status).toBe('failed');
  });
});

import { createMemoryLocks } from '@lazarus/core/memory';
import { describe, expect, it } from 'vitest';
import type { Journal } from '../src/index.ts';
import { aRequest } from './support/bench.ts';
import { createPair, withCalls } from './support/pair.ts';

const FLOW =
  'steps: { a: { uses: test.do@1 }, b: { needs: [a], wait: 1m }, c: { needs: [b], uses: test.do@1 } }\n';
const submitted = aRequest({ workflow: 'test.flow' });

describe('the lock of a run', () => {
  it('is free after the run, although another process began it and does not know that it was replaced', async () => {
    const { clock, journal, start } = createPair(FLOW);
    const locks = createMemoryLocks({ clock });
    let isFrozen = false;
    const answers = async (): Promise<void> => {
      while (isFrozen) await clock.sleep(500);
    };
    const renew: Journal['renew'] = async (owner) => {
      await answers();
      return journal.renew(owner);
    };
    const one = await start('p1', { locks }, withCalls(journal, { renew }));
    const two = await start('p2', { locks });
    await one.submit(submitted);
    await clock.advance(2_000);
    isFrozen = true;
    await clock.advance(13_000);
    isFrozen = false;
    expect(two.activeRuns).toEqual(['run-1']);
    for (let passedMs = 0; passedMs < 120_000; passedMs += 5_000) await clock.advance(5_000);
    expect(one.activeRuns).toEqual([]);
    expect(await two.get('run-1')).toMatchObject({ status: 'succeeded' });
    expect(await locks.inspect(submitted.lock)).toBeUndefined();
  });

  it('is free after the run, although the journal had failed in between', async () => {
    const { clock, journal, start } = createPair(FLOW);
    const locks = createMemoryLocks({ clock });
    let isBroken = false;
    const commit: Journal['commit'] = (writes) =>
      isBroken ? Promise.reject(new Error('disk is full')) : journal.commit(writes);
    const one = await start('p1', { locks }, withCalls(journal, { commit }));
    await one.submit(submitted);
    await clock.advance(2_000);
    isBroken = true;
    await clock.advance(60_000);
    isBroken = false;
    for (let passedMs = 0; passedMs < 60_000; passedMs += 5_000) await clock.advance(5_000);
    expect(await one.get('run-1')).toMatchObject({ status: 'canceled' });
    expect(await locks.inspect(submitted.lock)).toBeUndefined();
  });

  it('is free after the run, although the engine that began it was closed', async () => {
    const { clock, start } = createPair(FLOW);
    const locks = createMemoryLocks({ clock });
    const one = await start('p1', { locks });
    await one.submit(submitted);
    await clock.advance(2_000);
    await one.close();
    const two = await start('p2', { locks });
    for (let passedMs = 0; passedMs < 120_000; passedMs += 5_000) await clock.advance(5_000);
    expect(await two.get('run-1')).toMatchObject({ status: 'succeeded' });
    expect(await locks.inspect(submitted.lock)).toBeUndefined();
  });
});

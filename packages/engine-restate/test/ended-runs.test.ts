import type { RunView } from '@lazarus/core/ports';
import { createManualClock, silentLogger } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { EndedRuns } from '../src/engine/ended-runs.ts';
import type { RunOutcome } from '../src/server/run-outcome.ts';

/** More turns than a loop that lets nobody else run may take; then the store stays silent, so that the test ends. */
const ENOUGH = 10_000;

function createEnded(answer: (calls: number) => RunOutcome) {
  const clock = createManualClock();
  const closing = new AbortController();
  const store = {
    calls: 0,
    ended: async (): Promise<RunOutcome> => {
      store.calls += 1;
      return store.calls > ENOUGH ? new Promise(() => undefined) : answer(store.calls);
    },
  };
  const ended = new EndedRuns({ store, clock, log: silentLogger, meter: undefined, closing: closing.signal });
  return { ended, store, clock, closing };
}

describe('waiting for the durable end of a run', () => {
  it('asks a server that answers at once that it goes on every 500 ms, not more often', async () => {
    const { ended, store, clock } = createEnded(() => 'running');
    ended.expect('run-1', async () => undefined);
    await clock.advance(2_000);
    expect(store.calls).toBe(5);
  });

  it('ends when the engine closes, whatever the server answers', async () => {
    const { ended, store, clock, closing } = createEnded(() => 'running');
    ended.expect('run-1', async () => undefined);
    await clock.advance(600);
    closing.abort();
    await ended.settled();
    expect(store.calls).toBe(2);
  });

  it('tells once, after the release, when the end has come', async () => {
    const view = { run_id: 'run-1', status: 'succeeded' } as RunView;
    const { ended, clock } = createEnded((calls) => (calls < 3 ? 'running' : view));
    const told: string[] = [];
    ended.onFinished((run) => told.push(run.run_id));
    ended.expect('run-1', async () => void told.push('released'));
    await clock.advance(1_100);
    expect(told).toEqual(['released', 'run-1']);
  });
});

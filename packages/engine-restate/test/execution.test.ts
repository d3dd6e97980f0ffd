import type { SafePoint } from '@lazarus/core/controller';
import type { Locks, RunView } from '@lazarus/core/ports';
import { defineAction } from '@lazarus/dag';
import type { Action, ActionContext } from '@lazarus/dag';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createPlayedRun } from './support/played-execution.ts';

const shape = { version: 1, summary: 'Does.', input: z.looseObject({}), output: z.unknown() };
const escalate = defineAction({
  ...shape,
  name: 'pager.escalate',
  idempotent: true,
  run: async () => ({ page: 'escalated' }),
});
const act = (name: string, run: (context: ActionContext) => Promise<unknown>, more = {}): Action =>
  defineAction({ ...shape, name, idempotent: true, run: (_input, context) => run(context), ...more });

describe('the time of a run on Restate', () => {
  it('ends a call with a limit of 30 s within 31 s although the wall clock goes back an hour', async () => {
    const hang = act(
      'test.hang',
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        }),
      { readOnly: true, idempotent: undefined },
    );
    const played = createPlayedRun(
      'steps: { w: { wait: 10s }, a: { needs: [w], uses: test.hang@1, timeout: 30s, retry: { max_attempts: 1 } } }\n',
      [escalate, hang],
    );
    let ended: RunView | undefined;
    void played
      .execute()
      .drive()
      .then((view) => (ended = view));
    await played.clock.advance(15_000);
    played.clock.jumpWall(-3_600_000);
    await played.clock.advance(26_000);
    expect(ended).toMatchObject({ status: 'failed', error: { step: 'a' } });
  });

  it('keeps the limit of a call when another process with an earlier clock goes on', async () => {
    let calls = 0;
    const hang = act('test.hang', ({ signal }) => {
      calls += 1;
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    });
    const first = act('test.first', async () => null);
    const played = createPlayedRun(
      'steps: { f: { uses: test.first@1 }, a: { needs: [f], uses: test.hang@1, timeout: 30s, retry: { max_attempts: 1 } } }\n',
      [escalate, hang, first],
    );
    void played.execute({ diesAfter: 'f#1' }).drive();
    await played.clock.advance(1_000);
    expect(calls).toBe(0);
    played.clock.jumpWall(-3_600_000);
    let ended: RunView | undefined;
    void played
      .execute()
      .drive()
      .then((view) => (ended = view));
    await played.clock.advance(10);
    await played.clock.advance(31_000);
    expect(ended).toMatchObject({ status: 'failed', error: { step: 'a' } });
  });
});

describe('a run that another process goes on with', () => {
  it('asks the guard about its first destructive step as such, without evidence', async () => {
    const points: SafePoint[] = [];
    const effects: string[] = [];
    const played = createPlayedRun(
      'steps:\n  a: { uses: test.first@1 }\n  b: { needs: [a], uses: test.destroy@1 }\n',
      [
        escalate,
        act('test.first', async () => null),
        act('test.destroy', async ({ step }) => effects.push(step), { destructive: true }),
      ],
      {
        guard: async (_request, point) => {
          points.push(point);
          return point.firstDestructive && point.evidenceAtMs === undefined
            ? { verdict: 'fail', reason: 'the evidence is old' }
            : { verdict: 'pass' };
        },
      },
    );
    void played.execute({ diesAfter: 'a#1', evidenceAtMs: played.clock.monotonic() }).drive();
    await played.clock.advance(1_000);
    points.length = 0;
    const view = played.execute().drive();
    await played.clock.advance(1_000);
    expect(points).toEqual([{ firstDestructive: true }]);
    expect(effects).toEqual([]);
    expect(await view).toMatchObject({
      status: 'canceled',
      error: { step: 'b', message: 'the evidence is old' },
    });
  });
});

describe('the lock of a run on Restate', () => {
  it('goes to the second of two first steps although the first gives up while it is asked for', async () => {
    const effects: string[] = [];
    const played = createPlayedRun(
      'steps:\n  a: { uses: test.act@1, attempt_timeout: 1s, timeout: 20s, retry: { max_attempts: 3 } }\n  b: { uses: test.act@1, timeout: 20s, retry: { max_attempts: 1 } }\n',
      [escalate, act('test.act', async ({ step }) => effects.push(step))],
    );
    const slow = (inner: Locks): Locks => ({
      ...inner,
      acquire: async (request, options) => {
        await played.clock.sleep(2_000, options);
        return inner.acquire(request, options);
      },
    });
    const view = played.execute({ locks: slow }).drive();
    await played.clock.advance(15_000);
    expect(effects.sort()).toEqual(['a', 'b']);
    expect(await view).toMatchObject({ status: 'succeeded' });
  });
});

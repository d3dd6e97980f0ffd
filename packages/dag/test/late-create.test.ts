import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSqliteJournal } from '../src/index.ts';
import type { Journal, WriteOutcome } from '../src/index.ts';
import { SCHEMA } from '../src/engine/adapters/sqlite-schema.ts';
import { aRequest, createBench } from './support/bench.ts';
import { createPair, withCalls } from './support/pair.ts';
import type { Pair } from './support/pair.ts';

const STEPS = 'steps: { a: { uses: test.do@1 }, b: { uses: test.do@1, needs: [a] } }';
const PATIENCE = { times: { submitWithinMs: 4_000 } };
const asked = aRequest({ workflow: 'test.flow' });

/** What became of a promise so far. */
function watch(promise: Promise<unknown>): { answer: unknown } {
  const seen: { answer: unknown } = { answer: undefined };
  promise.then(
    (value) => (seen.answer = value),
    (error: unknown) => (seen.answer = (error as { readonly code?: unknown }).code),
  );
  return seen;
}

/** The journal of a process whose commits are durable at once and answered when the test says so; it can die meanwhile. */
function slow(journal: Journal): { readonly journal: Journal; answer(): void; die(): void } {
  const waiting: (() => void)[] = [];
  let isSlow = true;
  let isDead = false;
  let bury: (error: Error) => void = () => undefined;
  const never = new Promise<never>((_resolve, reject) => {
    bury = reject;
  });
  const commit: Journal['commit'] = async (writes) => {
    if (isDead) return never;
    const outcomes = await journal.commit(writes);
    if (isSlow) await new Promise<void>((resolve) => waiting.push(resolve));
    return outcomes;
  };
  const renew: Journal['renew'] = (owner) => (isDead ? never : journal.renew(owner));
  const claim: Journal['claim'] = (options) => (isDead ? never : journal.claim(options));
  return {
    journal: withCalls(journal, { commit, renew, claim }),
    answer: () => {
      isSlow = false;
      for (const resolve of waiting.splice(0)) resolve();
    },
    die: () => {
      isDead = true;
      onTestFinished(() => bury(new Error('it is dead')));
    },
  };
}

async function moveTo(pair: Pair, ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 100) await pair.clock.advance(100);
}

describe('a submission whose answer comes too late', () => {
  it('is refused when its submitter stops waiting after 4 s, and nothing of it is done when it arrives', async () => {
    const pair = createPair(STEPS);
    const held = slow(pair.journal);
    const engine = await pair.start('p1', PATIENCE, held.journal);
    const seen = watch(engine.submit(asked));
    await moveTo(pair, 3_900);
    expect(seen.answer).toBeUndefined();
    await moveTo(pair, 200);
    expect(seen.answer).toBe('LZ_JOURNAL_UNAVAILABLE');
    expect(engine.health()).toMatchObject({ ok: false });
    expect(pair.world.escalations).toHaveLength(1);
    held.answer();
    await moveTo(pair, 5_000);
    expect(pair.script.bodies).toEqual([]);
    expect(await engine.get('run-1')).toMatchObject({ status: 'canceled', page: 'escalated' });
    expect(engine.health()).toEqual({ ok: true });
  });

  it('is refused after 8 s unless something else is said', async () => {
    const pair = createPair(STEPS);
    const held = slow(pair.journal);
    const engine = await pair.start('p1', {}, held.journal);
    const seen = watch(engine.submit(asked));
    await moveTo(pair, 7_900);
    expect(seen.answer).toBeUndefined();
    await moveTo(pair, 200);
    expect(seen.answer).toBe('LZ_JOURNAL_UNAVAILABLE');
    held.answer();
  });

  it('is refused when the process stood still until the patience was over, and then reads the answer first', async () => {
    const pair = createPair(STEPS);
    const held = slow(pair.journal);
    let stoodStillMs = 0;
    const clock = { ...pair.clock, monotonic: () => pair.clock.monotonic() + stoodStillMs };
    const engine = await pair.start('p1', { clock }, held.journal);
    const seen = watch(engine.submit(asked));
    await pair.clock.settle();
    stoodStillMs = 8_000;
    held.answer();
    await pair.clock.settle();
    expect(seen.answer).toBe('LZ_JOURNAL_UNAVAILABLE');
    expect(pair.script.bodies).toEqual([]);
  });

  it('is not refused before its submitter stops waiting, although the journal failed at once', async () => {
    const pair = createPair(STEPS);
    const commit: Journal['commit'] = async (writes): Promise<readonly WriteOutcome[]> => {
      await pair.journal.commit(writes);
      throw new Error('the answer was lost');
    };
    const engine = await pair.start('p1', PATIENCE, withCalls(pair.journal, { commit }));
    const seen = watch(engine.submit(asked));
    await moveTo(pair, 3_900);
    expect(seen.answer).toBeUndefined();
    expect(pair.world.escalations).toHaveLength(1);
    await moveTo(pair, 200);
    expect(seen.answer).toBe('LZ_JOURNAL_UNAVAILABLE');
  });
});

describe('a run that is durable, and whose submitter was not answered yet', () => {
  /** Submits at a process whose commit is durable and not answered, and tells what its submitter hears. */
  async function submit(pair: Pair) {
    const held = slow(pair.journal);
    const engine = await pair.start('p1', { times: { ...PATIENCE.times, leaseTtlMs: 500 } }, held.journal);
    const seen = watch(engine.submit(asked));
    await moveTo(pair, 1_000);
    held.die();
    return { seen, held };
  }

  it('is gone on with when its process is gone and the submitter can have been told nothing', async () => {
    const pair = createPair(STEPS);
    await submit(pair);
    pair.dead.add('p1');
    const next = await pair.start('p2');
    await moveTo(pair, 1_000);
    expect(await next.get('run-1')).toMatchObject({ status: 'succeeded' });
    expect(pair.world.escalations).toEqual([]);
  });

  it('is gone on with 10 min later, too, once a process has taken it over in time', async () => {
    const pair = createPair(STEPS);
    pair.script.replies['a'] = [{ hang: true }, { give: {} }];
    await submit(pair);
    pair.dead.add('p1');
    const held = slow(pair.journal);
    const second = await pair.start('p2', {}, held.journal);
    expect(second.activeRuns).toEqual(['run-1']);
    held.die();
    pair.dead.add('p2');
    pair.clock.jumpWall(600_000);
    const third = await pair.start('p3');
    await moveTo(pair, 1_000);
    expect(await third.get('run-1')).toMatchObject({ status: 'succeeded' });
  });

  it('does nothing when its process is gone and the submitter may have been told that there is none', async () => {
    const pair = createPair(STEPS);
    await submit(pair);
    await moveTo(pair, 3_100);
    pair.dead.add('p1');
    const next = await pair.start('p2');
    await moveTo(pair, 1_000);
    expect(pair.script.bodies).toEqual([]);
    expect(await next.get('run-1')).toMatchObject({ status: 'canceled', page: 'escalated' });
  });

  it('does nothing either when the clock says that it has not begun yet', async () => {
    const pair = createPair(STEPS);
    await submit(pair);
    pair.dead.add('p1');
    pair.clock.jumpWall(-3_600_000);
    const next = await pair.start('p2');
    await moveTo(pair, 1_000);
    expect(pair.script.bodies).toEqual([]);
    expect(await next.get('run-1')).toMatchObject({ status: 'canceled' });
  });

  it('is left to its process as long as that one lives and its submitter waits, although its lease is over', async () => {
    const pair = createPair(STEPS);
    const { seen } = await submit(pair);
    const next = await pair.start('p2', { times: { leaseTtlMs: 500, sweepMs: 100 } });
    await moveTo(pair, 2_900);
    expect({ ...seen, active: next.activeRuns }).toEqual({ answer: undefined, active: [] });
    await moveTo(pair, 1_000);
    expect(seen.answer).toBe('LZ_JOURNAL_UNAVAILABLE');
    expect(pair.script.bodies).toEqual([]);
    expect(await next.get('run-1')).toMatchObject({ status: 'canceled', page: 'escalated' });
  });

  it('goes on an hour later, once its submitter was told that it began', async () => {
    const pair = createPair(STEPS);
    pair.script.replies['a'] = [{ hang: true }, { give: {} }];
    const held = slow(pair.journal);
    held.answer();
    const first = await pair.start('p1', {}, held.journal);
    expect(await first.submit({ ...asked, timeoutMs: 7_200_000 })).toBe('created');
    await moveTo(pair, 100);
    held.die();
    pair.dead.add('p1');
    pair.clock.jumpWall(3_600_000);
    const next = await pair.start('p2');
    await moveTo(pair, 1_000);
    expect(await next.get('run-1')).toMatchObject({ status: 'succeeded' });
  });
});

describe('a journal of version 1', () => {
  it('is brought up to date, and its runs count as accepted', async () => {
    const { file } = createBench();
    const database = new DatabaseSync(file);
    database.exec(`${SCHEMA.replace(',\n  answer_by INTEGER', '')};PRAGMA user_version = 1`);
    database.exec(
      "INSERT INTO definition VALUES ('d', '{}'); INSERT INTO request VALUES (1, '{}');" +
        "INSERT INTO run VALUES (1, 'run-1', 'w', 's', NULL, 'd', 'running', 1, 'o', 0, 1, NULL, 0)",
    );
    database.close();
    const journal = await openSqliteJournal({ file });
    expect((await journal.load('run-1'))?.run).toMatchObject({ runId: 'run-1' });
    expect((await journal.load('run-1'))?.run.answerByMs).toBeUndefined();
    await journal.close();
  });
});

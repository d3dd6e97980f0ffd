import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSqliteJournal } from '../src/index.ts';
import { findWorker, StoreThread } from '../src/engine/adapters/store-thread.ts';
import { temporaryFolder } from './support/bench.ts';

const worker = findWorker() ?? new URL('file:///nowhere');
/** Other programs may have the processor. */
const PATIENT = { timeout: 15_000 };
const owner = { id: 'o', process: 'p', leaseUntilMs: 1 };

/** Keeps everybody else from writing until it is released. */
function holdFile(file: string): () => void {
  const database = new DatabaseSync(file);
  database.exec('BEGIN IMMEDIATE');
  return () => {
    database.exec('ROLLBACK');
    database.close();
  };
}

/** Longest time in which the event loop did not turn, milliseconds. */
async function longestStall(work: Promise<unknown>): Promise<number> {
  let longest = 0;
  const state = { isOver: false };
  const ended = work.then(() => {
    state.isOver = true;
  });
  while (!state.isOver) {
    const before = performance.now();
    await setTimeout(1);
    longest = Math.max(longest, performance.now() - before);
  }
  await ended;
  return longest;
}

describe('the thread of the journal', () => {
  it('keeps the event loop turning while a write takes 400 ms', async () => {
    const file = join(temporaryFolder(), 'runs.db');
    const journal = await openSqliteJournal({ file, thread: 'worker' });
    onTestFinished(() => journal.close());
    await journal.renew(owner);
    const release = holdFile(file);
    const written = journal.renew({ ...owner, leaseUntilMs: 2 });
    void setTimeout(400).then(release);
    expect(await longestStall(written)).toBeLessThan(200);
    expect(journal.commits).toBe(2);
  });

  it('answers in the order of the questions', async () => {
    const file = join(temporaryFolder(), 'runs.db');
    const journal = await openSqliteJournal({ file, thread: 'worker' });
    onTestFinished(() => journal.close());
    const seen: string[] = [];
    await Promise.all([
      journal.renew(owner).then(() => seen.push('renew')),
      journal.has('x').then(() => seen.push('has')),
      journal.renew(owner).then(() => seen.push('again')),
    ]);
    expect(seen).toEqual(['renew', 'has', 'again']);
  });

  it('is given up on after its time when the disk does not answer, and works again when it does', async () => {
    const file = join(temporaryFolder(), 'runs.db');
    const store = new StoreThread(worker, file, 1_500);
    onTestFinished(() => store.close());
    await setTimeout(0);
    await expect.poll(() => store.call('has', 'x').catch(() => 'not yet'), PATIENT).toBe(false);
    const release = holdFile(file);
    await expect(store.call('renew', 'o', 'p', 1)).rejects.toThrow('has not answered for 1500 ms');
    release();
    const again = (): Promise<string> =>
      store.call('renew', 'o', 'p', 1).then(
        () => 'done',
        () => 'not yet',
      );
    await expect.poll(again, PATIENT).toBe('done');
  }, 60_000);

  it('reads the answers that wait before it gives up, in a process that stood still for longer than its time', async () => {
    const store = new StoreThread(worker, join(temporaryFolder(), 'runs.db'), 1_500);
    onTestFinished(() => store.close());
    await expect.poll(() => store.call('has', 'x').catch(() => 'not yet'), PATIENT).toBe(false);
    const answer = store.call('has', 'y');
    const untilMs = performance.now() + 2_000;
    while (performance.now() < untilMs);
    expect(await answer).toBe(false);
  }, 60_000);

  it('that cannot start is a failure of the journal, and the next call tries again', async () => {
    const store = new StoreThread(pathToFileURL('/nowhere/worker.js'), 'x.db');
    for (let round = 0; round < 2; round += 1)
      await expect(store.call('has', 'x')).rejects.toThrow('the thread of the journal failed');
    await store.close();
  });

  it('answers what was asked before it is closed, and starts no other thread afterwards', async () => {
    const store = new StoreThread(worker, join(temporaryFolder(), 'runs.db'));
    const before = store.call('has', 'x');
    const closing = store.close();
    await expect(store.call('has', 'x')).rejects.toThrow('the journal was closed');
    expect(await before).toBe(false);
    await closing;
    await expect(store.call('has', 'x')).rejects.toThrow('the journal was closed');
    await store.close();
  }, 30_000);

  it('opens the file again once the folder is there', async () => {
    const folder = temporaryFolder();
    const store = new StoreThread(worker, join(folder, 'later', 'runs.db'));
    onTestFinished(() => store.close());
    await expect(store.call('has', 'x')).rejects.toThrow('unable to open');
    const { mkdirSync } = await import('node:fs');
    mkdirSync(join(folder, 'later'));
    expect(await store.call('has', 'x')).toBe(false);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystemClock } from '@lazarus/core';
import { afterAll, describe, expect, it } from 'vitest';

import type { RedisServer } from '../../../tools/redis-server.ts';
import { startRedis, whyNoRedis, withRedis } from '../../../tools/redis-server.ts';
import {
  createMemoryLeaseStore,
  createRedisLeaseStore,
  createSqliteLeaseStore,
  type LeaseStore,
} from '../src/index.ts';

const root = mkdtempSync(join(tmpdir(), 'lazarus-leases-'));
const opened: { close(): Promise<void> }[] = [];
afterAll(async () => {
  for (const store of opened) await store.close();
  await redis?.stop();
  rmSync(root, { recursive: true, force: true });
});

let redis: RedisServer | undefined;
let files = 0;
const stores: readonly (readonly [string, () => Promise<LeaseStore>])[] = [
  ['memory', async () => createMemoryLeaseStore()],
  [
    'SQLite',
    async () => {
      const store = await createSqliteLeaseStore({ file: join(root, `${(files += 1)}.db`) });
      opened.push(store);
      return store;
    },
  ],
  [
    'Redis',
    async () => {
      redis ??= await startRedis();
      const store = await createRedisLeaseStore({
        url: redis.url,
        prefix: `contract-${(files += 1)}`,
        deadlineMs: 10_000,
        clock: createSystemClock(),
      });
      opened.push(store);
      return store;
    },
  ],
];
const CANNOT_RUN: Readonly<Record<string, string | undefined>> = { Redis: whyNoRedis() };

describe.each(stores)('lease store in %s', (name, create) => {
  if (CANNOT_RUN[name] !== undefined) {
    it.skip(withRedis('follows the contract'), () => undefined);
    return;
  }
  const start = { shardId: 's1', checkpoint: { at: 'TRIM_HORIZON' } } as const;

  const counterOf = async (store: LeaseStore): Promise<number> =>
    (await store.list('stream'))[0]?.counter ?? -1;

  it('creates a lease once, free and with a whole number as its counter', async () => {
    const store = await create();
    expect(await store.create('stream', start)).toBe(true);
    expect(await store.create('stream', { ...start, checkpoint: { at: 'LATEST' } })).toBe(false);
    const counter = await counterOf(store);
    expect(Number.isSafeInteger(counter)).toBe(true);
    expect(await store.list('stream')).toEqual([{ ...start, counter }]);
    expect(await store.list('other')).toEqual([]);
  });

  it('lets one of two writers with the same counter win', async () => {
    const store = await create();
    await store.create('stream', start);
    const counter = await counterOf(store);
    const write = (owner: string) =>
      store.update('stream', 's1', counter, { owner, checkpoint: start.checkpoint });
    const results = await Promise.all([write('a'), write('b')]);
    expect(results.filter((lease) => lease !== undefined)).toHaveLength(1);
    expect(await store.list('stream')).toMatchObject([{ counter: counter + 1 }]);
  });

  it('refuses the checkpoint of a former owner', async () => {
    const store = await create();
    await store.create('stream', start);
    const mine = await store.update('stream', 's1', await counterOf(store), {
      owner: 'a',
      checkpoint: start.checkpoint,
    });
    await store.update('stream', 's1', mine!.counter, { owner: 'b', checkpoint: start.checkpoint });
    const late = { owner: 'a', checkpoint: { at: 'SEQUENCE', sequence: '99' } } as const;
    expect(await store.update('stream', 's1', mine!.counter, late)).toBeUndefined();
    expect(await store.list('stream')).toMatchObject([{ owner: 'b', checkpoint: { at: 'TRIM_HORIZON' } }]);
  });

  it('keeps a sequence number of 56 digits as it is, and frees a lease', async () => {
    const store = await create();
    await store.create('stream', start);
    const sequence = '49'.repeat(28);
    const counter = await counterOf(store);
    const next = await store.update('stream', 's1', counter, {
      owner: undefined,
      checkpoint: { at: 'SEQUENCE', sequence },
    });
    expect(next).toEqual({ shardId: 's1', counter: counter + 1, checkpoint: { at: 'SEQUENCE', sequence } });
    expect(await store.list('stream')).toEqual([next]);
  });

  it('removes a lease only with its counter', async () => {
    const store = await create();
    await store.create('stream', start);
    const counter = await counterOf(store);
    expect(await store.remove('stream', 's1', counter + 1)).toBe(false);
    expect(await store.remove('stream', 's1', counter)).toBe(true);
    expect(await store.list('stream')).toEqual([]);
  });
});

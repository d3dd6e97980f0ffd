import { describe, expect, it } from 'vitest';

import type { Checkpoint, ShardLease } from '../src/leases/lease.ts';
import { type ListedShard, planShards } from '../src/shards/shard-plan.ts';

const shard = (shardId: string, parents: string[] = [], isOpen = true): ListedShard => ({
  shardId,
  parents,
  isOpen,
});
const lease = (shardId: string, at: Checkpoint['at']): ShardLease => ({
  shardId,
  counter: 1,
  checkpoint: at === 'SEQUENCE' ? { at, sequence: '1' } : { at },
});
const created = (
  listed: readonly ListedShard[],
  leases: readonly ShardLease[],
  initial: 'TRIM_HORIZON' | 'LATEST' = 'TRIM_HORIZON',
) =>
  planShards(listed, leases, initial).create.map(({ shardId, checkpoint }) => `${shardId} ${checkpoint.at}`);

const split = [shard('p', [], false), shard('c1', ['p']), shard('c2', ['p'])];

describe('a stream that was never read', () => {
  it('is read from its oldest shards, which have no listed parent', () => {
    expect(created(split, [])).toEqual(['p TRIM_HORIZON']);
    expect(created([shard('c', ['expired'])], [])).toEqual(['c TRIM_HORIZON']);
  });

  it('is read from its open shards when only new records matter', () => {
    expect(created(split, [], 'LATEST')).toEqual(['c1 LATEST', 'c2 LATEST']);
  });
});

describe('a split', () => {
  it('gives the children no lease while the parent is read', () => {
    expect(created(split, [lease('p', 'SEQUENCE')])).toEqual([]);
  });

  it('gives the children leases from their first record when the parent is read, also after a start at LATEST', () => {
    expect(created(split, [lease('p', 'SHARD_END')], 'LATEST')).toEqual([
      'c1 TRIM_HORIZON',
      'c2 TRIM_HORIZON',
    ]);
  });

  it('gives a missing child its lease when the other one has it already', () => {
    expect(created(split, [lease('p', 'SHARD_END'), lease('c1', 'SEQUENCE')])).toEqual(['c2 TRIM_HORIZON']);
  });

  it('does not go back to a parent that was skipped at the start', () => {
    expect(created(split, [lease('c1', 'LATEST'), lease('c2', 'LATEST')], 'LATEST')).toEqual([]);
  });
});

describe('a merge', () => {
  const merged = [shard('a', [], false), shard('b', [], false), shard('c', ['a', 'b'])];

  it('waits for both parents', () => {
    expect(created(merged, [lease('a', 'SHARD_END'), lease('b', 'SEQUENCE')])).toEqual([]);
    expect(created(merged, [lease('a', 'SHARD_END'), lease('b', 'SHARD_END')])).toEqual(['c TRIM_HORIZON']);
  });
});

describe('a parent that the stream has forgotten', () => {
  it('counts as read, so that its subtree is not lost', () => {
    const listed = [shard('other'), shard('child', ['forgotten'])];
    expect(created(listed, [lease('other', 'SEQUENCE')])).toEqual(['child TRIM_HORIZON']);
  });

  it('loses its lease once it is at its end', () => {
    const leases = [lease('forgotten', 'SHARD_END'), lease('unread', 'SEQUENCE'), lease('c', 'SEQUENCE')];
    expect(planShards([shard('c', ['forgotten'])], leases, 'TRIM_HORIZON').remove).toEqual([leases[0]]);
  });
});

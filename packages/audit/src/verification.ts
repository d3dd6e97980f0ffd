import type { DatabaseSync } from 'node:sqlite';

import { readHead } from './append.ts';
import { type ChainHead, type ChainReport, type Entry, followChain, GENESIS } from './chain.ts';
import { readNumber } from './connection.ts';

const PAGE = 500;

function toEntry(row: Record<string, unknown>): Entry {
  return {
    seq: Number(row.seq),
    kind: row.kind as Entry['kind'],
    key: String(row.key),
    atMs: Number(row.at_ms),
    body: String(row.body),
    prev: String(row.prev),
    hash: String(row.hash),
  };
}

/** Reads up to `limit` entries after a position, in order. */
function readEntries(db: DatabaseSync, afterSeq: number, limit: number): readonly Entry[] {
  return db
    .prepare('SELECT seq, kind, key, at_ms, body, prev, hash FROM entry WHERE seq > ? ORDER BY seq LIMIT ?')
    .all(afterSeq, limit)
    .map(toEntry);
}

function walk(
  head: ChainHead,
  entries: readonly Entry[],
): ChainHead | Extract<ChainReport, { intact: false }> {
  let current = head;
  for (const entry of entries) {
    const next = followChain(current, entry);
    if ('intact' in next) return next;
    current = next;
  }
  return current;
}

/** The highest position that was ever given out, which deleting the last rows does not lower. */
function highestEver(db: DatabaseSync): number {
  return readNumber(db, "SELECT seq FROM sqlite_sequence WHERE name = 'entry'");
}

function truncated(head: ChainHead, highest: number): ChainReport {
  const seq = head.seq + 1;
  return {
    intact: false,
    seq,
    reason: 'truncated',
    detail: `entries ${seq} to ${highest} were removed from the end`,
  };
}

/**
 * Walks the whole chain and names the first broken record. Gives the event loop its turn after every page. Keeps S17.
 */
export async function verifyChain(db: DatabaseSync): Promise<ChainReport> {
  const highest = highestEver(db);
  let head: ChainHead = GENESIS;
  for (;;) {
    const entries = readEntries(db, head.seq, PAGE);
    const next = walk(head, entries);
    if ('intact' in next) return next;
    head = next;
    if (entries.length < PAGE) break;
    await new Promise((resume) => setImmediate(resume));
  }
  return head.seq < highest ? truncated(head, highest) : { intact: true, entries: head.seq, head };
}

/** Checks the last `count` entries only: what opening a file can afford. */
export function verifyTail(db: DatabaseSync, count: number): ChainReport {
  const last = readHead(db);
  const highest = highestEver(db);
  if (last.seq < highest) return truncated(last, highest);
  const start = Math.max(0, last.seq - count);
  const before = start === 0 ? undefined : readEntries(db, start - 1, 1)[0];
  const next = walk(before ?? GENESIS, readEntries(db, start, count));
  return 'intact' in next ? next : { intact: true, entries: next.seq, head: next };
}

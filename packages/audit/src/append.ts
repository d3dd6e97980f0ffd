import type { DatabaseSync } from 'node:sqlite';

import { appendEntry, type ChainHead, type Entry, type EntryKind, GENESIS } from './chain.ts';

/** An entry that waits for its place in the chain. */
export interface Draft {
  readonly kind: EntryKind;
  readonly key: string;
  readonly body: string;
}

/** Reads the end of the chain. */
export function readHead(db: DatabaseSync): ChainHead {
  const row = db.prepare('SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1').get();
  return row === undefined ? GENESIS : { seq: Number(row.seq), hash: String(row.hash) };
}

/**
 * Makes the function that writes a batch in one transaction. What is there already is left as it is: an event has one
 * intent and one terminal record, and no intent after its end. Keeps S11.
 *
 * The head is read inside the transaction, so that several processes may write to one file.
 */
export function createAppender(db: DatabaseSync, nowMs: () => number): (batch: readonly Draft[]) => void {
  const known = db.prepare('SELECT 1 FROM entry WHERE kind = ? AND key = ?');
  const insert = db.prepare(
    'INSERT INTO entry (seq, kind, key, at_ms, body, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const isKnown = (kind: EntryKind, key: string): boolean => known.get(kind, key) !== undefined;
  const isDone = (draft: Draft): boolean =>
    isKnown(draft.kind, draft.key) || (draft.kind === 'intent' && isKnown('terminal', draft.key));
  const write = (entry: Entry): void => {
    insert.run(entry.seq, entry.kind, entry.key, entry.atMs, entry.body, entry.prev, entry.hash);
  };

  return (batch) => {
    db.exec('BEGIN IMMEDIATE');
    try {
      let head = readHead(db);
      for (const draft of batch) {
        if (isDone(draft)) continue;
        const entry = appendEntry(head, { ...draft, atMs: Math.round(nowMs()) });
        write(entry);
        head = { seq: entry.seq, hash: entry.hash };
      }
      db.exec('COMMIT');
    } catch (error) {
      // SQLite rolls back by itself on some failures, for example a full disk.
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  };
}

import { createHash } from 'node:crypto';

/** Kinds of entries. An event has at most one `intent` and one `terminal`; keys are unique within a kind. */
export type EntryKind = 'intent' | 'terminal' | 'run' | 'attachment' | 'late_vote';

/** One line of the audit log, as it is stored. */
export interface Entry {
  /** 1, 2, 3, … without a gap. */
  readonly seq: number;
  readonly kind: EntryKind;
  /** Event id; run id for `run`; decision id, voter and time for `late_vote`. */
  readonly key: string;
  /** Wall time of the write, milliseconds since the epoch. */
  readonly atMs: number;
  /** The record as JSON. */
  readonly body: string;
  /** Hash of the entry before. */
  readonly prev: string;
  readonly hash: string;
}

/** End of the chain. Keep a copy elsewhere, and a rewritten history cannot pass for the real one. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

/** Head of an empty chain. */
export const GENESIS: ChainHead = { seq: 0, hash: '0'.repeat(64) };

/** Result of a walk along the chain. */
export type ChainReport =
  | { readonly intact: true; readonly entries: number; readonly head: ChainHead }
  | {
      readonly intact: false;
      /** The first broken record. */
      readonly seq: number;
      readonly kind?: EntryKind;
      readonly key?: string;
      readonly reason: 'missing' | 'out_of_order' | 'altered' | 'truncated';
      /** One line for people. */
      readonly detail: string;
    };

/** SHA-256 over everything an entry says and over the entry before, hex. */
export function entryHash(entry: Omit<Entry, 'hash'>): string {
  const text = JSON.stringify([entry.seq, entry.kind, entry.key, entry.atMs, entry.prev, entry.body]);
  return createHash('sha256').update(text).digest('hex');
}

/** Makes the entry that follows `head`. */
export function appendEntry(
  head: ChainHead,
  content: { readonly kind: EntryKind; readonly key: string; readonly atMs: number; readonly body: string },
): Entry {
  const entry = { seq: head.seq + 1, prev: head.hash, ...content };
  return { ...entry, hash: entryHash(entry) };
}

/**
 * Checks one entry against the one before it.
 *
 * @returns the new head, or what is wrong. Keeps S17.
 */
export function followChain(
  head: ChainHead,
  entry: Entry,
): ChainHead | Extract<ChainReport, { intact: false }> {
  const at = { intact: false as const, seq: entry.seq, kind: entry.kind, key: entry.key };
  if (entry.seq !== head.seq + 1) {
    const missing = head.seq + 1;
    return { intact: false, seq: missing, reason: 'missing', detail: `entry ${missing} is missing` };
  }
  if (entry.prev !== head.hash) {
    return {
      ...at,
      reason: 'out_of_order',
      detail: `entry ${entry.seq} (${entry.kind} ${entry.key}) does not follow entry ${head.seq}`,
    };
  }
  if (entry.hash !== entryHash(entry)) {
    return {
      ...at,
      reason: 'altered',
      detail: `entry ${entry.seq} (${entry.kind} ${entry.key}) was altered`,
    };
  }
  return { seq: entry.seq, hash: entry.hash };
}

import type { Clock } from '../ports/clock.ts';
import type { Snapshot } from './snapshot.ts';

/** Longest a decision takes, with room for a coordinator whose clock runs a little behind. */
const KEEP_MS = 60_000;
/** Snapshots kept at most; reloading faster than that forgets the oldest first. */
const MAX_KEPT = 16;

/**
 * The configuration in force and those that were in force a moment ago. An event in flight keeps the snapshot it started
 * with, and every node votes on it with that very snapshot: a reload interrupts nothing. Keeps S15.
 */
export interface SnapshotShelf {
  /** The configuration in force; absent means observe only. */
  readonly current: Snapshot | undefined;
  /** Puts a configuration into force; the previous one stays on the shelf for a minute. */
  use(snapshot: Snapshot): void;
  /** The configuration of this digest, when it is in force or was within the last minute. */
  find(digest: string): Snapshot | undefined;
  /**
   * What a ballot that names a digest is voted on with: that configuration, or the one in force when it is not known here,
   * so that the voter can say which one it has. Whoever votes compares the digests.
   */
  forBallot(digest: string): Snapshot | undefined;
}

/** Creates an empty {@link SnapshotShelf}. */
export function createSnapshotShelf({ clock }: { readonly clock: Pick<Clock, 'monotonic'> }): SnapshotShelf {
  const replaced = new Map<string, { readonly snapshot: Snapshot; readonly untilMs: number }>();
  let current: Snapshot | undefined;

  const find = (digest: string): Snapshot | undefined => {
    if (current?.digest === digest) return current;
    const kept = replaced.get(digest);
    return kept !== undefined && clock.monotonic() < kept.untilMs ? kept.snapshot : undefined;
  };
  const forgetOld = (nowMs: number): void => {
    for (const [digest, { untilMs }] of replaced) {
      // Insertion order is the order in which they were replaced.
      if (untilMs > nowMs && replaced.size < MAX_KEPT) return;
      replaced.delete(digest);
    }
  };
  return {
    get current() {
      return current;
    },
    use(snapshot) {
      const nowMs = clock.monotonic();
      forgetOld(nowMs);
      if (current !== undefined && current.digest !== snapshot.digest) {
        replaced.delete(current.digest);
        replaced.set(current.digest, { snapshot: current, untilMs: nowMs + KEEP_MS });
      }
      replaced.delete(snapshot.digest);
      current = snapshot;
    },
    find,
    forBallot: (digest) => find(digest) ?? current,
  };
}

import type { DatabaseSync } from 'node:sqlite';

/** Knows whether the file can be written. */
export interface Writability {
  /** Does a write and remembers how it went. */
  watch(write: () => void): void;
  health(): { readonly ok: true } | { readonly ok: false; readonly reason: string };
}

/**
 * Watches the writes of a log. After one that failed, whoever asks makes a small one beside the log, so that the answer is
 * true also when nothing is recorded for a while.
 */
export function createWritability(db: DatabaseSync, nowMs: () => number): Writability {
  const probe = db.prepare('INSERT OR REPLACE INTO probe (id, at_ms) VALUES (1, ?)');
  let failure: string | undefined;

  const watch = (write: () => void): void => {
    try {
      write();
      failure = undefined;
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
      throw error;
    }
  };
  const tryAgain = (): void => {
    try {
      watch(() => void probe.run(Math.round(nowMs())));
    } catch {
      // It is remembered as the failure.
    }
  };
  return {
    watch,
    health() {
      if (failure !== undefined) tryAgain();
      return failure === undefined ? { ok: true } : { ok: false, reason: `it cannot be written: ${failure}` };
    },
  };
}

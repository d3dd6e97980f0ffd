import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSqliteAudit } from '@lazarus/audit';
import type { SqliteAudit } from '@lazarus/audit';
import type { CompiledSnapshot } from '@lazarus/core/config';
import {
  createMemoryBudgets,
  createMemoryLocks,
  createMemoryPauses,
  createMemoryWindows,
} from '@lazarus/core/memory';
import type { MemoryBudgets, MemoryLocks, MemoryWindows } from '@lazarus/core/memory';
import type { Clock, Pause, Pauses } from '@lazarus/core/ports';

/** Two windows: the hysteresis of the breaker depends on when it opened. */
const HISTORY_MS = 1_200_000;
const HOUR_MS = 3_600_000;

/** Thresholds of the breaker, as the configuration gives them. */
type BreakerSettings = CompiledSnapshot['settings']['breaker'];

/** What the nodes of this process share, rebuilt from what is on disk. */
export interface SharedState {
  readonly audit: SqliteAudit;
  readonly windows: MemoryWindows;
  readonly budgets: MemoryBudgets;
  readonly locks: MemoryLocks;
  readonly pauses: Pauses;
  close(): Promise<void>;
}

/**
 * Opens the state directory. Windows, breaker and budgets live in memory and are rebuilt from the audit log, so they
 * survive a restart; pauses have a file of their own.
 */
export async function openState(
  stateDir: string,
  ports: { readonly clock: Clock; readonly secrets: readonly string[]; readonly breaker: BreakerSettings },
): Promise<SharedState> {
  const { clock } = ports;
  await mkdir(stateDir, { recursive: true });
  const audit = await createSqliteAudit({
    file: join(stateDir, 'audit.db'),
    secrets: [...ports.secrets],
    clock,
  });
  const nowMs = clock.now();
  const observations = await audit.recentObservations(HISTORY_MS);
  const commits = await audit.recentCommits(HOUR_MS);
  return {
    audit,
    windows: createMemoryWindows({
      clock,
      breaker: breakerOf(ports.breaker),
      history: observations.map(({ receivedAtMs, ...seen }) => ({ ...seen, ageMs: nowMs - receivedAtMs })),
    }),
    budgets: createMemoryBudgets({
      clock,
      history: commits.map(({ charge, finishedAtMs }) => ({
        charge,
        ...(finishedAtMs === undefined ? {} : { settledAgeMs: Math.max(0, nowMs - finishedAtMs) }),
      })),
    }),
    locks: createMemoryLocks({ clock }),
    pauses: await openPauses(join(stateDir, 'pauses.json'), clock),
    close: () => audit.close(),
  };
}

async function openPauses(file: string, clock: Clock): Promise<Pauses> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '[]';
    throw error;
  });
  return createMemoryPauses({
    clock,
    history: JSON.parse(text) as Pause[],
    save: async (pauses) => {
      await writeFile(`${file}.new`, JSON.stringify(pauses, null, 2), { flush: true });
      await rename(`${file}.new`, file);
    },
  });
}

function breakerOf(settings: BreakerSettings) {
  return {
    windowMs: settings.window,
    maxServices: settings.max_services,
    minOpenMs: settings.min_open,
    ...(settings.max_services_fraction === undefined
      ? {}
      : { maxServicesFraction: settings.max_services_fraction }),
    ...(settings.close_below === undefined ? {} : { closeBelow: settings.close_below }),
  };
}

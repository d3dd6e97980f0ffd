import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createSqliteAudit } from '@lazarus/audit';
import type { SqliteAudit } from '@lazarus/audit';
import { describeError } from '@lazarus/core';
import {
  createLocalRing,
  createMemoryBudgets,
  createMemoryLocks,
  createMemoryPauses,
  createMemoryRolloutStore,
  createMemoryWindows,
} from '@lazarus/core/memory';
import type { Clock, Logger, RolloutStore, Windows } from '@lazarus/core/ports';
import type { LateVote } from '@lazarus/quorum';
import { createJsonFile } from './json-file.ts';
import { openRedis } from './redis-state.ts';
import type { Settings } from './settings.ts';
import { breakerOf } from './shared-state.ts';
import type { BreakerSettings, OwnRecord, Shared } from './shared-state.ts';

/** Two windows: the hysteresis of the breaker depends on when it opened. */
const HISTORY_MS = 1_200_000;
const HOUR_MS = 3_600_000;

/** What the nodes share, and the record of this process. */
export interface SharedState extends Shared {
  readonly audit: SqliteAudit;
  /**
   * The windows of one node: what all share, and what the node counted itself. When the shared store forgets, the node that
   * saw the storm still stops. Keeps S7.
   */
  nodeWindows(): Windows;
  /** Writes a vote that came too late into the audit log; that nobody waits for it is right, it counted for nothing. */
  noteLateVote(late: LateVote): void;
}

/**
 * Opens the state directory. Windows, breaker and budgets live in memory or in Redis and are rebuilt from the audit log, so
 * they survive a restart of either; pauses and the state of rollouts have files of their own.
 */
export async function openState(
  settings: Pick<Settings, 'state_dir' | 'shared_state' | 'region' | 'audit'>,
  ports: {
    readonly clock: Clock;
    readonly log: Logger;
    readonly secrets: readonly string[];
    /** The breaker of the configuration in force. */
    readonly breaker: () => BreakerSettings;
    /** Services that are configured: a share of them can be a bound, too. */
    readonly knownServices: () => number | undefined;
  },
): Promise<SharedState> {
  const { clock, log } = ports;
  await mkdir(settings.state_dir, { recursive: true });
  await mkdir(dirname(settings.audit.file), { recursive: true });
  const audit = await createSqliteAudit({
    file: settings.audit.file,
    secrets: [...ports.secrets],
    clock,
  });
  const record = ownRecord(audit, settings.state_dir, clock);
  const breaker = breakerOf(ports.breaker());
  const thresholds = lastOf(ports.breaker, breakerOf);
  try {
    const shared =
      settings.shared_state.kind === 'redis'
        ? await openRedis(
            { ...settings.shared_state, region: settings.region },
            { record, breaker, clock, log, knownServices: ports.knownServices, thresholds },
          )
        : await openMemory({ record, breaker, clock, knownServices: ports.knownServices, thresholds });
    const history = await record.observations();
    const nodeWindows = (): Windows =>
      createLocalRing(
        { breaker },
        { shared: shared.windows, clock, history, knownServices: ports.knownServices, thresholds },
      );
    const close = async (): Promise<void> => {
      await shared.close();
      await audit.close();
    };
    const noteLateVote = ({ decisionId, vote, voided }: LateVote): void => {
      const what = { ...(vote === undefined ? {} : { vote }), ...(voided === undefined ? {} : { voided }) };
      const voter = vote?.voter ?? voided?.voter ?? 'unknown';
      audit
        .lateVote({
          decision_id: decisionId,
          voter,
          received_at: new Date(clock.now()).toISOString(),
          ...what,
        })
        .catch((error: unknown) => log.warn('a late vote was not recorded', { error: describeError(error) }));
    };
    return { ...shared, audit, nodeWindows, noteLateVote, close };
  } catch (error) {
    await audit.close();
    throw error;
  }
}

async function openMemory(ports: {
  readonly record: OwnRecord;
  readonly breaker: ReturnType<typeof breakerOf>;
  readonly clock: Clock;
  readonly knownServices: () => number | undefined;
  readonly thresholds: () => ReturnType<typeof breakerOf>;
}): Promise<Shared> {
  const { record, breaker, clock, knownServices, thresholds } = ports;
  const history = await record.observations();
  return {
    windows: createMemoryWindows({ clock, breaker, knownServices, thresholds, history }),
    budgets: createMemoryBudgets({ clock, history: await record.reservations() }),
    locks: createMemoryLocks({ clock }),
    pauses: createMemoryPauses({ clock, history: await record.pauses.read(), save: record.pauses.write }),
    rollouts: await openRollouts(record),
    checks: [],
    close: async () => {},
  };
}

/** What `make` makes of the latest value, made once for each. */
function lastOf<T, R>(latest: () => T, make: (value: T) => R): () => R {
  let known = latest();
  let made = make(known);
  return () => {
    const value = latest();
    if (value !== known) [known, made] = [value, make(value)];
    return made;
  };
}

async function openRollouts({ rollouts }: OwnRecord): Promise<RolloutStore> {
  const history = await rollouts.read();
  let kept = history;
  return createMemoryRolloutStore({
    history,
    save: async (record) => {
      const next = [...kept.filter(({ profile }) => profile !== record.profile), record];
      await rollouts.write(next);
      kept = next;
    },
  });
}

function ownRecord(audit: SqliteAudit, directory: string, clock: Clock): OwnRecord {
  return {
    observations: async () => {
      const observations = await audit.recentObservations(HISTORY_MS);
      const nowMs = clock.now();
      return observations.map(({ receivedAtMs, ...seen }) => ({
        ...seen,
        // The clock may have been set back since: what was received is not in the future.
        ageMs: Math.max(0, nowMs - receivedAtMs),
      }));
    },
    reservations: async () => {
      const commits = await audit.recentCommits(HOUR_MS);
      const nowMs = clock.now();
      return commits.map(({ charge, finishedAtMs }) => ({
        charge,
        ...(finishedAtMs === undefined ? {} : { settledAgeMs: Math.max(0, nowMs - finishedAtMs) }),
      }));
    },
    pauses: createJsonFile(join(directory, 'pauses.json')),
    rollouts: createJsonFile(join(directory, 'rollouts.json')),
  };
}

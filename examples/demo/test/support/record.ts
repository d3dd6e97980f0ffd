/** Collects what everybody saw into one recording for the oracles. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSqliteAudit } from '@lazarus/audit';
import { createSystemClock } from '@lazarus/core';
import { DatabaseSync } from 'node:sqlite';
import { NODE_IDS } from '../../src/world/cluster.ts';
import type { ClusterWorld } from '../../src/world/cluster.ts';
import { requestJson } from '../../src/world/http.ts';
import type { AuditLine, BallotLine, PageTimeline, ProviderCall, Recording } from '../oracle/recording.ts';
import type { Stage } from './stage.ts';

/** What only the test knows. */
export type Known = Pick<Recording, 'suspended' | 'paused' | 'configurations'>;

/** Asks the provider, the pager, the audit log and the logs of the nodes. */
export async function record({ world, incidents }: Stage, known: Known): Promise<Recording> {
  const { calls } = await requestJson<{ readonly calls: readonly LoggedCall[] }>(
    `${world.region.url}/_sim/calls`,
  );
  const { instances } = await requestJson<{ readonly instances: Recording['hosts'] }>(
    `${world.region.url}/_sim/state`,
  );
  const pages = await requestJson<{ readonly incidents: readonly LoggedPage[] }>(
    `${world.pager.url}/_sim/incidents`,
  );
  return {
    ...known,
    members: NODE_IDS,
    required: 2,
    audit: readAudit(world),
    calls: calls.map(({ action, at, parameters, status }) => ({
      action,
      parameters,
      status,
      atMs: Date.parse(at),
    })),
    hosts: instances,
    pages: pages.incidents.map(toTimeline),
    ballots: NODE_IDS.flatMap((id) => readBallots(world, id)),
    accepted: incidents.map(({ eventId }) => eventId),
  };
}

type LoggedCall = Omit<ProviderCall, 'atMs'> & { readonly at: string };

interface LoggedPage {
  readonly incident_key: string;
  readonly log: readonly {
    readonly type: string;
    readonly created_at: string;
    readonly channel: { readonly type: string };
    readonly agent: { readonly summary: string };
  }[];
}

function toTimeline({ incident_key: incidentKey, log }: LoggedPage): PageTimeline {
  return {
    incidentKey,
    log: log.map(({ type, created_at, channel, agent }) => ({
      type: type.replace('_log_entry', ''),
      atMs: Date.parse(created_at),
      channel: channel.type,
      by: agent.summary,
    })),
  };
}

/** The nodes of one disk share one log, so it is read once. */
function readAudit({ stateDir }: ClusterWorld): readonly AuditLine[] {
  const db = new DatabaseSync(join(stateDir, 'shared', 'audit.db'), { readOnly: true });
  try {
    return db
      .prepare('SELECT kind, key, at_ms, body FROM entry ORDER BY seq')
      .all()
      .map(({ kind, key, at_ms: atMs, body }) => ({
        kind: String(kind),
        key: String(key),
        atMs: Number(atMs),
        body: JSON.parse(String(body)) as unknown,
      }));
  } finally {
    db.close();
  }
}

/** Whether the chain of the log is whole, after everything that its writers went through. */
export async function auditIsIntact({ stateDir }: ClusterWorld): Promise<boolean> {
  const audit = await createSqliteAudit({
    file: join(stateDir, 'shared', 'audit.db'),
    clock: createSystemClock(),
  });
  const { intact } = await audit.verify();
  await audit.close();
  return intact;
}

interface LogLine {
  readonly at: string;
  readonly message: string;
  readonly decision_id?: string;
  readonly outcome?: string;
  readonly yes?: number;
  readonly took_ms?: number;
}

function readBallots({ stateDir }: ClusterWorld, id: string): readonly BallotLine[] {
  return readFileSync(join(stateDir, 'logs', `node-${id}.log`), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine)
    .filter(({ message }) => message === 'ballot')
    .map(({ at, decision_id: decisionId = '', outcome = '', yes = 0, took_ms: tookMs = 0 }) => ({
      decisionId,
      outcome,
      yes,
      startedAtMs: Date.parse(at) - tookMs,
    }));
}

import type { DecisionRecord, GateRecord } from '@lazarus/core';
import { createManualClock, type ManualClock } from '@lazarus/testing';
import { aDecisionRecord, aFinishedRun, aRemediation } from '@lazarus/testing/contracts';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type Entry, entryHash } from '../src/chain.ts';
import { createSqliteAudit, type SqliteAudit } from '../src/index.ts';

let folder: string;
let file: string;
let clock: ManualClock;
let audit: SqliteAudit;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lazarus-audit-'));
  file = join(folder, 'audit.db');
  clock = createManualClock({ wallMs: Date.UTC(2026, 0, 1) });
  audit = await createSqliteAudit({ file, clock });
});

afterEach(async () => {
  await audit.close().catch(() => undefined);
  rmSync(folder, { recursive: true, force: true });
});

/** Does to the file what the log itself refuses. */
async function tamper(sql: string): Promise<void> {
  await audit.close();
  const db = new DatabaseSync(file);
  db.exec('DROP TRIGGER entry_no_update; DROP TRIGGER entry_no_delete;');
  db.exec(sql);
  db.close();
}

const observed: GateRecord = {
  gate: 'observe',
  number: 4,
  verdict: 'pass',
  reason: 'counted',
  evidence: {},
  at: '2026-01-01T00:00:00.000Z',
  duration_ms: 1,
};

async function conclude(count: number): Promise<void> {
  const records = Array.from({ length: count }, (_, n) => aDecisionRecord({ event_id: `nagios/${n + 1}` }));
  await Promise.all(records.map((record) => audit.conclude(record)));
}

describe('durability', () => {
  it('a resolved write is in the file for another connection', async () => {
    await audit.conclude(aDecisionRecord());
    const other = new DatabaseSync(file, { readOnly: true });
    expect(other.prepare('SELECT count(*) AS n FROM entry').get()).toEqual({ n: 1 });
    other.close();
  });

  it('200 writes of one turn share one transaction', async () => {
    const before = readFileSync(`${file}-wal`).length;
    await Promise.all(
      Array.from({ length: 200 }, (_, n) => audit.conclude(aDecisionRecord({ event_id: `nagios/${n}` }))),
    );
    const together = readFileSync(`${file}-wal`).length - before;
    const start = readFileSync(`${file}-wal`).length;
    for (let n = 0; n < 20; n += 1) await audit.conclude(aDecisionRecord({ event_id: `single/${n}` }));
    const apart = readFileSync(`${file}-wal`).length - start;
    // Every transaction writes its pages again: 200 in one transaction take less room per record than 20 in 20.
    expect(together / 200).toBeLessThan(apart / 20 / 4);
  });

  it('everything is there after the log was closed and opened again', async () => {
    await conclude(3);
    await audit.close();
    audit = await createSqliteAudit({ file, clock });
    expect((await audit.decisions()).map((record) => record.event_id)).toEqual([
      'nagios/3',
      'nagios/2',
      'nagios/1',
    ]);
    expect(await audit.verify()).toMatchObject({ intact: true, entries: 3 });
  });

  it('closing writes what was queued before', async () => {
    const write = audit.conclude(aDecisionRecord());
    await audit.close();
    await write;
    audit = await createSqliteAudit({ file, clock });
    expect(await audit.byEvent('nagios/evt-000001')).toBeDefined();
  });

  it('two logs on one file keep one chain', async () => {
    const second = await createSqliteAudit({ file, clock });
    await Promise.all([
      audit.conclude(aDecisionRecord({ event_id: 'nagios/1' })),
      second.conclude(aDecisionRecord({ event_id: 'nagios/2' })),
      audit.conclude(aDecisionRecord({ event_id: 'nagios/3' })),
      second.conclude(aDecisionRecord({ event_id: 'nagios/1' })),
    ]);
    expect(await second.verify()).toMatchObject({ intact: true, entries: 3 });
    await second.close();
  });
});

describe('append-only', () => {
  it.each([
    ['UPDATE entry SET body = body', 'an update'],
    ['DELETE FROM entry', 'a deletion'],
    [
      "INSERT OR REPLACE INTO entry (seq, kind, key, at_ms, body, prev, hash) VALUES (1, 'terminal', 'x', 0, '{}', '', '')",
      'a replacement',
    ],
  ])('S17: %s is refused as %s', async (sql) => {
    await conclude(1);
    const other = new DatabaseSync(file);
    expect(() => other.exec(sql)).toThrow('append-only');
    other.close();
    expect(await audit.verify()).toMatchObject({ intact: true, entries: 1 });
  });
});

describe('hash chain', () => {
  it('S17: the first altered record is named', async () => {
    await conclude(150);
    await tamper(`UPDATE entry SET body = replace(body, 'web-1', 'web-9') WHERE seq IN (7, 9)`);
    audit = await createSqliteAudit({ file, clock });
    expect(await audit.verify()).toMatchObject({ intact: false, seq: 7, key: 'nagios/7', reason: 'altered' });
  });

  it('S17: a removed record is named', async () => {
    await conclude(150);
    await tamper('DELETE FROM entry WHERE seq = 12');
    audit = await createSqliteAudit({ file, clock });
    expect(await audit.verify()).toMatchObject({ intact: false, seq: 12, reason: 'missing' });
  });

  it('S17: a record that was altered together with its hash breaks the chain at the next one', async () => {
    await conclude(150);
    const db = new DatabaseSync(file, { readOnly: true });
    const entry = db
      .prepare('SELECT seq, kind, key, at_ms AS atMs, prev, body FROM entry WHERE seq = 3')
      .get();
    db.close();
    const forged = { ...(entry as unknown as Entry), body: '{"event_id":"nagios/3","service":"other"}' };
    await tamper(`UPDATE entry SET body = '${forged.body}', hash = '${entryHash(forged)}' WHERE seq = 3`);
    audit = await createSqliteAudit({ file, clock });
    expect(await audit.verify()).toMatchObject({ intact: false, seq: 4, reason: 'out_of_order' });
  });

  it('S17: records removed from the end are noticed when the file is opened', async () => {
    await conclude(5);
    await tamper('DELETE FROM entry WHERE seq > 3');
    await expect(createSqliteAudit({ file, clock })).rejects.toMatchObject({
      code: 'LZ_AUDIT_CORRUPT',
      retryable: false,
      message: expect.stringContaining('entries 4 to 5') as string,
    });
  });

  it('S17: an altered record among the last 100 keeps the file from being opened', async () => {
    await conclude(3);
    await tamper(`UPDATE entry SET key = 'nagios/other' WHERE seq = 2`);
    await expect(createSqliteAudit({ file, clock })).rejects.toMatchObject({ code: 'LZ_AUDIT_CORRUPT' });
  });

  it('a log of 1 200 entries is intact and its head is the last one', async () => {
    await Promise.all(
      Array.from({ length: 1200 }, (_, n) => audit.conclude(aDecisionRecord({ event_id: `nagios/${n}` }))),
    );
    const report = await audit.verify();
    expect(report).toMatchObject({ intact: true, entries: 1200, head: await audit.head() });
  });
});

describe('damage', () => {
  it('a file that is no database is LZ_AUDIT_CORRUPT', async () => {
    const other = join(folder, 'text.db');
    writeFileSync(other, 'This is plain text, not a database. '.repeat(200));
    await expect(createSqliteAudit({ file: other, clock })).rejects.toMatchObject({
      code: 'LZ_AUDIT_CORRUPT',
    });
  });

  it('a database of somebody else is left alone', async () => {
    const other = join(folder, 'other.db');
    const db = new DatabaseSync(other);
    db.exec('CREATE TABLE theirs (x)');
    db.close();
    await expect(createSqliteAudit({ file: other, clock })).rejects.toMatchObject({
      code: 'LZ_AUDIT_UNAVAILABLE',
      message: expect.stringContaining('some other database') as string,
    });
  });

  it('a missing folder is LZ_AUDIT_UNAVAILABLE', async () => {
    const missing = join(folder, 'none', 'audit.db');
    await expect(createSqliteAudit({ file: missing, clock })).rejects.toMatchObject({
      code: 'LZ_AUDIT_UNAVAILABLE',
    });
  });

  it('a read-only file is LZ_AUDIT_UNAVAILABLE', async () => {
    await conclude(1);
    await audit.close();
    chmodSync(file, 0o444);
    chmodSync(folder, 0o555);
    const open = createSqliteAudit({ file, clock });
    // The superuser may write anyway.
    if (process.getuid?.() === 0) audit = await open;
    else await expect(open).rejects.toMatchObject({ code: 'LZ_AUDIT_UNAVAILABLE' });
    chmodSync(folder, 0o755);
  });

  it('a closed log refuses everything', async () => {
    await audit.close();
    await expect(audit.conclude(aDecisionRecord())).rejects.toMatchObject({ code: 'LZ_AUDIT_UNAVAILABLE' });
    await expect(audit.decisions()).rejects.toMatchObject({ code: 'LZ_AUDIT_UNAVAILABLE' });
    await expect(audit.verify()).rejects.toMatchObject({ code: 'LZ_AUDIT_UNAVAILABLE' });
  });

  it('an option that is unknown or out of range is refused by name', async () => {
    const wrong = { file: ':memory:', clock, busyTimeoutMs: -1 };
    await expect(createSqliteAudit(wrong)).rejects.toMatchObject({
      code: 'LZ_OPTION_INVALID',
      issues: [{ path: 'file' }, { path: 'busyTimeoutMs' }],
    });
    expect(existsSync(':memory:')).toBe(false);
  });
});

describe('secrets', () => {
  const secret = 'canary-8f3b1c';

  it('S17: a configured secret appears nowhere in the files', async () => {
    await audit.close();
    audit = await createSqliteAudit({ file, clock, secrets: [secret] });
    const record = aDecisionRecord({
      event_id: `nagios/${secret}`,
      event: { url: `http://user:${secret}@host/`, [secret]: 1, list: [{ deep: `x${secret}y` }] },
    });
    await audit.conclude(record);
    await audit.runFinished(aFinishedRun('run-000001', { outputs: { text: secret } }));
    await audit.attachmentSettled({ event_id: 'nagios/1', page: 'resolved', reason: secret });
    expect(await audit.byEvent(record.event_id)).toBeDefined();
    await audit.close();
    expect(readFileSync(file).includes(secret)).toBe(false);
  });

  it('S17: fields with the name of a secret lose their value at any depth', async () => {
    const event = {
      password: 'p4ss',
      nested: [
        { apiKey: 'k3y', 'X-Auth-Token': 't0k', token: 'b3arer', incident_key: 'kept', secretary: 'kept' },
      ],
    };
    await audit.conclude(aDecisionRecord({ event }));
    expect((await audit.byEvent('nagios/evt-000001'))?.record.event).toEqual({
      password: '[redacted]',
      nested: [
        {
          apiKey: '[redacted]',
          'X-Auth-Token': '[redacted]',
          token: '[redacted]',
          incident_key: 'kept',
          secretary: 'kept',
        },
      ],
    });
  });

  it('S17: a field that is not on the list is not stored', async () => {
    await audit.conclude({ ...aDecisionRecord(), internal: 'handle' } as DecisionRecord);
    expect((await audit.byEvent('nagios/evt-000001'))?.record).not.toHaveProperty('internal');
  });
});

describe('history after a restart', () => {
  const at = (ms: number): string => new Date(clock.now() + ms).toISOString();

  it('S7: counted events of the last 10 min come back with their entity, oldest first', async () => {
    const counted = (id: string, receivedMs: number): DecisionRecord =>
      aDecisionRecord({ event_id: id, received_at: at(receivedMs), gates: [observed] });
    await audit.conclude(counted('nagios/old', -600_001));
    await audit.conclude(counted('nagios/first', -599_000));
    await audit.conclude(aDecisionRecord({ event_id: 'nagios/stale', received_at: at(0), gates: [] }));
    await audit.conclude(counted('nagios/last', -1000));
    const incarnation = { account: '1', region: 'us-east-1', instanceId: 'i-web2', launchedAtMs: 0 };
    await audit.conclude({ ...counted('nagios/resolved', -500), incarnation });
    const { host: _host, ...service } = counted('nagios/service', 0);
    await audit.conclude(service);
    const seen = await audit.recentObservations(600_000);
    expect(seen.map(({ eventId, entity }) => [eventId, entity])).toEqual([
      ['nagios/first', 'web-1'],
      ['nagios/last', 'web-1'],
      ['nagios/resolved', 'i-web2'],
      ['nagios/service', 'service:web'],
    ]);
    expect(seen[1]).toMatchObject({ region: 'us-east-1', service: 'web', receivedAtMs: clock.now() - 1000 });
  });

  it('S6: remediations of the last hour come back with everything they are charged to', async () => {
    const incarnation = { account: '1111', region: 'eu-west-1', instanceId: 'i-1', launchedAtMs: 0 };
    const budget: GateRecord = {
      ...observed,
      gate: 'budget',
      number: 13,
      evidence: { zone: 'eu-west-1b' },
    };
    await audit.commitIntent(aRemediation('run-000001', { incarnation, gates: [budget] }));
    await audit.runFinished(aFinishedRun('run-000001'));
    await clock.advance(1000);
    await audit.commitIntent(aRemediation('run-000002', { incarnation, gates: [budget] }));
    const charge = { service: 'web', zone: 'eu-west-1b', account: '1111', region: 'us-east-1' };
    expect(await audit.recentCommits(3_600_000)).toEqual([
      {
        charge: { decisionId: 'run-000001', ...charge },
        runId: 'run-000001',
        committedAtMs: clock.now() - 1000,
        finishedAtMs: clock.now() - 1000,
      },
      { charge: { decisionId: 'run-000002', ...charge }, runId: 'run-000002', committedAtMs: clock.now() },
    ]);
  });

  it('S6: a remediation leaves the window 1 h after its end, one in flight stays', async () => {
    await audit.commitIntent(aRemediation('run-000001'));
    await audit.commitIntent(aRemediation('run-000002'));
    await clock.advance(60_000);
    await audit.runFinished(aFinishedRun('run-000001'));
    const open = async () => (await audit.recentCommits(3_600_000)).map((commit) => commit.runId);
    await clock.advance(3_600_000);
    expect(await open()).toEqual(['run-000001', 'run-000002']);
    await clock.advance(1);
    expect(await open()).toEqual(['run-000002']);
  });

  it('an intent that ended in an escalation charges nothing', async () => {
    await audit.commitIntent(aRemediation('run-000001'));
    await audit.conclude(aDecisionRecord({ event_id: 'nagios/run-000001' }));
    expect(await audit.recentCommits(3_600_000)).toEqual([]);
  });
});

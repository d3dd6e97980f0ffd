import { createManualClock } from '@lazarus/testing';
import { aDecisionRecord } from '@lazarus/testing/contracts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { appendEntry, type ChainHead, type Entry, GENESIS } from '../src/chain.ts';
import { createSqliteAudit, type SqliteAudit } from '../src/index.ts';

/** Both forms in which the tables of version 1 exist: the first searched by the reason, the second by the page. */
const COLUMNS = {
  reason: `reason TEXT GENERATED ALWAYS AS (json_extract(body, '$.decision.reason')) VIRTUAL`,
  page_action: `page_action TEXT GENERATED ALWAYS AS (json_extract(body, '$.page.action')) VIRTUAL`,
};
const ATTACHED = { reason: `reason = 'attached'`, page_action: `page_action = 'follows'` };
const REFUSED = `SELECT RAISE(ABORT, 'the audit log is append-only')`;

function version1(form: keyof typeof COLUMNS): string {
  return `
CREATE TABLE entry (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('intent', 'terminal', 'run', 'attachment')),
  key TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  body TEXT NOT NULL,
  prev TEXT NOT NULL,
  hash TEXT NOT NULL,
  decision_id TEXT GENERATED ALWAYS AS (json_extract(body, '$.decision_id')) VIRTUAL,
  service TEXT GENERATED ALWAYS AS (json_extract(body, '$.service')) VIRTUAL,
  host TEXT GENERATED ALWAYS AS (json_extract(body, '$.host')) VIRTUAL,
  host_id TEXT GENERATED ALWAYS AS (json_extract(body, '$.host_id')) VIRTUAL,
  decision TEXT GENERATED ALWAYS AS (json_extract(body, '$.decision.kind')) VIRTUAL,
  ${COLUMNS[form]},
  run_id TEXT GENERATED ALWAYS AS (json_extract(body, '$.decision.run_id')) VIRTUAL
) STRICT;
CREATE UNIQUE INDEX entry_once ON entry (kind, key);
CREATE INDEX entry_decision_id ON entry (decision_id) WHERE kind IN ('intent', 'terminal');
CREATE INDEX entry_service ON entry (service, seq) WHERE kind IN ('intent', 'terminal');
CREATE INDEX entry_run_host ON entry (host_id, seq) WHERE kind = 'run';
CREATE INDEX entry_attached ON entry (seq) WHERE kind = 'terminal' AND ${ATTACHED[form]};
CREATE INDEX entry_remediation ON entry (seq) WHERE decision = 'remediate';
CREATE INDEX entry_time ON entry (at_ms);
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN ${REFUSED}; END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry BEGIN ${REFUSED}; END;
CREATE TRIGGER entry_no_replace BEFORE INSERT ON entry
WHEN EXISTS (SELECT 1 FROM entry WHERE seq = NEW.seq OR (kind = NEW.kind AND key = NEW.key)) BEGIN ${REFUSED}; END;
PRAGMA application_id = 1283080565;
PRAGMA user_version = 1;
`;
}

const clock = createManualClock({ wallMs: Date.UTC(2026, 0, 1) });
let folder: string;
let file: string;
let audit: SqliteAudit | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lazarus-audit-'));
  file = join(folder, 'audit.db');
});
afterEach(async () => {
  await audit?.close();
  audit = undefined;
  rmSync(folder, { recursive: true, force: true });
});

function change<T>(work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(file);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

/** A file as the release before wrote it; returns the end of its chain. */
function writeVersion1(form: keyof typeof COLUMNS, count: number): ChainHead {
  return change((db) => {
    db.exec(version1(form));
    db.exec('BEGIN');
    const insert = db.prepare(
      'INSERT INTO entry (seq, kind, key, at_ms, body, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    let head: ChainHead = GENESIS;
    for (let n = 1; n <= count; n += 1) {
      const record = aDecisionRecord({ event_id: `nagios/${n}` });
      const content = {
        kind: 'terminal',
        key: record.event_id,
        atMs: n,
        body: JSON.stringify(record),
      } as const;
      const entry: Entry = appendEntry(head, content);
      insert.run(entry.seq, entry.kind, entry.key, entry.atMs, entry.body, entry.prev, entry.hash);
      head = entry;
    }
    db.exec('COMMIT');
    return { seq: head.seq, hash: head.hash };
  });
}

const tablesOf = (): unknown[] =>
  change((db) => db.prepare('SELECT type, name, sql FROM sqlite_master ORDER BY type, name').all());

describe('a file of version 1', () => {
  it.each(['reason', 'page_action'] as const)(
    'S17: searched by %s, keeps its chain of 250 entries, and can then keep what version 2 keeps',
    async (form) => {
      const head = writeVersion1(form, 250);
      audit = await createSqliteAudit({ file, clock });
      expect(await audit.verify()).toEqual({ intact: true, entries: 250, head });
      expect((await audit.decisions({ limit: 2 })).map((each) => each.event_id)).toEqual([
        'nagios/250',
        'nagios/249',
      ]);
      await audit.conclude(aDecisionRecord({ event_id: 'nagios/1' }));
      await audit.conclude(aDecisionRecord({ event_id: 'nagios/251' }));
      expect(await audit.verify()).toMatchObject({ intact: true, entries: 251 });
      await audit.close();
      audit = undefined;
      const migrated = tablesOf();
      rmSync(file);
      audit = await createSqliteAudit({ file, clock });
      await audit.close();
      audit = undefined;
      expect(migrated).toEqual(tablesOf());
    },
  );

  it('S17: an entry that was altered before is still found after', async () => {
    writeVersion1('page_action', 150);
    change((db) => {
      db.exec('DROP TRIGGER entry_no_update; UPDATE entry SET at_ms = 0 WHERE seq = 2;');
    });
    audit = await createSqliteAudit({ file, clock });
    expect(await audit.verify()).toMatchObject({ intact: false, seq: 2, reason: 'altered' });
  });

  it('S17: entries that were cut off the end before are still missed after', async () => {
    writeVersion1('page_action', 5);
    change((db) => {
      db.exec('DROP TRIGGER entry_no_delete; DELETE FROM entry WHERE seq > 3;');
    });
    for (let attempt = 1; attempt <= 2; attempt += 1)
      await expect(createSqliteAudit({ file, clock })).rejects.toMatchObject({
        code: 'LZ_AUDIT_CORRUPT',
        message: expect.stringContaining('entries 4 to 5 were removed') as string,
      });
  });

  it('stays as it was when it cannot be migrated', async () => {
    writeVersion1('page_action', 3);
    change((db) => {
      db.exec('CREATE TABLE probe (other TEXT)');
    });
    const before = tablesOf();
    await expect(createSqliteAudit({ file, clock })).rejects.toThrow('probe');
    expect(tablesOf()).toEqual(before);
    expect(change((db) => db.prepare('SELECT count(*) AS n FROM entry').get())).toEqual({ n: 3 });
  });
});

describe('a file of a later version', () => {
  it('is refused and not touched', async () => {
    await (await createSqliteAudit({ file, clock })).close();
    change((db) => {
      db.exec('PRAGMA user_version = 3');
    });
    await expect(createSqliteAudit({ file, clock })).rejects.toMatchObject({
      code: 'LZ_AUDIT_UNAVAILABLE',
      message: expect.stringContaining('has version 3, this release reads up to 2') as string,
    });
    expect(change((db) => db.prepare('PRAGMA user_version').get())).toEqual({ user_version: 3 });
  });
});

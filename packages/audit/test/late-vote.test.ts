import { createManualClock } from '@lazarus/testing';
import { aDecisionRecord } from '@lazarus/testing/contracts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { LateVoteRecord } from '@lazarus/core/ports';
import { createSqliteAudit, type SqliteAudit } from '../src/index.ts';

let folder: string;
let file: string;
let audit: SqliteAudit;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lazarus-audit-'));
  file = join(folder, 'audit.db');
  audit = await createSqliteAudit({ file, clock: createManualClock(), busyTimeoutMs: 0 });
});
afterEach(async () => {
  await audit.close();
  rmSync(folder, { recursive: true, force: true });
});

const late = (voter: string, second: number): LateVoteRecord => ({
  decision_id: 'd-1',
  voter,
  received_at: `2026-01-01T00:00:0${second}.000Z`,
  voided: { voter, reason: 'late', detail: '40 ms after the end' },
});

describe('late votes', () => {
  it('S17: are kept in the chain by their decision, oldest first, each once', async () => {
    await audit.lateVote(late('b', 1));
    await audit.lateVote(late('c', 2));
    await audit.lateVote(late('b', 1));
    await audit.lateVote({ ...late('b', 3), decision_id: 'd-2' });
    expect(await audit.lateVotes('d-1')).toEqual([late('b', 1), late('c', 2)]);
    expect(await audit.verify()).toMatchObject({ intact: true, entries: 3 });
  });

  it('are no decisions: neither lists nor look-ups show them', async () => {
    await audit.lateVote(late('b', 1));
    expect(await audit.decisions()).toEqual([]);
    expect(await audit.find('d-1')).toBeUndefined();
  });
});

describe('the health of the log', () => {
  it('is good until a write fails, says why, and is good again as soon as a write would succeed', async () => {
    expect(audit.health()).toEqual({ ok: true });
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    await expect(audit.conclude(aDecisionRecord())).rejects.toMatchObject({ code: 'LZ_AUDIT_UNAVAILABLE' });
    expect(audit.health()).toEqual({ ok: false, reason: 'it cannot be written: database is locked' });
    other.exec('ROLLBACK');
    other.close();
    // Nothing was recorded meanwhile.
    expect(audit.health()).toEqual({ ok: true });
    expect(await audit.verify()).toMatchObject({ intact: true, entries: 0 });
  });
});

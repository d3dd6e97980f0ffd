import { createMemoryAudit } from '@lazarus/core/memory';
import type { AuditLog } from '@lazarus/core/ports';
import { aDecisionRecord, aFinishedRun, aRemediation } from '@lazarus/testing/contracts';
import { describe, expect, it } from 'vitest';

const attached = aDecisionRecord({
  event_id: 'nagios/attached',
  decision: { kind: 'suppress', reason: 'attached', detail: 'is being replaced', run_id: 'run-1' },
  page: { incident_key: 'web/web-1', action: 'follows', detail: 'follows run-1' },
});

async function concludeMany(log: AuditLog, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await log.conclude(aDecisionRecord({ event_id: `nagios/${n}` }));
}

async function idsOf(log: AuditLog): Promise<readonly string[]> {
  return (await log.decisions({ limit: 1_000 })).map((record) => record.event_id);
}

describe('the audit log in memory', () => {
  it('keeps the newest 3 of 5 records when it may keep 3', async () => {
    const log = createMemoryAudit({ maxRecords: 3 });
    await concludeMany(log, 5);
    expect(await idsOf(log)).toEqual(['nagios/4', 'nagios/3', 'nagios/2']);
  });

  it('S10: never drops an open run or an attached page that is not settled, and drops both once they are over', async () => {
    const log = createMemoryAudit({ maxRecords: 2 });
    await log.conclude(aRemediation('run-1', { event_id: 'nagios/acted' }));
    await log.conclude(attached);
    await concludeMany(log, 10);
    expect((await log.openRuns()).map((record) => record.event_id)).toEqual(['nagios/acted']);
    expect((await log.openAttachments()).map((record) => record.event_id)).toEqual(['nagios/attached']);
    await log.runFinished(aFinishedRun('run-1'));
    await log.attachmentSettled({ event_id: 'nagios/attached', page: 'resolved', reason: 'succeeded' });
    await concludeMany(log, 12);
    expect(await idsOf(log)).toEqual(['nagios/11', 'nagios/10']);
  });

  it('never drops an intent that has no terminal record', async () => {
    const log = createMemoryAudit({ maxRecords: 1 });
    await log.commitIntent(aRemediation('run-1', { event_id: 'nagios/intent' }));
    await log.runFinished(aFinishedRun('run-1'));
    await concludeMany(log, 3);
    expect(await log.byEvent('nagios/intent')).toMatchObject({ terminal: false });
  });

  it('a finished run whose outcome was dropped does not open its decision again', async () => {
    const log = createMemoryAudit({ maxRecords: 2 });
    await log.conclude(aRemediation('run-1'));
    for (const id of ['run-1', 'run-2', 'run-3']) await log.runFinished(aFinishedRun(id));
    expect(await log.run('run-1')).toBeUndefined();
    expect(await log.openRuns()).toEqual([]);
    expect((await log.runsOf('i-web1')).map((run) => run.run_id)).toEqual(['run-3', 'run-2']);
  });

  it('tells about every accepted write once, in order', async () => {
    const kinds: string[] = [];
    const log = createMemoryAudit({ onEntry: ({ kind }) => void kinds.push(kind) });
    for (const _ of [1, 2]) {
      await log.commitIntent(aRemediation('run-1'));
      await log.conclude(aRemediation('run-1'));
      await log.conclude(attached);
      await log.runFinished(aFinishedRun('run-1'));
      await log.attachmentSettled({ event_id: 'nagios/attached', page: 'resolved', reason: 'succeeded' });
    }
    expect(kinds).toEqual(['intent', 'terminal', 'terminal', 'run', 'attachment']);
  });

  it('refuses 0 records', () => {
    expect(() => createMemoryAudit({ maxRecords: 0 })).toThrow(
      expect.objectContaining({ code: 'LZ_OPTION_INVALID' }),
    );
  });
});

import type { DecisionRecord } from '@lazarus/core';
import type { AuditLog, RunView } from '@lazarus/core/ports';
import type { ContractRunner } from './runner.ts';

/** What an audit log provides to be examined. */
export interface AuditHarness {
  /** A fresh, empty log. */
  readonly log: AuditLog;
  close(): Promise<void>;
}

/** A valid terminal record of an event that was escalated; every part can be changed. */
export function aDecisionRecord(overrides: Partial<DecisionRecord> = {}): DecisionRecord {
  const eventId = overrides.event_id ?? 'nagios/evt-000001';
  return {
    event_id: eventId,
    region: 'us-east-1',
    environment: 'prod',
    service: 'web',
    host: 'web-1',
    event_type: 'HostDown',
    source: 'nagios',
    event: { id: eventId.split('/').at(-1) },
    mode: 'act',
    coordinator: 'node-a',
    received_at: '2026-01-01T00:00:00.000Z',
    decided_at: '2026-01-01T00:00:00.250Z',
    decision: { kind: 'escalate', reason: 'no_rule', detail: 'no rule matches HostDown' },
    gates: [],
    page: { incident_key: 'web/web-1', action: 'escalated', detail: 'no rule' },
    ...overrides,
  };
}

/** The record of an event that is remediated by the run `runId`. */
export function aRemediation(runId: string, overrides: Partial<DecisionRecord> = {}): DecisionRecord {
  return aDecisionRecord({
    event_id: `nagios/${runId}`,
    decision_id: runId,
    decision: { kind: 'remediate', workflow: 'default.replace_host', run_id: runId, votes: '3/3' },
    page: { incident_key: 'web/web-1', action: 'acknowledged', detail: 'taken' },
    ...overrides,
  });
}

/** A run that ended well. */
export function aFinishedRun(runId: string, overrides: Partial<RunView> = {}): RunView {
  return {
    run_id: runId,
    workflow: 'default.replace_host',
    definition_digest: 'd1',
    service: 'web',
    host_id: 'i-web1',
    status: 'succeeded',
    page: 'resolved',
    started_at: '2026-01-01T00:00:01.000Z',
    ended_at: '2026-01-01T00:00:09.000Z',
    deadline_at: '2026-01-01T00:30:01.000Z',
    outputs: {},
    steps: [],
    ...overrides,
  };
}

type Equal = (actual: unknown, expected: unknown) => void;
type Case = (title: string, body: (log: AuditLog) => Promise<void>) => void;

const ids = (records: readonly DecisionRecord[]): readonly string[] =>
  records.map((record) => record.event_id);

function describeTerminalRecords(it: Case, equal: Equal): void {
  it('S11: a second terminal record for one event is refused silently and the first one stays', async (log) => {
    await log.conclude(aDecisionRecord({ coordinator: 'node-a' }));
    await log.conclude(aDecisionRecord({ coordinator: 'node-b' }));
    equal((await log.byEvent('nagios/evt-000001'))?.record.coordinator, 'node-a');
    equal((await log.decisions()).length, 1);
  });

  it('S11: two terminal records written at once leave one', async (log) => {
    await Promise.all(
      ['node-a', 'node-b'].map((coordinator) => log.conclude(aDecisionRecord({ coordinator }))),
    );
    equal((await log.decisions()).length, 1);
  });

  it('S12: an intent is found as not terminal, and as terminal once it is concluded', async (log) => {
    const intent = aRemediation('run-000001');
    await log.commitIntent(intent);
    equal(await log.byEvent(intent.event_id), { record: intent, terminal: false });
    const end = { ...intent, decided_at: '2026-01-01T00:00:02.000Z' };
    await log.conclude(end);
    equal(await log.byEvent(intent.event_id), { record: end, terminal: true });
  });

  it('a repeated intent changes nothing, also after the terminal record', async (log) => {
    const intent = aRemediation('run-000001');
    await log.commitIntent(intent);
    await log.commitIntent({ ...intent, coordinator: 'node-b' });
    equal((await log.byEvent(intent.event_id))?.record.coordinator, 'node-a');
    await log.conclude(intent);
    await log.commitIntent({ ...intent, coordinator: 'node-c' });
    equal(await log.byEvent(intent.event_id), { record: intent, terminal: true });
  });

  it('an unknown event has no record', async (log) => {
    equal(await log.byEvent('nagios/evt-unknown'), undefined);
  });

  it('a record comes back as it was written, with nested evidence and characters of any script', async (log) => {
    const record = aDecisionRecord({
      event: { summary: 'Ω "quoted" \n line', nested: [{ deep: [1, 2.5, null, true] }] },
      gates: [
        {
          gate: 'observe',
          number: 4,
          verdict: 'pass',
          reason: 'counted',
          evidence: { entities: 1 },
          at: '2026-01-01T00:00:00.010Z',
          duration_ms: 1.5,
        },
      ],
    });
    await log.conclude(record);
    equal((await log.byEvent(record.event_id))?.record, record);
  });
}

function describeSearch(it: Case, equal: Equal): void {
  it('a record is found by event id, by decision id and by a unique prefix of 6 characters', async (log) => {
    await log.conclude(aRemediation('abcdef123456', { event_id: 'nagios/first' }));
    await log.conclude(aRemediation('abcxyz123456', { event_id: 'healthcheck/second' }));
    equal((await log.find('nagios/first'))?.decision_id, 'abcdef123456');
    equal((await log.find('abcdef123456'))?.event_id, 'nagios/first');
    equal((await log.find('abcdef'))?.event_id, 'nagios/first');
    equal((await log.find('health'))?.decision_id, 'abcxyz123456');
  });

  it('a prefix of 5 characters finds nothing', async (log) => {
    await log.conclude(aRemediation('abcdef123456'));
    equal(await log.find('abcde'), undefined);
  });

  it('a prefix that two records share finds nothing', async (log) => {
    await log.conclude(aDecisionRecord({ event_id: 'nagios/a' }));
    await log.conclude(aDecisionRecord({ event_id: 'nagios/b' }));
    equal(await log.find('nagios'), undefined);
  });

  it('an id with characters that mean something in patterns is taken as it is', async (log) => {
    await log.conclude(aDecisionRecord({ event_id: 'nagios/a_b%c*d[e]' }));
    await log.conclude(aDecisionRecord({ event_id: 'nagios/axbzcydwe' }));
    equal((await log.find('nagios/a_b'))?.event_id, 'nagios/a_b%c*d[e]');
    equal(await log.find('nagios/%'), undefined);
  });
}

function describeListing(it: Case, equal: Equal): void {
  it('decisions are listed newest first, committed intents included', async (log) => {
    await log.conclude(aDecisionRecord({ event_id: 'nagios/1' }));
    await log.commitIntent(aRemediation('run-000002'));
    await log.conclude(aDecisionRecord({ event_id: 'nagios/3' }));
    equal(ids(await log.decisions()), ['nagios/3', 'nagios/run-000002', 'nagios/1']);
  });

  it('decisions are filtered by service, host and kind', async (log) => {
    await log.conclude(aDecisionRecord({ event_id: 'nagios/1', service: 'web', host: 'web-1' }));
    await log.conclude(aDecisionRecord({ event_id: 'nagios/2', service: 'web', host: 'web-2' }));
    await log.conclude(aRemediation('run-000003', { service: 'api', host: 'api-1' }));
    equal(ids(await log.decisions({ service: 'web' })), ['nagios/2', 'nagios/1']);
    equal(ids(await log.decisions({ host: 'web-1' })), ['nagios/1']);
    equal(ids(await log.decisions({ kind: 'remediate' })), ['nagios/run-000003']);
    equal(ids(await log.decisions({ service: 'web', kind: 'remediate' })), []);
  });

  it('paging by the event id of the last record visits every event once, also when one is concluded meanwhile', async (log) => {
    await log.commitIntent(aRemediation('run-000001'));
    for (const n of [2, 3, 4, 5]) await log.conclude(aDecisionRecord({ event_id: `nagios/${n}` }));
    const first = await log.decisions({ limit: 2 });
    await log.conclude(aRemediation('run-000001'));
    const second = await log.decisions({ limit: 2, before: ids(first).at(-1) ?? '' });
    const third = await log.decisions({ limit: 2, before: ids(second).at(-1) ?? '' });
    const seen = [...first, ...second, ...third];
    equal(ids(seen), ['nagios/5', 'nagios/4', 'nagios/3', 'nagios/2', 'nagios/run-000001']);
  });

  it('nothing comes before an unknown event', async (log) => {
    await log.conclude(aDecisionRecord());
    equal(await log.decisions({ before: 'nagios/unknown' }), []);
  });
}

function describeRuns(it: Case, equal: Equal): void {
  it('the first outcome of a run stays', async (log) => {
    await log.runFinished(aFinishedRun('run-000001'));
    await log.runFinished(aFinishedRun('run-000001', { status: 'failed' }));
    equal((await log.run('run-000001'))?.status, 'succeeded');
    equal(await log.run('run-unknown'), undefined);
  });

  it('the runs of an instance are listed newest first, without those of others', async (log) => {
    await log.runFinished(aFinishedRun('run-000001'));
    await log.runFinished(aFinishedRun('run-000002', { host_id: 'i-web2' }));
    await log.runFinished(aFinishedRun('run-000003'));
    equal(
      (await log.runsOf('i-web1')).map((run) => run.run_id),
      ['run-000003', 'run-000001'],
    );
    equal(await log.runsOf('i-none'), []);
  });

  it('a remediation is open from its intent until its run has an outcome', async (log) => {
    await log.commitIntent(aRemediation('run-000001'));
    equal(ids(await log.openRuns()), ['nagios/run-000001']);
    await log.conclude(aRemediation('run-000001'));
    equal(ids(await log.openRuns()), ['nagios/run-000001']);
    await log.runFinished(aFinishedRun('run-000001'));
    equal(ids(await log.openRuns()), []);
  });

  it('an intent whose event ended in an escalation is no open run', async (log) => {
    await log.commitIntent(aRemediation('run-000001'));
    await log.conclude(aDecisionRecord({ event_id: 'nagios/run-000001', decision_id: 'run-000001' }));
    equal(ids(await log.openRuns()), []);
  });

  it('an attachment is open until its page reached its end', async (log) => {
    const attached = aDecisionRecord({
      event_id: 'nagios/attached',
      decision: {
        kind: 'suppress',
        reason: 'attached',
        detail: 'web-1 is being replaced',
        run_id: 'run-000001',
      },
      page: { incident_key: 'web/web-1/2', action: 'follows', detail: 'follows run-000001' },
    });
    await log.conclude(aDecisionRecord({ event_id: 'nagios/other' }));
    await log.conclude(attached);
    equal(ids(await log.openAttachments()), ['nagios/attached']);
    await log.attachmentSettled({ event_id: 'nagios/attached', page: 'resolved', reason: 'run succeeded' });
    await log.attachmentSettled({ event_id: 'nagios/attached', page: 'escalated', reason: 'repeated' });
    equal(ids(await log.openAttachments()), []);
  });
}

/** What every `AuditLog` adapter promises (S11, S12). */
export function describeAuditContract(
  runner: ContractRunner,
  options: { readonly name: string; readonly create: () => Promise<AuditHarness> },
): void {
  const equal: Equal = (actual, expected) => runner.expect(actual).toEqual(expected);
  const it: Case = (title, body) =>
    runner.it(title, async () => {
      const harness = await options.create();
      try {
        await body(harness.log);
      } finally {
        await harness.close();
      }
    });
  runner.describe(`audit log contract: ${options.name}`, () => {
    describeTerminalRecords(it, equal);
    describeSearch(it, equal);
    describeListing(it, equal);
    describeRuns(it, equal);
  });
}

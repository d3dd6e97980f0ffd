import type { DecisionRecord } from '@lazarus/core';
import type { RunRequest } from '@lazarus/core/ports';
import {
  aHost,
  anEvent,
  createFakeAuditLog,
  createFakeFleet,
  createFakeHealthProbe,
  createFakeNotifier,
  createFakeVoters,
  createFakeWorkflowEngine,
  createManualClock,
} from '@lazarus/testing';
import { describe, expect, it } from 'vitest';

const signal = new AbortController().signal;

describe('fake fleet', () => {
  it('finds a host by id, by a name that is unique, and none by a name that is not', async () => {
    const twins = [aHost({ hostId: 'i-2', name: 'twin' }), aHost({ hostId: 'i-3', name: 'twin' })];
    const fleet = createFakeFleet({
      clock: createManualClock(),
      hosts: [aHost({ hostId: 'i-1', name: 'web-1' }), ...twins],
    });
    expect((await fleet.find({ service: 'web', host: 'i-1' }))?.name).toBe('web-1');
    expect((await fleet.find({ service: 'web', host: 'web-1' }))?.hostId).toBe('i-1');
    expect(await fleet.find({ service: 'web', host: 'twin' })).toBeUndefined();
    expect(await fleet.find({ service: 'api', host: 'i-1' })).toBeUndefined();
  });

  it('lists no terminated host, and says when a list is partial or the provider is away', async () => {
    const fleet = createFakeFleet({
      clock: createManualClock({ monotonicMs: 7 }),
      hosts: [aHost(), aHost({ hostId: 'i-2', state: 'terminated' })],
    });
    expect(await fleet.list('web')).toMatchObject({
      complete: true,
      observedAtMs: 7,
      hosts: [{ hostId: 'i-web1' }],
    });
    fleet.truncate(true);
    expect((await fleet.list('web')).complete).toBe(false);
    fleet.fail('throttled');
    await expect(fleet.list('web')).rejects.toMatchObject({ code: 'LZ_FLEET_UNAVAILABLE', retryable: true });
  });
});

describe('fake health probe', () => {
  it('sees nothing outside of its zone while it is cut off', async () => {
    const probe = createFakeHealthProbe({ clock: createManualClock(), zone: 'us-east-1a' });
    probe.cutOff(true);
    expect((await probe.probe(aHost(), { timeoutMs: 100, signal })).status).toBe('healthy');
    expect((await probe.probe(aHost({ zone: 'us-east-1b' }), { timeoutMs: 100, signal })).status).toBe(
      'unreachable',
    );
  });
});

describe('fake audit log', () => {
  const record = (
    eventId: string,
    decision: DecisionRecord['decision'],
    decisionId?: string,
  ): DecisionRecord => ({
    event_id: eventId,
    ...(decisionId === undefined ? {} : { decision_id: decisionId }),
    region: 'us-east-1',
    environment: 'prod',
    service: 'web',
    event_type: 'NagiosHostAlarm',
    source: 'nagios',
    event: anEvent(),
    mode: 'act',
    coordinator: 'a',
    received_at: '2026-01-01T00:00:00Z',
    decided_at: '2026-01-01T00:00:01Z',
    decision,
    gates: [],
    page: { action: decision.kind === 'suppress' ? 'follows' : 'none', detail: '' },
  });
  const remediate = { kind: 'remediate', workflow: 'w', run_id: 'run-1', votes: '3/3' } as const;
  const attached = { kind: 'suppress', reason: 'attached', detail: '', run_id: 'run-1' } as const;

  it('keeps one intent and one terminal record per event (S11)', async () => {
    const audit = createFakeAuditLog();
    await audit.commitIntent(record('nagios/1', remediate));
    await audit.commitIntent(record('nagios/1', attached));
    expect(await audit.byEvent('nagios/1')).toMatchObject({
      terminal: false,
      record: { decision: remediate },
    });
    await audit.conclude(record('nagios/1', remediate));
    await audit.conclude(record('nagios/1', attached));
    expect(await audit.byEvent('nagios/1')).toMatchObject({
      terminal: true,
      record: { decision: remediate },
    });
    expect(audit.entries.map(({ kind }) => kind)).toEqual(['intent', 'terminal']);
  });

  it('finds by id and by a unique prefix of at least 6 characters, and pages newest first', async () => {
    const audit = createFakeAuditLog();
    await audit.conclude(record('nagios/100', attached, 'abcdef-1'));
    await audit.conclude(record('nagios/101', attached, 'abcdef-2'));
    expect((await audit.find('nagios/100'))?.event_id).toBe('nagios/100');
    expect((await audit.find('abcdef-2'))?.event_id).toBe('nagios/101');
    expect(await audit.find('abcdef')).toBeUndefined();
    expect(await audit.find('abcde')).toBeUndefined();
    const [newest] = await audit.decisions({ limit: 1 });
    expect(newest?.event_id).toBe('nagios/101');
    expect((await audit.decisions({ before: 'nagios/101' })).map((each) => each.event_id)).toEqual([
      'nagios/100',
    ]);
    expect(await audit.decisions({ kind: 'remediate' })).toEqual([]);
  });

  it('knows which runs and which attachments have not ended', async () => {
    const audit = createFakeAuditLog();
    const clock = createManualClock();
    await audit.conclude(record('nagios/1', remediate));
    await audit.conclude(record('nagios/2', attached));
    expect((await audit.openRuns()).map((each) => each.event_id)).toEqual(['nagios/1']);
    expect((await audit.openAttachments()).map((each) => each.event_id)).toEqual(['nagios/2']);
    const engine = createFakeWorkflowEngine({ clock });
    const request: RunRequest = {
      runId: 'run-1',
      workflow: 'w',
      inputs: {},
      event: anEvent(),
      rule: 'r',
      configDigest: 'd',
      service: 'web',
      hostId: 'i-web1',
      lock: { kind: 'service', service: 'web' },
      timeoutMs: 1_000,
    };
    expect(await engine.submit(request)).toBe('created');
    expect(await engine.submit(request)).toBe('exists');
    await audit.runFinished(engine.finish('run-1', 'succeeded'));
    await audit.attachmentSettled({ event_id: 'nagios/2', page: 'resolved', reason: 'replaced' });
    expect(await audit.openRuns()).toEqual([]);
    expect(await audit.openAttachments()).toEqual([]);
    expect((await audit.runsOf('i-web1')).map((run) => run.run_id)).toEqual(['run-1']);
  });

  it('rejects everything while it fails', async () => {
    const audit = createFakeAuditLog();
    audit.fail('disk full');
    await expect(audit.conclude(record('nagios/1', attached))).rejects.toMatchObject({
      code: 'LZ_AUDIT_UNAVAILABLE',
    });
    expect(audit.entries).toEqual([]);
  });
});

describe('fake workflow engine', () => {
  it('tells its listeners once about each run that ends, and a canceled run escalates its page', async () => {
    const engine = createFakeWorkflowEngine({ clock: createManualClock() });
    const ended: string[] = [];
    const unsubscribe = engine.onFinished((run) =>
      ended.push(`${run.run_id} ${run.status} ${run.page ?? ''}`),
    );
    const submit = (runId: string) =>
      engine.submit({
        runId,
        workflow: 'w',
        inputs: {},
        event: anEvent(),
        rule: 'r',
        configDigest: 'd',
        service: 'web',
        lock: { kind: 'service', service: 'web' },
        timeoutMs: 1,
      });
    await submit('one');
    await submit('two');
    await engine.cancel('one', 'paused');
    await engine.cancel('one', 'again');
    unsubscribe();
    engine.finish('two', 'failed');
    expect(ended).toEqual(['one canceled escalated']);
    expect(engine.canceled).toEqual([{ runId: 'one', reason: 'paused' }]);
  });
});

describe('fake voters and notifier', () => {
  it('count what each member was told to say; a member without a verdict is silent', async () => {
    const voters = createFakeVoters();
    const request = { decisionId: 'd', configDigest: 'c', event: anEvent(), rule: 'r', deadlineAtMs: 1 };
    expect(await voters.ballot(request, { signal })).toMatchObject({
      outcome: 'reached',
      yes: 3,
      members: 3,
    });
    voters.setVerdicts({ a: 'yes', b: 'no' });
    expect(await voters.ballot(request, { signal })).toMatchObject({ outcome: 'timed_out', yes: 1 });
    voters.setVerdicts({ a: 'yes', b: 'no', c: 'no' });
    expect(await voters.ballot(request, { signal })).toMatchObject({ outcome: 'not_reached', yes: 1 });
    expect(voters.ballots).toHaveLength(3);
  });

  it('keep what was sent, and fail when told to', async () => {
    const notifier = createFakeNotifier();
    await notifier.send({ kind: 'alarm', group: 'g', service: 'web', text: 'hello' });
    notifier.fail('away');
    await expect(
      notifier.send({ kind: 'alarm', group: 'g', service: 'web', text: 'x' }),
    ).rejects.toMatchObject({ code: 'LZ_NOTIFY_FAILED' });
    expect(notifier.sent.map(({ text }) => text)).toEqual(['hello']);
  });
});

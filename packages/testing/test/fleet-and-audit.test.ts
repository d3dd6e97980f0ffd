import {
  aHost,
  anEvent,
  aRecord,
  aRun,
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
  it('says when it looked, that a list is partial, and that the provider is away, as a test wants it', async () => {
    const fleet = createFakeFleet({
      clock: createManualClock({ monotonicMs: 7 }),
      hosts: [aHost()],
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

// What every audit log does, it does by the contract of the port; so do the fake fleet and the fake pager.
describe('fake audit log', () => {
  it('shows what was written in order, without what was refused', async () => {
    const audit = createFakeAuditLog();
    await audit.commitIntent(aRecord());
    await audit.conclude(aRecord());
    await audit.conclude(aRecord({ decided_at: '2026-01-01T00:00:09Z' }));
    await audit.runFinished(aRun());
    expect(audit.entries.map(({ kind }) => kind)).toEqual(['intent', 'terminal', 'run']);
  });

  it('rejects everything while it fails', async () => {
    const audit = createFakeAuditLog();
    audit.fail('disk full');
    await expect(audit.conclude(aRecord())).rejects.toMatchObject({ code: 'LZ_AUDIT_UNAVAILABLE' });
    expect(audit.entries).toEqual([]);
    audit.fail(undefined);
    await audit.conclude(aRecord());
    expect(audit.entries).toHaveLength(1);
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
    expect(await submit('one')).toBe('created');
    expect(await submit('one')).toBe('exists');
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

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createLazarus } from '@lazarus/core';
import type { DecisionRecord, Lazarus, LazarusOptions, LazarusPorts } from '@lazarus/core';
import { createMemoryAudit, createMemoryLocks, createMemoryPauses } from '@lazarus/core/memory';
import type { RunRequest } from '@lazarus/core/ports';
import {
  aHost,
  anEvent,
  createFakeFleet,
  createFakeHealthProbe,
  createFakePager,
  createFakeVoters,
  createFakeWorkflowEngine,
  createManualClock,
  createRecordingLogger,
} from '@lazarus/testing';
import type { ManualClock } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';

const WEB = `
service: web
team: storefront
profile: stateless
overrides: { hold_down: 0s }
`;

type Config = LazarusOptions['config'];
/** Ports instead of the usual ones; `undefined` removes one. */
type Change = Partial<Record<keyof LazarusPorts, unknown>> & { readonly clock?: ManualClock };

const documents = (text = WEB): Config => [{ kind: 'service', path: 'services/web.yaml', text }];

/** A handler that a test ends by hand. */
function createHandler() {
  const calls: { run: RunRequest; signal: AbortSignal; succeed: () => void; fail: (why: Error) => void }[] =
    [];
  const handler = (run: RunRequest, { signal }: { signal: AbortSignal }): Promise<void> =>
    new Promise((resolve, reject) => {
      calls.push({ run, signal, succeed: () => resolve(), fail: reject });
    });
  return { calls, handler };
}

function createWorld(change: Change = {}, options: Partial<LazarusOptions> = {}) {
  const clock = change.clock ?? createManualClock();
  const hosts = ['web1', 'web2', 'web3'].map((name) => aHost({ hostId: `i-${name}`, name }));
  const fleet = createFakeFleet({ clock, hosts });
  const probe = createFakeHealthProbe({ clock, zone: 'us-east-1a' });
  probe.set('i-web1', 'unreachable');
  const pager = createFakePager({ clock });
  pager.open('web/web1');
  const log = createRecordingLogger();
  const { calls, handler } = createHandler();
  const start = (): Lazarus =>
    createLazarus({ region: 'us-east-1', config: documents(), ...options }, {
      clock,
      fleet,
      probe,
      pager,
      log,
      handler,
      ...change,
    } as object as LazarusPorts);
  const event = anEvent({
    host: 'web1',
    incident_key: 'web/web1',
    time: new Date(clock.now()).toISOString(),
  });
  return { clock, fleet, probe, pager, log, calls, event, start, lazarus: start() };
}

describe('an embedded Lazarus', () => {
  it('decides alone, 1 of 1, calls the handler once and resolves the page when it succeeds', async () => {
    const { lazarus, event, calls, pager, clock } = createWorld();
    const record = await lazarus.handle(event);
    expect(record.decision).toMatchObject({ kind: 'remediate', votes: '1/1' });
    expect(record.votes).toMatchObject({ yes: 1, required: 1, members: 1 });
    expect(record.coordinator).toBe('embedded');
    expect(pager.pageOf('web/web1')?.status).toBe('acknowledged');
    expect(calls.map(({ run }) => run.hostId)).toEqual(['i-web1']);
    calls[0]?.succeed();
    await clock.settle();
    expect(pager.pageOf('web/web1')?.status).toBe('resolved');
    await lazarus.close();
  });

  it('S15: an event in flight over a reload is decided with the configuration it started with', async () => {
    const held = documents(WEB.replace('hold_down: 0s', 'hold_down: 10s'));
    const { lazarus, event, calls, clock } = createWorld({}, { config: held });
    const before = lazarus.snapshot.digest;
    const deciding = lazarus.handle(event);
    await clock.advance(5_000);
    lazarus.use(documents(WEB.replace('hold_down: 0s', 'hold_down: 10s, workflow_timeout: 40m')));
    await clock.advance(5_000);
    const record = await deciding;
    expect(record).toMatchObject({ config_digest: before, decision: { kind: 'remediate' } });
    expect(lazarus.snapshot.digest).not.toBe(before);
    expect(calls[0]?.run.timeoutMs).toBe(1_800_000);
    await lazarus.close();
  });

  it('S7: the thresholds of a reloaded configuration hold from the next event on', async () => {
    const settings = (maxServices: number): Config => [
      ...(documents() as readonly { kind: 'service'; path: string; text: string }[]),
      { kind: 'settings', path: 'settings.yaml', text: `breaker: { max_services: ${maxServices} }\n` },
    ];
    const { lazarus, event } = createWorld({}, { config: settings(5) });
    for (const service of ['api', 'db']) await lazarus.handle({ ...event, id: service, service });
    lazarus.use(settings(2));
    const { decision } = await lazarus.handle(event);
    expect(decision).toMatchObject({ kind: 'escalate', reason: 'region_circuit_open' });
    await lazarus.close();
  });

  it('S9: votes for no host that is kept for examination, even when a run has just begun to look at it', async () => {
    const { lazarus, event, fleet, clock } = createWorld({}, { config: documents(WEB.replace('0s', '10s')) });
    const deciding = lazarus.handle(event);
    await clock.advance(5_000);
    fleet.put(aHost({ hostId: 'i-web1', name: 'web1', lifecycle: 'forensics' }));
    await clock.advance(5_000);
    const { decision } = await deciding;
    expect(decision).toMatchObject({ kind: 'escalate', reason: 'precondition_failed' });
    expect('detail' in decision && decision.detail).toContain('Target: web1 is kept for examination');
    await lazarus.close();
  });

  it('S1: the same event twice calls the handler once', async () => {
    const { lazarus, event, calls } = createWorld();
    await lazarus.handle(event);
    expect((await lazarus.handle(event)).decision).toMatchObject({ kind: 'suppress', reason: 'duplicate' });
    expect(calls).toHaveLength(1);
    await lazarus.close();
  });

  it('S4: cancels the run whose lock was lost while it was submitted', async () => {
    const clock = createManualClock();
    const engine = createFakeWorkflowEngine({ clock });
    const memory = createMemoryLocks({ clock });
    const lost = new AbortController();
    const acquire: typeof memory.acquire = async (request, options) => {
      const grant = await memory.acquire(request, options);
      if (!grant.granted) return grant;
      const { lease } = grant;
      const { target, holder, token } = lease;
      const release = (): Promise<void> => lease.release();
      return {
        granted: true,
        lease: { target, holder, token, release, signal: lost.signal, remainingMs: () => 1 },
      };
    };
    const { submit } = engine;
    engine.submit = (request) => {
      lost.abort(new Error('a renewal was refused'));
      return submit(request);
    };
    const locks = { ...memory, acquire };
    const { lazarus, event } = createWorld({ clock, engine, locks, handler: undefined });
    const { decision } = await lazarus.handle(event);
    await clock.settle();
    expect('run_id' in decision && (await engine.get(decision.run_id))?.status).toBe('canceled');
    await lazarus.close();
  });

  it('S10: a handler that fails ends in an escalated page and a failed run', async () => {
    const { lazarus, event, calls, pager, clock } = createWorld();
    const runs: string[] = [];
    lazarus.onRun((run) => void runs.push(`${run.status} ${run.page ?? ''} ${run.error?.message ?? ''}`));
    await lazarus.handle(event);
    calls[0]?.fail(new Error('no capacity'));
    await clock.settle();
    expect(runs).toEqual(['failed escalated Error: no capacity']);
    expect(pager.pageOf('web/web1')).toMatchObject({ escalationLevel: 2, takenByHuman: true });
    await lazarus.close();
  });

  it('S10: a handler that hangs for 30 min is aborted and its page is escalated', async () => {
    const { lazarus, event, calls, pager, clock } = createWorld();
    await lazarus.handle(event);
    await clock.advance(1_800_000 - 1);
    expect(calls[0]?.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(calls[0]?.signal.aborted).toBe(true);
    expect(pager.pageOf('web/web1')).toMatchObject({ escalationLevel: 2 });
    await lazarus.close();
  });

  it('a person who takes the page stops the handler within 10 min', async () => {
    const { lazarus, event, calls, pager, clock } = createWorld();
    await lazarus.handle(event);
    pager.touch('web/web1');
    await clock.advance(600_000);
    expect(calls[0]?.signal.aborted).toBe(true);
    expect(pager.pageOf('web/web1')?.takenByHuman).toBe(true);
    await lazarus.close();
  });

  it('S4: the lock is free again after the run, also when the handler ends before the decision does', async () => {
    const { lazarus, event, clock, pager } = createWorld({ handler: async () => {} });
    await lazarus.handle(event);
    await clock.settle();
    expect(pager.pageOf('web/web1')?.status).toBe('resolved');
    // Only the wait for the next sweep is left: no lease is being renewed.
    expect(clock.pending).toBe(1);
    await lazarus.close();
    expect(clock.pending).toBe(0);
  });

  it('S2: does not act on a host that is healthy, and escalates', async () => {
    const { lazarus, event, probe, calls } = createWorld();
    probe.set('i-web1', 'healthy');
    const { decision } = await lazarus.handle(event);
    expect(decision).toMatchObject({ kind: 'escalate', reason: 'precondition_failed' });
    expect(calls).toHaveLength(0);
    await lazarus.close();
  });

  it('S2: the own-zone rule holds for the lone vote, too', async () => {
    const { lazarus, event, fleet, calls } = createWorld();
    fleet.put(aHost({ hostId: 'i-web1', name: 'web1', zone: 'us-east-1b' }));
    const { decision } = await lazarus.handle(event);
    expect(decision).toMatchObject({ kind: 'escalate', reason: 'quorum_not_reached' });
    expect(calls).toHaveLength(0);
    await lazarus.close();
  });

  it('S2: a rule about a service without any check is never voted for', async () => {
    const rule = `
name: service_down
criteria: { event_type: NagiosServiceAlarm }
lock: { type: service }
workflow: { name: default.replace_host }
hold_down: 0s
mode: act
`;
    const config: Config = [{ kind: 'rule', path: 'rules/a.yaml', text: rule }];
    const { lazarus, event, calls } = createWorld({}, { config });
    const { decision } = await lazarus.handle({
      ...event,
      event_type: 'NagiosServiceAlarm',
      host: undefined,
      attributes: { service_state: 'CRITICAL', service_state_type: 'HARD', service_description: 'http' },
    });
    expect(decision).toMatchObject({ kind: 'escalate', reason: 'quorum_not_reached' });
    expect(calls).toHaveLength(0);
    await lazarus.close();
  });

  it('S14: a pause that is set during the ballot stops the run before the handler is called', async () => {
    const clock = createManualClock();
    const probe = createFakeHealthProbe({ clock, zone: 'us-east-1a', latencyMs: 1_000 });
    probe.set('i-web1', 'unreachable');
    const pauses = createMemoryPauses({ clock });
    const { lazarus, event, calls, pager } = createWorld({ clock, probe, pauses });
    const handled = lazarus.handle(event);
    await clock.advance(500);
    await pauses.set({
      scope: {},
      author: 'ann',
      reason: 'release',
      since: new Date(clock.now()).toISOString(),
    });
    await clock.advance(2_000);
    expect((await handled).decision.kind).toBe('remediate');
    await clock.settle();
    expect(calls).toHaveLength(0);
    expect(pager.pageOf('web/web1')).toMatchObject({ escalationLevel: 2 });
    await lazarus.close();
  });

  it('S4: a handler whose lock was taken away is aborted at the next renewal, 10 s later', async () => {
    const clock = createManualClock();
    const locks = createMemoryLocks({ clock });
    const { lazarus, event, calls, pager } = createWorld({ clock, locks });
    await lazarus.handle(event);
    await locks.breakLock({ kind: 'host', service: 'web', host: 'i-web1' });
    await clock.advance(10_000);
    expect(calls[0]?.signal.aborted).toBe(true);
    expect(pager.pageOf('web/web1')).toMatchObject({ escalationLevel: 2 });
    await lazarus.close();
    await locks.close();
  });

  it('S13: a plan says what would be done and touches nothing', async () => {
    const { lazarus, event, calls, pager } = createWorld();
    expect((await lazarus.plan(event)).decision.kind).toBe('remediate');
    expect(calls).toHaveLength(0);
    expect(pager.pageOf('web/web1')?.status).toBe('triggered');
    await lazarus.close();
  });

  it('an event that is malformed is escalated, not thrown', async () => {
    const { lazarus } = createWorld();
    expect((await lazarus.handle({ nonsense: true })).decision).toMatchObject({ reason: 'invalid' });
    await lazarus.close();
  });

  it('tells every listener, also after one that throws, until it unsubscribes', async () => {
    const { lazarus, event } = createWorld();
    const seen: DecisionRecord[] = [];
    lazarus.onDecision(() => {
      throw new Error('mine');
    });
    const end = lazarus.onDecision((record) => void seen.push(record));
    const record = await lazarus.handle(event);
    end();
    await lazarus.handle(event);
    expect(seen).toEqual([record]);
    await lazarus.close();
  });

  it('an engine that was passed gets the run, and is not closed', async () => {
    const clock = createManualClock();
    const engine = createFakeWorkflowEngine({ clock });
    const { lazarus, event } = createWorld({ clock, engine, handler: undefined });
    await lazarus.handle(event);
    expect(engine.submitted.map(({ hostId }) => hostId)).toEqual(['i-web1']);
    await lazarus.close();
    expect((await engine.get(engine.submitted[0]?.runId ?? ''))?.status).toBe('running');
    expect(clock.pending).toBe(0);
  });
});

describe('closing an embedded Lazarus', () => {
  it('leaves no timer behind and escalates the page of the run that it cancels', async () => {
    const { lazarus, event, calls, pager, clock } = createWorld();
    await lazarus.handle(event);
    await lazarus.close();
    expect(clock.pending).toBe(0);
    expect(calls[0]?.signal.aborted).toBe(true);
    expect(pager.pageOf('web/web1')).toMatchObject({ escalationLevel: 2 });
  });

  it('leaves no timer and no handle in a process of its own, also while an event is held down', async () => {
    const program = `
      import { createLazarus } from '@lazarus/core';
      const host = { hostId: 'i-1', name: 'web1', service: 'web', environment: 'prod', zone: 'a', state: 'running',
        lifecycle: 'active', inLoadBalancer: true, managed: true, isProtected: false, tags: {},
        incarnation: { account: '1', region: 'r', instanceId: 'i-1', launchedAtMs: 1 } };
      const lazarus = createLazarus(
        { region: 'r', config: [{ kind: 'service', path: 's', text: '{ service: web, team: t, profile: stateless }' }] },
        {
          fleet: { find: async () => host, list: async () => ({ service: 'web', hosts: [host], complete: true, observedAtMs: 0 }) },
          probe: { zone: 'a', probe: async () => ({ status: 'unreachable', latencyMs: 1, detail: '' }) },
          pager: {}, handler: async () => {},
        },
      );
      const held = lazarus.handle({ id: '1', event_type: 'HealthcheckDown', source: 's', time: new Date().toISOString(),
        region: 'r', environment: 'prod', service: 'web', host: 'web1', attributes: {} });
      await new Promise((resolve) => setImmediate(resolve));
      const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      const during = timers();
      await Promise.allSettled([held, lazarus.close()]);
      console.log(JSON.stringify({ during: during > 0, after: timers() }));
    `;
    const options = ['--conditions=@lazarus/source', '--input-type=module', '--eval', program];
    const { stdout } = await promisify(execFile)(process.execPath, options, { timeout: 20_000 });
    expect(JSON.parse(stdout)).toEqual({ during: true, after: 0 });
  }, 30_000);

  it('abandons an event that is held down, without a record', async () => {
    const { lazarus, event, clock } = createWorld(
      {},
      { config: documents('{ service: web, team: storefront, profile: stateless }') },
    );
    const handled = lazarus.handle(event);
    const refused = expect(handled).rejects.toThrow('closing');
    await clock.settle();
    await lazarus.close();
    await refused;
    expect(clock.pending).toBe(0);
  });

  it('takes no event afterwards, and closing twice is closing once', async () => {
    const { lazarus, event } = createWorld();
    await Promise.all([lazarus.close(), lazarus.close()]);
    await expect(lazarus.handle(event)).rejects.toThrow('closed');
    await expect(lazarus.plan(event)).rejects.toThrow('closed');
  });

  it('ends within 10 s when the pager hangs', async () => {
    const { lazarus, event, clock, pager } = createWorld();
    await lazarus.handle(event);
    pager.escalate = () => new Promise(() => {});
    const closed = lazarus.close();
    await clock.advance(10_000);
    await closed;
  });
});

describe('an embedded Lazarus that starts again', () => {
  it('S10: escalates the page of a run whose process died, and does not call the handler again', async () => {
    const audit = createMemoryAudit();
    const { lazarus, start, event, calls, pager, clock } = createWorld({ audit });
    await lazarus.handle(event);
    // The first one is gone without a word; the second has the same audit log.
    const second = start();
    await clock.settle();
    expect(pager.pageOf('web/web1')).toMatchObject({ escalationLevel: 2 });
    expect(await audit.openRuns()).toEqual([]);
    const again = await second.handle({ ...event, id: 'another' });
    expect(again.decision).toMatchObject({ kind: 'suppress', reason: 'superseded' });
    expect(calls).toHaveLength(1);
    await Promise.all([second.close(), lazarus.close()]);
  });

  it('leaves the open runs of other nodes alone', async () => {
    const audit = createMemoryAudit();
    const { lazarus, event, pager, clock, fleet, probe } = createWorld({ audit }, { node: 'a' });
    await lazarus.handle(event);
    const other = createLazarus(
      { region: 'us-east-1', node: 'b', config: documents() },
      { clock, fleet, probe, pager, audit, handler: async () => {} },
    );
    await clock.settle();
    expect(pager.pageOf('web/web1')?.status).toBe('acknowledged');
    await Promise.all([other.close(), lazarus.close()]);
  });
});

describe('the composition of an embedded Lazarus', () => {
  const missing = (ports: object, config: Config = documents()): unknown => {
    try {
      createLazarus({ region: 'us-east-1', config }, ports as LazarusPorts);
      return 'accepted';
    } catch (error) {
      const { code, issues } = error as { code: string; issues: { path: string }[] };
      return [code, ...issues.map(({ path }) => path)];
    }
  };

  it('names every port that is missing at once', () => {
    expect(missing({})).toEqual([
      'LZ_PORT_MISSING',
      'ports.fleet',
      'ports.pager',
      'ports.handler',
      'ports.probe',
    ]);
  });

  it('refuses a handler together with an engine', () => {
    const clock = createManualClock();
    const ports = { clock, fleet: createFakeFleet({ clock }), pager: createFakePager({ clock }) };
    const both = { handler: async () => {}, engine: createFakeWorkflowEngine({ clock }) };
    expect(missing({ ...ports, ...both, voters: createFakeVoters() })).toEqual([
      'LZ_PORT_MISSING',
      'ports.handler',
    ]);
  });

  it('needs no probe when voters are passed, or when no rule has a check that probes', async () => {
    const rule = `
name: clock_only
criteria: { event_type: NagiosHostAlarm, service: web }
prechecks: [{ checkName: MinActiveHosts, default: 1 }]
workflow: { name: default.replace_host }
`;
    const config: Config = [{ kind: 'rule', path: 'rules/a.yaml', text: rule }];
    const withVoters = createWorld({ probe: undefined, voters: createFakeVoters() });
    const withoutChecks = createWorld({ probe: undefined }, { config });
    await Promise.all([withVoters.lazarus.close(), withoutChecks.lazarus.close()]);
  });

  it('S15: a configuration that is refused leaves the last good one in force', async () => {
    const { lazarus } = createWorld();
    const { digest } = lazarus.snapshot;
    expect(() =>
      lazarus.use([{ kind: 'service', path: 'a.yaml', text: 'service: web\nprofil: stateless' }]),
    ).toThrow(expect.objectContaining({ code: 'LZ_CONFIG_INVALID' }));
    expect(lazarus.snapshot.digest).toBe(digest);
    lazarus.use(
      documents('{ service: web, team: storefront, profile: stateless, overrides: { mode: off } }'),
    );
    expect(lazarus.snapshot.digest).not.toBe(digest);
    await lazarus.close();
  });

  it('refuses an option that it does not know', () => {
    expect(() => createWorld({}, { regoin: 'x' } as Partial<LazarusOptions>)).toThrow(
      expect.objectContaining({ code: 'LZ_OPTION_INVALID' }),
    );
  });

  it('opens the breaker at the threshold of the settings', async () => {
    const settings = { kind: 'settings', path: 's.yaml', text: 'breaker: { max_services: 1 }' } as const;
    const { lazarus, event } = createWorld(
      {},
      { config: [...(documents() as readonly { kind: 'service'; path: string; text: string }[]), settings] },
    );
    await lazarus.handle({ ...event, id: 'other', service: 'api', host: 'api1' });
    expect((await lazarus.handle(event)).decision).toMatchObject({ reason: 'region_circuit_open' });
    await lazarus.close();
  });
});

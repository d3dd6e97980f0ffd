import { LADDER, PortError } from '@lazarus/core';
import { createLocalRing, createMemoryWindows } from '@lazarus/core/memory';
import { createManualClock } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { EXITS, lockOf, outcomeOf } from './exits.ts';
import { aRule, anEvent, createWorld } from './world.ts';

describe('the ladder', () => {
  it.each(EXITS)('exits with $exit when $when', async (exit) => {
    const { record, started } = await outcomeOf(exit);
    const last = record.gates.at(-1);
    expect(last?.exit).toBe(exit.exit);
    expect(record.decision.kind).toBe(exit.kind);
    expect(started).toBe(0);
  });

  it('has a test for each of its exits', () => {
    // `no_config` is tested below: it needs a controller without a configuration.
    const tested = new Set([...EXITS.map(({ exit }) => exit), 'no_config']);
    const untested = LADDER.flatMap((rung) => [...rung.exits]).filter((exit) => !tested.has(exit));
    expect(untested).toEqual([]);
  });

  it('lets a single failing host through all 15 gates and starts one run', async () => {
    const world = createWorld();
    const record = await world.controller.decide(anEvent());
    expect(record.decision).toMatchObject({
      kind: 'remediate',
      workflow: 'default.replace_host',
      votes: '3/3',
    });
    expect(record.gates.map(({ gate, verdict }) => `${gate} ${verdict}`)).toEqual(
      LADDER.map(({ id }) => `${id} pass`),
    );
    expect(world.engine.submitted).toHaveLength(1);
    expect(world.pager.pageOf('web/web1')?.status).toBe('acknowledged');
  });

  it('S15: asks for the definition of the workflow that was decided about', async () => {
    const workflow = { name: 'default.replace_host', digest: 'wf-1', timeoutMs: 1_800_000, inputs: {} };
    const world = createWorld({ rule: aRule({ workflow }) });
    await world.controller.decide(anEvent());
    expect(world.engine.submitted.map(({ workflowDigest }) => workflowDigest)).toEqual(['wf-1']);
  });

  it('S10: records the intent durably before it acknowledges the page', async () => {
    const world = createWorld();
    const order: string[] = [];
    const { acknowledge } = world.pager;
    const { commitIntent } = world.audit;
    world.audit.commitIntent = (record) => (order.push('intent'), commitIntent(record));
    world.pager.acknowledge = (call) => (order.push('acknowledge'), acknowledge(call));
    await world.controller.decide(anEvent());
    expect(order).toEqual(['intent', 'acknowledge']);
  });

  it('gives the lock and the budget back when it does not act', async () => {
    const world = createWorld();
    world.pager.touch('web/web1');
    await world.controller.decide(anEvent());
    expect(await world.locks.inspect(lockOf('i-web1'))).toBeUndefined();
    // A peek counts the charge it asks about, and nothing else is left.
    const again = await world.budgets.peek({
      decisionId: 'other',
      service: 'web',
      zone: 'us-east-1a',
      account: '111122223333',
      region: 'us-east-1',
    });
    expect(again).toMatchObject({ granted: true, inFlight: 1, perHour: 1 });
  });

  it('keeps the lock while the run goes on and frees it when the run has ended', async () => {
    const world = createWorld();
    const record = await world.controller.decide(anEvent());
    expect(await world.locks.inspect(lockOf('i-web1'))).toMatchObject({ heldBy: record.decision_id });
    world.engine.finish(record.decision_id ?? '', 'succeeded');
    await world.clock.settle();
    expect(await world.locks.inspect(lockOf('i-web1'))).toBeUndefined();
  });

  it('escalates with no_config while there is no valid configuration', async () => {
    const world = createWorld();
    const { createController } = await import('@lazarus/core/controller');
    const observer = createController(
      { node: 'b', region: 'us-east-1' },
      { ...world, log: { debug() {}, info() {}, warn() {}, error() {} } },
    );
    const record = await observer.decide(anEvent());
    expect(record.decision).toMatchObject({ kind: 'escalate', reason: 'no_config' });
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
  });

  it('escalates instead of acting when a gate throws', async () => {
    const world = createWorld();
    world.voters.setAnswer(new Error('a bug'));
    const record = await world.controller.decide(anEvent());
    expect(record.decision).toMatchObject({ kind: 'escalate', reason: 'invariant_broken' });
    expect(world.engine.submitted).toEqual([]);
  });
});

describe('pages of events that are not acted on', () => {
  it('escalates at once when no rule matches', async () => {
    const world = createWorld({ withoutRule: true });
    const record = await world.controller.decide(anEvent());
    expect(record.page).toMatchObject({ incident_key: 'web/web1', action: 'escalated' });
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
  });

  it('leaves the page alone when the pager does not answer, because it escalates by itself', async () => {
    const world = createWorld({ withoutRule: true });
    world.pager.fail('502');
    const record = await world.controller.decide(anEvent());
    expect(record.decision.kind).toBe('escalate');
    expect(record.page.action).toBe('left_alone');
    world.pager.fail(undefined);
    await world.clock.advance(60_000);
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
  });

  it('resolves the page of an attached event when the run succeeds', async () => {
    const world = createWorld();
    world.pager.open('web/web1/service');
    const first = await world.controller.decide(anEvent());
    const second = await world.controller.decide(anEvent({ id: 'evt-2', incident_key: 'web/web1/service' }));
    expect(second.page).toMatchObject({ action: 'follows' });
    world.engine.finish(first.decision_id ?? '', 'succeeded');
    await world.clock.settle();
    expect(world.pager.pageOf('web/web1/service')?.status).toBe('resolved');
  });

  it('escalates the page of an attached event when the run fails', async () => {
    const world = createWorld();
    world.pager.open('web/web1/service');
    const first = await world.controller.decide(anEvent());
    await world.controller.decide(anEvent({ id: 'evt-2', incident_key: 'web/web1/service' }));
    world.engine.finish(first.decision_id ?? '', 'failed');
    await world.clock.settle();
    expect(world.pager.pageOf('web/web1/service')?.escalationLevel).toBe(2);
  });

  it('S10: escalates a page that was acknowledged before a crash and came back too late to act', async () => {
    const world = createWorld();
    world.engine.fail(new PortError({ code: 'LZ_JOURNAL_UNAVAILABLE', message: 'gone', retryable: true }));
    const conclude = world.audit.conclude;
    world.audit.conclude = () => Promise.reject(new Error('the process died here'));
    await expect(world.controller.decide(anEvent())).rejects.toThrow('died');
    world.audit.conclude = conclude;
    await world.pager.acknowledge({ incidentKey: 'web/web1' });
    await world.clock.advance(301_000);
    const record = await world.restart().decide(anEvent());
    expect(record.decision).toMatchObject({ kind: 'suppress', reason: 'stale' });
    expect(record.page.action).toBe('escalated');
  });
});

describe('two alarms about one host', () => {
  it('make one decision when they arrive at the same time', async () => {
    const world = createWorld({ rule: aRule({ holdDownMs: 10_000 }) });
    const both = Promise.all([
      world.controller.decide(anEvent({ id: 'host-alarm' })),
      world.controller.decide(
        anEvent({
          id: 'service-alarm',
          event_type: 'NagiosServiceAlarm',
          host: 'i-web1',
          attributes: { service_description: 'http', service_state: 'CRITICAL', service_state_type: 'HARD' },
        }),
      ),
    ]);
    await world.clock.advance(11_000);
    const [first, second] = await both;
    expect(first.decision.kind).toBe('remediate');
    expect(second.decision).toMatchObject({
      kind: 'suppress',
      reason: 'attached',
      run_id: first.decision_id,
    });
    expect(world.engine.submitted).toHaveLength(1);
  });

  it('S1: carry the same decision id on a second node, which then attaches', async () => {
    const world = createWorld();
    const nodeB = world.restart();
    const [first, second] = await Promise.all([
      world.controller.decide(anEvent()),
      nodeB.decide(anEvent({ id: 'evt-2' })),
    ]);
    const started = [first, second].filter(({ decision }) => decision.kind === 'remediate');
    expect(new Set(started.map(({ decision_id }) => decision_id)).size).toBe(1);
    expect(world.engine.submitted).toHaveLength(1);
  });

  it('S12: start one run when the process dies after the run was submitted', async () => {
    const world = createWorld();
    const conclude = world.audit.conclude;
    world.audit.conclude = () => Promise.reject(new Error('the process died here'));
    await expect(world.controller.decide(anEvent())).rejects.toThrow('died');
    world.audit.conclude = conclude;
    const record = await world.restart().decide(anEvent());
    expect(record.decision).toMatchObject({ kind: 'remediate' });
    expect(world.engine.submitted).toHaveLength(1);
  });
});

describe('mode notify', () => {
  it('S13: walks the whole ladder and touches no page, lock, budget or engine', async () => {
    const world = createWorld({ rule: aRule({ mode: 'notify' }) });
    const record = await world.controller.decide(anEvent());
    expect(record.decision).toMatchObject({ kind: 'notify_only', reason: 'mode', would: 'remediate' });
    expect(record.gates).toHaveLength(LADDER.length);
    expect(world.engine.submitted).toEqual([]);
    expect(world.pager.pageOf('web/web1')).toMatchObject({ status: 'triggered', escalationLevel: 1 });
    expect(await world.locks.inspect(lockOf('i-web1'))).toBeUndefined();
  });

  it('S13: leaves the page of a second alarm alone, too, when both arrive at the same time', async () => {
    const world = createWorld({ rule: aRule({ mode: 'notify', holdDownMs: 1_000 }) });
    world.pager.open('web/web1/second');
    const both = Promise.all([
      world.controller.decide(anEvent({ id: 'one' })),
      world.controller.decide(anEvent({ id: 'two', incident_key: 'web/web1/second' })),
    ]);
    await world.clock.advance(2_000);
    const [, second] = await both;
    expect(second.decision).toMatchObject({ kind: 'notify_only', would: 'remediate' });
    expect(world.pager.pageOf('web/web1/second')).toMatchObject({ status: 'triggered', escalationLevel: 1 });
  });

  it('says what would have stopped it', async () => {
    const world = createWorld({ rule: aRule({ mode: 'notify' }) });
    world.voters.setVerdicts({ a: 'no', b: 'no', c: 'no' });
    const record = await world.controller.decide(anEvent());
    expect(record.decision).toMatchObject({ kind: 'notify_only', would: 'escalate' });
  });
});

describe('a plan', () => {
  it('S13: walks the ladder without counting, recording or changing anything', async () => {
    const world = createWorld();
    const plan = await world.controller.plan(anEvent());
    expect(plan.decision).toMatchObject({ kind: 'remediate' });
    expect(world.audit.entries).toEqual([]);
    expect(world.engine.submitted).toEqual([]);
    expect(await world.windows.view({ region: 'us-east-1', service: 'web' })).toMatchObject({ entities: 0 });
    expect(world.pager.pageOf('web/web1')?.status).toBe('triggered');
  });

  it('S13: tells the voters that its event is a supposed one, and a decision does not', async () => {
    const world = createWorld();
    await world.controller.plan(anEvent());
    await world.controller.decide(anEvent());
    expect(world.voters.ballots.map(({ supposed }) => supposed)).toEqual([true, undefined]);
  });
});

describe('the evidence of counts', () => {
  const localRing = async (breaker: { maxServices: number }, earlier: readonly string[]) => {
    const clock = createManualClock();
    const windows = createLocalRing(
      { breaker },
      { shared: createMemoryWindows({ clock, breaker, history: [] }), clock },
    );
    for (const service of earlier)
      await windows.observe({ eventId: service, region: 'us-east-1', service, entity: service });
    return windows;
  };
  const evidenceOf = (gates: readonly { gate: string; evidence: object }[], ...names: readonly string[]) =>
    gates.filter(({ gate }) => names.includes(gate)).map(({ evidence }) => evidence);

  it('S7: shows what the shared view and the view of the node counted, at every gate that asks', async () => {
    const world = createWorld({ ports: { windows: await localRing({ maxServices: 5 }, []) } });
    const { gates } = await world.controller.decide(anEvent());
    const counts = { entities: 1, services: 1, breaker: 'closed' };
    const both = { counted: { shared: counts, local: counts } };
    expect(evidenceOf(gates, 'observe', 'region_breaker', 'service_limit')).toMatchObject([both, both, both]);
  });

  it('S7: shows both views when the region circuit is open', async () => {
    const world = createWorld({ ports: { windows: await localRing({ maxServices: 1 }, ['api']) } });
    const { gates, decision } = await world.controller.decide(anEvent());
    expect(decision).toMatchObject({ reason: 'region_circuit_open' });
    const counts = { entities: 1, services: 2, breaker: 'open' };
    expect(evidenceOf(gates, 'region_breaker')).toMatchObject([
      { counted: { shared: counts, local: counts } },
    ]);
  });
});

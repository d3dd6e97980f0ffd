import { PortError } from '@lazarus/core';
import { describe, expect, it } from 'vitest';
import { aHost, aRule, anEvent, createWorld } from '../decision/world.ts';
import type { World } from '../decision/world.ts';

const hostLock = { kind: 'host', service: 'web', host: 'i-web1' } as const;
const charge = {
  decisionId: 'other',
  service: 'web',
  zone: 'us-east-1a',
  account: '111122223333',
  region: 'us-east-1',
};

function at(world: World, overrides: Parameters<typeof anEvent>[0] = {}) {
  return anEvent({ time: new Date(world.clock.now()).toISOString(), ...overrides });
}

/** The process dies after the run was started, before its decision is on record. */
async function dieBeforeTheRecord(world: World): Promise<void> {
  const { conclude } = world.audit;
  world.audit.conclude = () => Promise.reject(new Error('the process died here'));
  await expect(world.controller.decide(at(world))).rejects.toThrow('died');
  world.audit.conclude = conclude;
}

describe('the same event twice at the same time', () => {
  it('S1: makes one decision and one duplicate, and leaves no lock behind', async () => {
    const world = createWorld({ rule: aRule({ holdDownMs: 1_000 }) });
    const both = Promise.all([world.controller.decide(at(world)), world.controller.decide(at(world))]);
    await world.clock.advance(2_000);
    const records = await both;
    expect(records.map(({ decision }) => decision.kind).sort()).toEqual(['remediate', 'suppress']);
    world.engine.finish(world.engine.submitted[0]?.runId ?? '', 'succeeded');
    await world.clock.advance(120_000);
    expect(await world.locks.inspect(hostLock)).toBeUndefined();
  });

  it('S1: on two nodes leaves no lock behind once the run has ended', async () => {
    const world = createWorld({ rule: aRule({ holdDownMs: 1_000 }) });
    const nodeB = world.restart();
    const both = Promise.all([world.controller.decide(at(world)), nodeB.decide(at(world))]);
    await world.clock.advance(2_000);
    await both;
    expect(world.engine.submitted).toHaveLength(1);
    world.engine.finish(world.engine.submitted[0]?.runId ?? '', 'succeeded');
    await world.clock.advance(60_000);
    await world.outcomes.sweep();
    await world.clock.advance(60_000);
    expect(await world.locks.inspect(hostLock)).toBeUndefined();
  });

  it('S6: does not take the budget away from the run that the other walk started', async () => {
    const world = createWorld();
    const record = await world.controller.decide(at(world));
    const again = await world.restart().decide(at(world, { id: 'evt-2' }));
    expect(again.decision).toMatchObject({ kind: 'suppress', reason: 'attached' });
    expect(await world.budgets.holds(record.decision_id ?? '')).toBe(true);
  });
});

describe('an action on a service as a whole', () => {
  const rule = aRule({ lock: { type: 'service', onBusy: 'attach' } });
  const scale = { host: undefined, incident_key: 'web/scale' } as const;

  it('is done again for the next incident with the same key, a day later', async () => {
    const world = createWorld({ rule });
    world.pager.open('web/scale');
    const first = await world.controller.decide(at(world, { id: 'one', ...scale }));
    world.engine.finish(first.decision_id ?? '', 'succeeded');
    await world.pager.resolve({ incidentKey: 'web/scale' });
    await world.clock.advance(86_400_000);
    world.pager.open('web/scale');
    const second = await world.controller.decide(at(world, { id: 'two', ...scale }));
    expect(second.decision.kind).toBe('remediate');
    expect(second.decision_id).not.toBe(first.decision_id);
    expect(world.engine.submitted).toHaveLength(2);
  });

  it('attaches a second alarm about the host that the run is about', async () => {
    const world = createWorld({ rule });
    const first = await world.controller.decide(at(world, { id: 'one' }));
    await world.clock.advance(1_000);
    world.voters.setVerdicts({ a: 'no', b: 'no', c: 'no' });
    const second = await world.controller.decide(at(world, { id: 'two' }));
    expect(second.decision).toMatchObject({
      kind: 'suppress',
      reason: 'attached',
      run_id: first.decision_id,
    });
    expect(world.pager.pageOf('web/web1')).toMatchObject({ status: 'acknowledged', escalationLevel: 1 });
  });
});

describe('a page that Lazarus acknowledged', () => {
  it('S10: is escalated by a later sweep when the pager was away as the run failed', async () => {
    const world = createWorld();
    const record = await world.controller.decide(at(world));
    world.pager.fail('502');
    world.engine.finish(record.decision_id ?? '', 'failed', { page: 'left_alone' });
    await world.clock.settle();
    world.pager.fail(undefined);
    await world.outcomes.sweep();
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
    expect(await world.audit.run(record.decision_id ?? '')).toMatchObject({ status: 'failed' });
  });

  it('S10: is escalated when the run succeeded and left it as it was', async () => {
    const world = createWorld();
    const record = await world.controller.decide(at(world));
    world.engine.finish(record.decision_id ?? '', 'succeeded', { page: 'left_alone' });
    await world.clock.settle();
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
  });

  it.each(['locks', 'budgets'] as const)(
    'S10: is escalated although the %s hang as the run fails, which keeps its record open',
    async (store) => {
      const world = createWorld();
      const record = await world.controller.decide(at(world));
      const hang = (): Promise<never> => new Promise(() => undefined);
      const runId = record.decision_id ?? '';
      if (store === 'budgets') world.budgets.settle = hang;
      else {
        const grant = await world.locks.acquire({
          target: { kind: 'host', service: 'web', host: 'i-web1' },
          holder: runId,
          ttlMs: 30_000,
        });
        if (!grant.granted) throw new Error('the lock is busy');
        world.outcomes.hold(runId, { ...grant.lease, release: hang });
        await world.clock.settle();
      }
      world.engine.finish(runId, 'failed', { page: 'left_alone' });
      await world.clock.settle();
      expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
      expect(await world.audit.run(runId)).toBeUndefined();
    },
  );

  it('S10: keeps its event unconcluded until somebody has it, when the run could not start and the pager is away', async () => {
    const world = createWorld();
    world.engine.fail(
      new PortError({ code: 'LZ_JOURNAL_UNAVAILABLE', message: 'disk full', retryable: false }),
    );
    const escalate = world.pager.escalate;
    world.pager.escalate = () =>
      Promise.reject(new PortError({ code: 'LZ_PAGER_UNAVAILABLE', message: '502', retryable: true }));
    await expect(world.controller.decide(at(world))).rejects.toMatchObject({ code: 'LZ_PAGER_UNAVAILABLE' });
    world.pager.escalate = escalate;
    await world.controller.decide(at(world));
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
  });

  it('S10: is escalated when the event comes back and its rule does not act any more', async () => {
    const world = createWorld();
    world.engine.fail(new PortError({ code: 'LZ_JOURNAL_UNAVAILABLE', message: 'gone', retryable: true }));
    const escalate = world.pager.escalate;
    world.pager.escalate = () => Promise.reject(new Error('the process died here'));
    await expect(world.controller.decide(at(world))).rejects.toThrow('died');
    world.pager.escalate = escalate;
    const restarted = world.restart();
    const quiet = createWorld({ rule: aRule({ mode: 'notify' }) }).controller.snapshot;
    if (quiet === undefined) throw new Error('no snapshot');
    restarted.use(quiet);
    const record = await restarted.decide(at(world));
    expect(record.page.action).toBe('escalated');
  });

  it('S10: goes to a person when its event never comes back and no run was started within 3 min', async () => {
    const world = createWorld();
    world.engine.submit = () => new Promise(() => undefined);
    void world.controller.decide(at(world)).catch(() => undefined);
    await world.clock.settle();
    expect(world.pager.pageOf('web/web1')?.status).toBe('acknowledged');
    const { escalate } = world.pager;
    world.pager.escalate = () => Promise.reject(new Error('the process died here'));
    await world.clock.advance(180_000);
    world.pager.escalate = escalate;
    await world.outcomes.sweep();
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
    expect(await world.audit.openRuns()).toEqual([]);
    expect(await world.budgets.peek(charge)).toMatchObject({ granted: true, inFlight: 1 });
  });
});

describe('an event that comes back after its run was started', () => {
  it('S11: keeps the gates, the votes and the rule of the first walk', async () => {
    const world = createWorld();
    await dieBeforeTheRecord(world);
    const record = await world.restart().decide(at(world));
    expect(record).toMatchObject({ decision: { kind: 'remediate' }, rule: 'host_down', votes: { yes: 3 } });
    expect(record.gates.map(({ gate }) => gate)).toContain('ballot');
  });

  it('S10: is not called stale, however late it comes', async () => {
    const world = createWorld();
    const event = at(world);
    await dieBeforeTheRecord(world);
    await world.clock.advance(600_000);
    const record = await world.restart().decide(event);
    expect(record.decision.kind).toBe('remediate');
    expect(world.pager.pageOf('web/web1')).toMatchObject({ status: 'acknowledged', escalationLevel: 1 });
  });
});

describe('a host in forensics', () => {
  it('S1: is not replaced again, also when the audit log knows nothing about it', async () => {
    const world = createWorld();
    world.fleet.put(aHost({ hostId: 'i-web1', name: 'web1', lifecycle: 'forensics' }));
    const record = await world.controller.decide(at(world));
    expect(record.decision).toMatchObject({ kind: 'suppress', reason: 'superseded' });
  });
});

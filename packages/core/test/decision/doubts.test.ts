import { createMemoryBudgets, createMemoryLocks } from '@lazarus/core/memory';
import type { Budgets, Locks } from '@lazarus/core/ports';
import { createManualClock } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { aRule, anEvent, createWorld } from './world.ts';

const WEB1 = { kind: 'host', service: 'web', host: 'i-web1' } as const;

describe('a busy lock', () => {
  it.each([
    ['attach', 'suppress'],
    ['escalate', 'escalate'],
  ] as const)('with on_busy %s ends in %s', async (onBusy, kind) => {
    const world = createWorld({ rule: aRule({ lock: { type: 'host', onBusy } }) });
    await world.locks.acquire({ target: WEB1, holder: 'f'.repeat(64), ttlMs: 60_000 });
    expect((await world.controller.decide(anEvent())).decision.kind).toBe(kind);
  });

  it('of a run that has ended is nothing to attach to', async () => {
    const world = createWorld();
    const first = await world.controller.decide(anEvent());
    if (first.decision.kind !== 'remediate') throw new Error('it was not remediated');
    const ended = await world.engine.get(first.decision.run_id);
    if (ended === undefined) throw new Error('there is no run');
    const other = createWorld();
    const holder = 'f'.repeat(64);
    await other.locks.acquire({ target: WEB1, holder, ttlMs: 60_000 });
    const { get } = other.engine;
    other.engine.get = (id) =>
      id === holder ? Promise.resolve({ ...ended, run_id: holder, status: 'succeeded' }) : get(id);
    expect((await other.controller.decide(anEvent())).decision).toMatchObject({ kind: 'escalate' });
  });
});

describe('a limit that is a share of the hosts', () => {
  it('S8: allows none to fail while the inventory is not complete', async () => {
    const rule = aRule({ limits: { maxEntities: 3, maxEntitiesFraction: 0.5 } });
    const whole = createWorld({ rule });
    expect((await whole.controller.decide(anEvent())).decision.kind).toBe('remediate');
    const world = createWorld({ rule });
    const { list } = world.fleet;
    world.fleet.list = async (service, options) => ({ ...(await list(service, options)), complete: false });
    expect((await world.controller.decide(anEvent())).decision).toMatchObject({
      kind: 'escalate',
      reason: 'service_rate_limited',
    });
  });
});

describe('a ballot', () => {
  it('L3: has the 5 s that are left of 45 s, not the 20 s of its rule', async () => {
    const world = createWorld();
    const { ballot } = world.voters;
    let leftMs = 0;
    world.voters.ballot = (request, options) => {
      leftMs = request.deadlineAtMs - world.clock.monotonic();
      return ballot(request, options);
    };
    await world.controller.decide(anEvent({ time: new Date(world.clock.now() - 40_000).toISOString() }));
    expect(leftMs).toBe(5_000);
  });
});

describe('what was taken for an event that is over', () => {
  it('L3: is given back within 10 s, or the page goes on without it', async () => {
    const locks: Locks = createMemoryLocks({ clock: createManualClock() });
    const hanging: Locks = {
      ...locks,
      acquire: async (request, options) => {
        const grant = await locks.acquire(request, options);
        if (grant.granted)
          Object.defineProperty(grant.lease, 'release', { value: () => new Promise(() => {}) });
        return grant;
      },
    };
    const world = createWorld({ ports: { locks: hanging } });
    world.voters.setVerdicts({ a: 'no', b: 'no', c: 'no' });
    let isOver = false;
    void world.controller.decide(anEvent()).then(
      () => (isOver = true),
      () => (isOver = true),
    );
    await world.clock.advance(10_001);
    expect(isOver).toBe(true);
  });

  it('S6: a budget that is reserved later than that is settled', async () => {
    const real = createMemoryBudgets({ clock: createManualClock(), history: [] });
    const settled: string[] = [];
    const reserved: string[] = [];
    const world = createWorld({
      ports: {
        budgets: {
          ...real,
          reserve: async (charge) => {
            await world.clock.sleep(90_000);
            reserved.push(charge.decisionId);
            return real.reserve(charge);
          },
          settle: async (decisionId, outcome) => {
            settled.push(decisionId);
            await real.settle(decisionId, outcome);
          },
        } satisfies Budgets,
      },
    });
    const deciding = world.controller.decide(anEvent());
    await world.clock.advance(80_000);
    expect((await deciding).decision.kind).toBe('escalate');
    expect(settled).toEqual([]);
    await world.clock.advance(20_000);
    expect(reserved).toHaveLength(1);
    expect(settled).toEqual(reserved);
  });
});

describe('a plan', () => {
  it('S13: does not count its event, and says so: the 4th of 3 passes it and is stopped in earnest', async () => {
    const world = createWorld();
    for (const host of ['i-web1', 'i-web2', 'i-web3'])
      await world.windows.observe({ eventId: host, region: 'us-east-1', service: 'web', entity: host });
    world.pager.open('web/web4');
    const fourth = anEvent({ host: 'web4', incident_key: 'web/web4' });
    const plan = await world.controller.plan(fourth);
    expect(plan.decision.kind).toBe('remediate');
    expect(plan.page.detail).toMatch(/counts no event: not this one either/);
    expect((await world.controller.decide(fourth)).decision).toMatchObject({
      reason: 'service_rate_limited',
    });
  });
});

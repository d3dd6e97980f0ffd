import { describe, expect, it } from 'vitest';
import { losing } from './exits.ts';
import { anEvent, aRule, createWorld } from './world.ts';
import type { World } from './world.ts';

const never = (): Promise<never> => new Promise<never>(() => undefined);

/** How an event ends whose deadline is 45 s, within 2 min. */
async function endOf(world: World) {
  let ended: unknown;
  world.controller.decide(anEvent()).then(
    (record) => (ended = record),
    (error: unknown) => (ended = error),
  );
  for (let half = 0; half < 4; half += 1) await world.clock.advance(30_000);
  return ended;
}

describe('a decision', () => {
  it('S4: escalates when its lock is lost while the intent is written, and takes no page', async () => {
    const world = createWorld();
    const { acquire } = world.locks;
    const lost = new AbortController();
    world.locks.acquire = async (request, options) => {
      const grant = await acquire(request, options);
      if (!grant.granted) return grant;
      return { granted: true, lease: { ...grant.lease, signal: lost.signal, remainingMs: () => 1 } };
    };
    const { commitIntent } = world.audit;
    world.audit.commitIntent = (record) => {
      lost.abort(new Error('a renewal was refused'));
      return commitIntent(record);
    };
    const record = await world.controller.decide(anEvent());
    expect(record.decision).toMatchObject({ kind: 'escalate', reason: 'lock_lost' });
    expect(record.gates.at(-1)).toMatchObject({ gate: 'acknowledge', exit: 'lock_lost' });
    expect(world.engine.submitted).toEqual([]);
  });

  it('S4, S10: escalates the page that it took when its lock is lost before the run is started', async () => {
    const world = createWorld();
    let leftMs = 1;
    const { acquire } = world.locks;
    world.locks.acquire = async (request, options) => {
      const grant = await acquire(request, options);
      if (!grant.granted) return grant;
      const { signal } = grant.lease;
      return { granted: true, lease: { ...grant.lease, signal, remainingMs: () => leftMs } };
    };
    const { acknowledge } = world.pager;
    world.pager.acknowledge = async (call) => {
      leftMs = 0;
      return acknowledge(call);
    };
    const record = await world.controller.decide(anEvent());
    expect(record.gates.at(-1)).toMatchObject({ gate: 'run', exit: 'lock_lost' });
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
    expect(world.engine.submitted).toEqual([]);
  });

  it('L3: takes no page when the intent was durable after 55 s of at most 45', async () => {
    const world = createWorld();
    const { commitIntent } = world.audit;
    world.audit.commitIntent = async (record) => {
      await world.clock.sleep(55_000);
      await commitIntent(record);
    };
    expect(await endOf(world)).toMatchObject({ decision: { kind: 'escalate', reason: 'audit_unavailable' } });
    expect(world.pager.pageOf('web/web1')?.status).not.toBe('acknowledged');
    expect(world.engine.submitted).toEqual([]);
  });

  it('L3: takes no page when writing the intent moved the clock past the deadline in one step', async () => {
    const world = createWorld();
    const { monotonic } = world.clock;
    const { commitIntent } = world.audit;
    world.audit.commitIntent = (record) => {
      world.clock.monotonic = () => monotonic() + 55_000;
      return commitIntent(record);
    };
    const record = await world.controller.decide(anEvent());
    expect(record.decision).toMatchObject({ kind: 'escalate', reason: 'deadline_passed' });
    expect(world.engine.submitted).toEqual([]);
  });

  it('S8: allows no host to fail when the inventory does not answer within 5 s', async () => {
    const world = createWorld({ rule: aRule({ limits: { maxEntities: 3, maxEntitiesFraction: 0.5 } }) });
    world.fleet.list = never;
    expect(await endOf(world)).toMatchObject({
      decision: { kind: 'escalate', reason: 'service_rate_limited' },
      gates: expect.arrayContaining([
        expect.objectContaining({
          gate: 'service_limit',
          evidence: expect.objectContaining({ max_entities: 0 }) as unknown,
        }),
      ]) as unknown,
    });
  });

  it.each<[string, (world: World) => void]>([
    ['the pause store', (world) => (world.pauses.active = never)],
    ['the engine', (world) => (world.engine.get = never)],
    ['the engine that is to take the run', (world) => (world.engine.submit = never)],
    ['the budget', (world) => (world.budgets.reserve = never)],
    ['the lock store', (world) => (world.locks.acquire = never)],
    ['the audit log that is to take the intent', (world) => (world.audit.commitIntent = never)],
    ['the audit log', (world) => (world.audit.byEvent = never)],
  ])('L3: ends within 2 min although %s never answers', async (_what, hang) => {
    const world = createWorld();
    hang(world);
    const ended = await endOf(world);
    expect(ended).toBeDefined();
    expect(world.controller.deciding).toBe(0);
    if (!(ended instanceof Error)) expect(ended).toMatchObject({ decision: { kind: 'escalate' } });
  });

  it('S4: gives back the lock that it gets after it was over', async () => {
    const world = createWorld();
    const { acquire } = world.locks;
    world.locks.acquire = async (request, options) => {
      await world.clock.sleep(100_000);
      return acquire(request, options);
    };
    await endOf(world);
    const target = { kind: 'host', service: 'web', host: 'i-web1' } as const;
    expect(await world.locks.inspect(target)).toBeUndefined();
  });

  it('S4: cancels the run that begins after the event was over', async () => {
    const world = createWorld();
    const { submit } = world.engine;
    world.engine.submit = async (request) => {
      await world.clock.sleep(100_000);
      return submit(request);
    };
    const ended = await endOf(world);
    expect(ended).toMatchObject({ decision: { kind: 'escalate' }, page: { action: 'escalated' } });
    const [run] = world.engine.submitted;
    expect((await world.engine.get(run?.runId ?? ''))?.status).toBe('canceled');
  });

  it('gives a lease that was lost at once to nobody', async () => {
    const { locks } = createWorld();
    const world = createWorld({ ports: { locks: losing(locks) } });
    expect((await world.controller.decide(anEvent())).decision).toMatchObject({ reason: 'lock_lost' });
  });
});

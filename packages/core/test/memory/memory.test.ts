import type { Pause } from '@lazarus/core/ports';
import {
  createMemoryBudgets,
  createMemoryLocks,
  createMemoryPauses,
  createMemoryWindows,
} from '@lazarus/core/memory';
import { createManualClock } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';

const MINUTE_MS = 60_000;
const place = { region: 'r', service: 'web' };

describe('windows after a restart', () => {
  const failure = (service: string, ageMs: number) => ({
    eventId: `test/${service}`,
    region: 'r',
    service,
    entity: 'host',
    ageMs,
  });

  it('have an unknown breaker until they were told what happened before (S7)', async () => {
    const windows = createMemoryWindows({ clock: createManualClock() });
    expect((await windows.view(place)).breaker.state).toBe('unknown');
    windows.hydrate([]);
    expect((await windows.view(place)).breaker.state).toBe('closed');
  });

  it('have an unknown breaker until they have watched for 10 min, when nobody can tell', async () => {
    const clock = createManualClock();
    const windows = createMemoryWindows({ clock });
    await clock.advance(10 * MINUTE_MS - 1);
    expect((await windows.view(place)).breaker.state).toBe('unknown');
    await clock.advance(1);
    expect((await windows.view(place)).breaker.state).toBe('closed');
  });

  it('open the breaker again that was open, for as long as it was (S7)', async () => {
    const clock = createManualClock();
    const history = ['a', 'b', 'c', 'd', 'e', 'f'].map((service) => failure(service, 3 * MINUTE_MS));
    const windows = createMemoryWindows({ clock, history });
    expect((await windows.view(place)).breaker).toEqual({
      state: 'open',
      services: 6,
      maxServices: 5,
      openForMs: 3 * MINUTE_MS,
    });
    await clock.advance(7 * MINUTE_MS);
    expect((await windows.view(place)).breaker).toMatchObject({ state: 'closed', services: 0 });
  });

  it('keep the hysteresis: what opened 12 min ago and never fell below the lower threshold is still open', async () => {
    const opened = ['a', 'b', 'c', 'd', 'e', 'f'].map((service) => failure(service, 12 * MINUTE_MS));
    const since = ['a', 'b', 'c'].map((service) => ({
      ...failure(service, 5 * MINUTE_MS),
      eventId: `later/${service}`,
    }));
    const windows = createMemoryWindows({ clock: createManualClock(), history: [...since, ...opened] });
    expect((await windows.view(place)).breaker).toMatchObject({
      state: 'open',
      services: 3,
      openForMs: 12 * MINUTE_MS,
    });
  });

  it('keep a breaker open that opened before the history arrived, also when the history alone would not', async () => {
    const clock = createManualClock();
    const windows = createMemoryWindows({ clock });
    const fail = (service: string, round: number) =>
      windows.observe({ eventId: `${service}/${round}`, region: 'r', service, entity: 'host' });
    await clock.advance(10 * MINUTE_MS);
    for (const service of ['a', 'b', 'c', 'd', 'e', 'f']) await fail(service, 1);
    await clock.advance(5 * MINUTE_MS);
    for (const service of ['a', 'b', 'c']) await fail(service, 2);
    await clock.advance(5 * MINUTE_MS);
    windows.hydrate([]);
    expect((await windows.view(place)).breaker).toMatchObject({
      state: 'open',
      services: 3,
      openForMs: 10 * MINUTE_MS,
    });
  });

  it('add what was received before the history arrived, count every event once, and know its ids', async () => {
    const clock = createManualClock();
    const windows = createMemoryWindows({ clock });
    await windows.observe({ eventId: 'test/x', region: 'r', service: 'web', entity: 'web-1' });
    await clock.advance(1_000);
    const history = [
      { eventId: 'test/y', region: 'r', service: 'web', entity: 'web-2', ageMs: 2 * MINUTE_MS },
    ];
    windows.hydrate(history);
    windows.hydrate(history);
    expect((await windows.view(place)).entities).toBe(2);
    for (const eventId of ['test/x', 'test/y']) {
      expect(await windows.observe({ eventId, region: 'r', service: 'web', entity: 'web-3' })).toMatchObject({
        firstSeen: false,
        entities: 2,
      });
    }
  });
});

describe('windows in a storm', () => {
  it('store at most their bound and count above every limit beyond it (S7, L5)', async () => {
    const clock = createManualClock();
    const windows = createMemoryWindows({
      clock,
      history: [],
      maxStoredEntities: 100,
      maxStoredEntitiesPerService: 30,
    });
    let last = await windows.view(place);
    for (let host = 0; host < 31; host += 1) {
      last = await windows.observe({
        eventId: `w/${host}`,
        region: 'r',
        service: 'web',
        entity: `web-${host}`,
      });
    }
    expect(last.entities).toBe(Number.MAX_SAFE_INTEGER);
    for (let service = 0; service < 100; service += 1) {
      await windows.observe({ eventId: `s/${service}`, region: 'r', service: `s${service}`, entity: 'host' });
    }
    expect((await windows.view({ region: 'r', service: 's99' })).entities).toBe(Number.MAX_SAFE_INTEGER);
    await clock.advance(10 * MINUTE_MS);
    expect(await windows.view(place)).toMatchObject({
      entities: 0,
      breaker: { state: 'closed', services: 0 },
    });
    expect(
      (await windows.observe({ eventId: 'n/1', region: 'r', service: 'web', entity: 'web-1' })).entities,
    ).toBe(1);
  });
});

describe('locks in memory', () => {
  const target = { kind: 'host', service: 'web', host: 'i-1' } as const;

  it('renew at a third of their TTL', async () => {
    const clock = createManualClock();
    const locks = createMemoryLocks({ clock });
    const grant = await locks.acquire({ target, holder: 'd1', ttlMs: 30_000 });
    if (!grant.granted) throw new Error('not granted');
    await clock.advance(9_999);
    expect(grant.lease.remainingMs()).toBe(20_001);
    await clock.advance(1);
    expect(grant.lease.remainingMs()).toBe(30_000);
    await locks.close();
  });

  it('abort every lease when they are closed, and leave no sleep behind', async () => {
    const clock = createManualClock();
    const locks = createMemoryLocks({ clock });
    const grant = await locks.acquire({ target, holder: 'd1', ttlMs: 30_000 });
    await locks.close();
    await clock.settle();
    expect(grant.granted && grant.lease.signal.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('carry a higher epoch when they are made again a second later', async () => {
    const clock = createManualClock();
    const first = await createMemoryLocks({ clock }).acquire({ target, holder: 'd1', ttlMs: 3_000 });
    await clock.advance(1_000);
    const second = await createMemoryLocks({ clock }).acquire({ target, holder: 'd2', ttlMs: 3_000 });
    if (!first.granted || !second.granted) throw new Error('not granted');
    expect(second.lease.token.epoch).toBeGreaterThan(first.lease.token.epoch);
  });

  it('refuse an unknown option with its name', () => {
    expect(() => createMemoryLocks({ clock: createManualClock(), epok: 3 } as never)).toThrow(/epok/);
  });
});

describe('windows under a bound on all entities', () => {
  it('count on after 40 hosts of one busy service failed and were forgotten, with room for 10 at a time', async () => {
    const clock = createManualClock();
    const windows = createMemoryWindows({ clock, maxStoredEntities: 10, history: [] });
    const observe = (entity: string) =>
      windows.observe({ eventId: `${entity}@${clock.now()}`, region: 'r', service: 'web', entity });
    for (let host = 0; host < 40; host += 1) {
      await observe('web-always');
      expect((await observe(`web-${host}`)).entities).toBeLessThanOrEqual(3);
      await clock.advance(9 * MINUTE_MS);
      await windows.view(place);
    }
  });
});

describe('budgets after a restart', () => {
  const charge = { decisionId: 'd1', service: 'web', zone: 'a', account: '1', region: 'r' };

  it('have nothing left until they were told what was spent before (S6)', async () => {
    const budgets = createMemoryBudgets({ clock: createManualClock() });
    await expect(budgets.reserve(charge)).rejects.toMatchObject({ code: 'LZ_BUDGET_UNAVAILABLE' });
    expect(await budgets.holds('d1')).toBe(false);
    budgets.hydrate([]);
    expect(await budgets.reserve(charge)).toMatchObject({ granted: true });
  });

  it('remember what is in flight and what was done within the hour', async () => {
    const clock = createManualClock();
    const done = ['d2', 'd3'].map((decisionId) => ({
      charge: { ...charge, decisionId },
      settledAgeMs: 59 * MINUTE_MS,
    }));
    const budgets = createMemoryBudgets({ clock, history: [{ charge }, ...done] });
    expect(budgets.inFlight()).toEqual([charge]);
    await budgets.settle('d1', { effects: true });
    expect(await budgets.peek({ ...charge, decisionId: 'd4' })).toMatchObject({ bound: 'per_hour', used: 3 });
    await clock.advance(MINUTE_MS);
    expect(await budgets.peek({ ...charge, decisionId: 'd4' })).toMatchObject({ granted: true, perHour: 2 });
  });
});

describe('pauses in memory', () => {
  const pause: Pause = { scope: {}, author: 'ada', reason: 'storm', since: '2026-01-01T00:00:00Z' };

  it('are in effect although saving them failed, and stay in effect when saving their end fails (S14)', async () => {
    const saved: (readonly Pause[])[] = [];
    let isBroken = true;
    const pauses = createMemoryPauses({
      clock: createManualClock(),
      save: async (list) => {
        if (isBroken) throw new Error('disk full');
        saved.push(list);
      },
    });
    await expect(pauses.set(pause)).rejects.toThrow('disk full');
    expect(await pauses.active(place)).toEqual(pause);
    await expect(pauses.clear({}, { author: 'ada', reason: 'over' })).rejects.toThrow('disk full');
    expect(await pauses.active(place)).toEqual(pause);
    isBroken = false;
    expect(await pauses.clear({}, { author: 'ada', reason: 'over' })).toBe(1);
    expect(saved).toEqual([[]]);
  });

  it('refuse a pause without a reason', async () => {
    const pauses = createMemoryPauses({ clock: createManualClock() });
    await expect(pauses.set({ ...pause, reason: '' })).rejects.toMatchObject({ code: 'LZ_OPTION_INVALID' });
  });
});

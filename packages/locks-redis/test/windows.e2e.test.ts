import { createSystemClock } from '@lazarus/core';
import type { BreakerBounds } from '@lazarus/core/gates';
import { createManualClock } from '@lazarus/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectRedis, createRedisWindows } from '../src/index.ts';
import type { RedisServer } from '../../../tools/redis-server.ts';
import { startRedis, whyNoRedis, withRedis } from '../../../tools/redis-server.ts';

const WINDOW_MS = 600_000;
const place = { region: 'r', service: 'web', entity: 'h' };
let server: RedisServer;
let stores = 0;

/** Windows on an empty store, whose server has the time of a clock in our hands. */
async function begin(thresholds?: () => BreakerBounds) {
  const prefix = `windows-${(stores += 1)}`;
  const time = createManualClock({ wallMs: Date.now() + 60_000 });
  const clock = createSystemClock();
  const options = { url: server.url, prefix, graceMs: 0, deadlineMs: 5_000, clock };
  const redis = await connectRedis({ ...options, serverNow: () => time.now() });
  const windows = createRedisWindows({
    redis,
    clock,
    breaker: { windowMs: WINDOW_MS },
    history: async () => [],
    ...(thresholds === undefined ? {} : { thresholds }),
  });
  await windows.hydrate([]);
  return {
    time,
    windows,
    ttlOf: (name: string) => server.admin.pttl(`{${prefix}}:win:r:${name}`),
    close: async () => {
      await windows.close();
      await redis.close();
    },
  };
}

async function expiresSet(): Promise<number> {
  const stats = await server.admin.info('commandstats');
  return Number(/cmdstat_pexpire:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

describe.skipIf(whyNoRedis() !== undefined)(withRedis('the keys of a region'), () => {
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it('have their TTL set once for 50 events one after the other', async () => {
    const { windows, ttlOf, close } = await begin();
    await windows.observe({ ...place, eventId: 'first' });
    const before = await expiresSet();
    for (let n = 0; n < 50; n += 1) await windows.observe({ ...place, eventId: `e/${n}`, service: `s${n}` });
    expect(await expiresSet()).toBe(before);
    for (const name of ['region', 'services']) expect(await ttlOf(name)).toBeGreaterThan(2 * WINDOW_MS);
    await close();
  });

  it('S7: are judged by the thresholds in force: lower ones open at the next event, higher ones leave it open', async () => {
    let maxServices = 5;
    const { windows, time, close } = await begin(() => ({ maxServices, closeBelow: 1, minOpenMs: 120_000 }));
    const fail = (service: string, id: string) => windows.observe({ ...place, service, eventId: id });
    for (const service of ['a', 'b', 'c'])
      expect((await fail(service, service)).breaker.state).toBe('closed');
    maxServices = 2;
    expect((await fail('c', 'd')).breaker).toMatchObject({ state: 'open', services: 3, maxServices: 2 });
    maxServices = 9;
    await time.advance(120_000);
    expect((await windows.view(place)).breaker).toMatchObject({ state: 'open', maxServices: 9 });
    await time.advance(WINDOW_MS);
    expect((await windows.view(place)).breaker.state).toBe('closed');
    await close();
  });

  it('S7: are judged by the thresholds in force also in the history: 4 services 9 min ago are above 2, and stay so', async () => {
    const { windows, close } = await begin(() => ({ maxServices: 2, closeBelow: 1, minOpenMs: 120_000 }));
    const failed = (service: string, ageMs: number) => ({
      ...place,
      service,
      eventId: `${service}/${ageMs}`,
      ageMs,
    });
    await windows.hydrate([
      ...['a', 'b', 'c', 'd'].map((service) => failed(service, 599_000)),
      ...['a', 'b'].map((service) => failed(service, 100_000)),
    ]);
    const { breaker } = await windows.view(place);
    expect(breaker).toMatchObject({ state: 'open', maxServices: 2 });
    expect(breaker.openForMs).toBeGreaterThanOrEqual(599_000);
    await close();
  });

  it('have a TTL again when the agenda of services begins anew', async () => {
    const { windows, time, ttlOf, close } = await begin();
    await windows.view(place);
    await windows.observe({ ...place, eventId: 'first' });
    expect(await ttlOf('services')).toBeGreaterThan(2 * WINDOW_MS);
    await time.advance(WINDOW_MS + 1);
    await windows.view(place);
    expect(await ttlOf('services')).toBe(-2);
    await windows.observe({ ...place, eventId: 'second' });
    expect(await ttlOf('services')).toBeGreaterThan(2 * WINDOW_MS);
    await close();
  });
});

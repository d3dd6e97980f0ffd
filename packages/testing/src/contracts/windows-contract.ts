import type { AgedObservation } from '@lazarus/core/memory';
import type { Windows, WindowView } from '@lazarus/core/ports';
import type { ContractRunner } from './runner.ts';

/** What a windows adapter provides to be examined. Nothing was received before, and that is known. */
export interface WindowsHarness {
  /** Two clients of one store, as two nodes would have. */
  readonly nodes: readonly [Windows, Windows];
  /** Adds what one node knows from before. */
  addHistory(past: readonly AgedObservation[]): Promise<void>;
  elapse(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** Bounds that the harness must set. */
export interface WindowsContractBounds {
  readonly windowMs: number;
  readonly maxServices: number;
  readonly closeBelow: number;
  readonly minOpenMs: number;
}

/** What every `Windows` adapter promises (S7). `tickMs` is a time that is surely noticed and far below the window. */
export function describeWindowsContract(
  runner: ContractRunner,
  options: {
    readonly name: string;
    readonly windowMs: number;
    readonly tickMs: number;
    readonly create: (bounds: WindowsContractBounds) => Promise<WindowsHarness>;
  },
): void {
  const { describe, it, expect } = runner;
  const { windowMs, tickMs } = options;
  const bounds: WindowsContractBounds = { windowMs, maxServices: 3, closeBelow: 2, minOpenMs: tickMs };
  let count = 0;
  const observe = (
    windows: Windows,
    service: string,
    entity: string,
    region = 'r',
  ): ReturnType<Windows['observe']> => {
    count += 1;
    return windows.observe({ eventId: `test/${count}`, region, service, entity });
  };
  const using =
    (body: (harness: WindowsHarness) => Promise<void>): (() => Promise<void>) =>
    async () => {
      const harness = await options.create(bounds);
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    };
  const entitiesOf = (view: WindowView): number => view.entities;

  describe(`windows contract: ${options.name}`, () => {
    it(
      'counts unique entities of a service over both nodes',
      using(async ({ nodes: [a, b] }) => {
        expect(entitiesOf(await observe(a, 'web', 'web-1'))).toBe(1);
        expect(entitiesOf(await observe(b, 'web', 'web-1'))).toBe(1);
        expect(entitiesOf(await observe(b, 'web', 'web-2'))).toBe(2);
        expect(entitiesOf(await observe(a, 'api', 'web-1'))).toBe(1);
        expect(entitiesOf(await observe(a, 'web', 'web-1', 'other'))).toBe(1);
        expect(await a.view({ region: 'r', service: 'web' })).toMatchObject({ entities: 2, windowMs });
      }),
    );

    it(
      'counts an event id once, on whichever node it arrives',
      using(async ({ nodes: [a, b] }) => {
        const observation = { eventId: 'nagios/1', region: 'r', service: 'web', entity: 'web-1' };
        expect(await a.observe(observation)).toMatchObject({ firstSeen: true, entities: 1 });
        expect(await b.observe(observation)).toMatchObject({ firstSeen: false, entities: 1 });
        expect(await b.observe({ ...observation, entity: 'web-2' })).toMatchObject({
          firstSeen: false,
          entities: 1,
        });
      }),
    );

    it(
      'forgets an entity a whole window after its last event, not after its first',
      using(async ({ nodes: [a], elapse }) => {
        await observe(a, 'web', 'web-1');
        await observe(a, 'web', 'web-2');
        await elapse(windowMs - 2 * tickMs);
        expect(entitiesOf(await observe(a, 'web', 'web-1'))).toBe(2);
        await elapse(4 * tickMs);
        expect(entitiesOf(await a.view({ region: 'r', service: 'web' }))).toBe(1);
        await elapse(windowMs);
        expect(entitiesOf(await a.view({ region: 'r', service: 'web' }))).toBe(0);
      }),
    );

    it(
      'opens the region circuit at the service after the last that is allowed, for every service of the region',
      using(async ({ nodes: [a, b] }) => {
        for (const service of ['s1', 's2', 's3', 's3']) {
          expect((await observe(a, service, 'h')).breaker.state).toBe('closed');
        }
        expect((await observe(b, 's4', 'h')).breaker).toMatchObject({
          state: 'open',
          services: 4,
          maxServices: 3,
        });
        expect((await a.view({ region: 'r', service: 'unrelated' })).breaker.state).toBe('open');
        expect((await a.view({ region: 'other', service: 's1' })).breaker).toMatchObject({
          state: 'closed',
          openForMs: 0,
        });
      }),
    );

    it(
      'counts while it is open, and closes by itself below the lower threshold',
      using(async ({ nodes: [a], elapse }) => {
        for (const service of ['s1', 's2', 's3', 's4']) await observe(a, service, 'h');
        await elapse(windowMs - 2 * tickMs);
        await observe(a, 's1', 'h');
        await observe(a, 's2', 'h');
        await elapse(4 * tickMs);
        const between = await a.view({ region: 'r', service: 's1' });
        expect(between.breaker).toMatchObject({ state: 'open', services: 2 });
        expect(between.breaker.openForMs).toBeGreaterThan(0);
        await elapse(windowMs);
        expect((await a.view({ region: 'r', service: 's1' })).breaker).toMatchObject({
          state: 'closed',
          services: 0,
        });
      }),
    );

    it(
      'counts what was received while the clock was ahead as received now, and opens for it',
      using(async ({ nodes: [, b], addHistory, elapse }) => {
        const past = ['s1', 's2', 's3', 's4'].map((service, index) => ({
          eventId: `ahead/${service}`,
          region: 'r',
          service,
          entity: 'h',
          ageMs: -1 - index * windowMs,
        }));
        await addHistory(past);
        expect(await b.view({ region: 'r', service: 's4' })).toMatchObject({
          breaker: { state: 'open', services: 4 },
          entities: 1,
        });
        await addHistory(past);
        await elapse(windowMs + tickMs);
        expect(await b.view({ region: 'r', service: 's4' })).toMatchObject({
          breaker: { state: 'closed', services: 0 },
          entities: 0,
        });
      }),
    );

    it(
      'looks without counting',
      using(async ({ nodes: [a] }) => {
        for (let look = 0; look < 5; look += 1) await a.view({ region: 'r', service: `s${look}` });
        expect((await a.view({ region: 'r', service: 's1' })).breaker).toMatchObject({
          state: 'closed',
          services: 0,
        });
      }),
    );

    it(
      'tells when so few entities are left that it goes on, if nothing else fails',
      using(async ({ nodes: [a, b], elapse }) => {
        const place = { region: 'r', service: 'web' };
        expect((await b.clearsInMs?.(place, 0)) ?? 0).toBe(0);
        await observe(a, 'web', 'web-1');
        await elapse(2 * tickMs);
        await observe(a, 'web', 'web-2');
        const clears = async (max: number): Promise<number | undefined> => b.clearsInMs?.(place, max);
        if (b.clearsInMs === undefined) return;
        expect(await clears(2)).toBe(0);
        expect(await clears(-1)).toBeUndefined();
        const [one, both] = [(await clears(1)) ?? 0, (await clears(0)) ?? 0];
        expect(one).toBeGreaterThan(0);
        expect(one).toBeLessThanOrEqual(windowMs - 2 * tickMs);
        expect(both - one).toBeGreaterThan(tickMs);
        await elapse(one);
        expect(await clears(1)).toBe(0);
      }),
    );

    it(
      'agrees on the count after 50 simultaneous events on two nodes',
      using(async ({ nodes }) => {
        await Promise.all(
          Array.from({ length: 50 }, async (_, index) =>
            observe(nodes[index % 2 === 0 ? 0 : 1], 'web', `web-${index % 10}`),
          ),
        );
        for (const node of nodes)
          expect(entitiesOf(await node.view({ region: 'r', service: 'web' }))).toBe(10);
      }),
    );
  });
}

import { createLocalRing, createMemoryWindows } from '@lazarus/core/memory';
import type { Windows } from '@lazarus/core/ports';
import { createManualClock } from '@lazarus/testing';
import { describeWindowsContract } from '@lazarus/testing/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const WINDOW_MS = 600_000;
const place = { region: 'r', service: 'web' };

describeWindowsContract(
  { describe, it, expect },
  {
    name: 'a ring of each node beside shared memory',
    windowMs: WINDOW_MS,
    tickMs: 1_000,
    create: async (breaker) => {
      const clock = createManualClock();
      const shared = createMemoryWindows({ clock, breaker, history: [] });
      const ring = () => createLocalRing({ breaker }, { shared, clock });
      return {
        nodes: [ring(), ring()],
        addHistory: async (past) => shared.hydrate(past),
        elapse: (ms) => clock.advance(ms),
        close: async () => {},
      };
    },
  },
);

/** A shared store that can lose everything, as one that fails over to an empty replica does. */
function createForgetfulStore(clock: ReturnType<typeof createManualClock>, breaker: { maxServices: number }) {
  let current = createMemoryWindows({ clock, breaker, history: [] });
  const windows: Windows = {
    observe: (observation) => current.observe(observation),
    view: (scope) => current.view(scope),
  };
  return {
    windows,
    forget: () => {
      current = createMemoryWindows({ clock, breaker, history: [] });
    },
  };
}

interface Seen {
  readonly node: number;
  readonly service: string;
  readonly entity: string;
  readonly atMs: number;
}

const distinct = (seen: readonly Seen[], key: (each: Seen) => string): number => new Set(seen.map(key)).size;

describe('a local ring', () => {
  it('S7: shows the higher of a naive count of the shared store and of its own, also when the store forgets', async () => {
    const step = fc.oneof(
      {
        weight: 12,
        arbitrary: fc.record({
          node: fc.integer({ min: 0, max: 1 }),
          service: fc.constantFrom('web', 'api', 'db', 'cache', 'queue'),
          entity: fc.constantFrom('h1', 'h2', 'h3'),
          afterMs: fc.constantFrom(0, 1_000, 60_000, 200_000),
        }),
      },
      { weight: 1, arbitrary: fc.constant('forget' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clock = createManualClock();
        const breaker = { maxServices: 2, closeBelow: 2, minOpenMs: 0 };
        const store = createForgetfulStore(clock, breaker);
        const nodes = [0, 1].map(() => createLocalRing({ breaker }, { shared: store.windows, clock }));
        let received: Seen[] = [];
        let stored: Seen[] = [];
        for (const [at, each] of steps.entries()) {
          if (each === 'forget') {
            store.forget();
            stored = [];
            continue;
          }
          await clock.advance(each.afterMs);
          const nowMs = clock.monotonic();
          const seen = { ...each, atMs: nowMs };
          received = [...received, seen].filter(({ atMs }) => nowMs - atMs < WINDOW_MS);
          stored = [...stored, seen].filter(({ atMs }) => nowMs - atMs < WINDOW_MS);
          const { node, service, entity } = each;
          const view = await nodes[node]?.observe({ eventId: `e/${at}`, region: 'r', service, entity });
          const own = received.filter((other) => other.node === node);
          const entitiesIn = (list: readonly Seen[]) =>
            distinct(
              list.filter((other) => other.service === service),
              (other) => other.entity,
            );
          const servicesIn = (list: readonly Seen[]) => distinct(list, (other) => other.service);
          expect(view?.entities).toBe(Math.max(entitiesIn(stored), entitiesIn(own)));
          expect(view?.breaker.services).toBe(Math.max(servicesIn(stored), servicesIn(own)));
          expect(view?.counted?.shared).toMatchObject({
            entities: entitiesIn(stored),
            services: servicesIn(stored),
          });
          expect(view?.counted?.local).toMatchObject({
            entities: entitiesIn(own),
            services: servicesIn(own),
          });
          if (servicesIn(stored) > 2 || servicesIn(own) > 2) expect(view?.breaker.state).toBe('open');
          if (view?.counted?.shared.breaker === 'closed' && view.counted.local.breaker === 'closed')
            expect(view.breaker).toMatchObject({ state: 'closed', openForMs: 0 });
        }
      }),
      { numRuns: 200 },
    );
  });

  it('S7: keeps the region closed to actions when the shared store was cleared in the middle of a storm', async () => {
    const clock = createManualClock();
    const breaker = { maxServices: 5 };
    const store = createForgetfulStore(clock, breaker);
    const node = createLocalRing({ breaker }, { shared: store.windows, clock });
    for (const service of ['a', 'b', 'c', 'd', 'e', 'f'])
      await node.observe({ eventId: service, region: 'r', service, entity: 'h' });
    store.forget();
    await clock.advance(1_000);
    expect(await node.view(place)).toMatchObject({
      breaker: { state: 'open', services: 6, openForMs: 1_000 },
      counted: { shared: { services: 0, breaker: 'closed' }, local: { services: 6, breaker: 'open' } },
    });
  });

  it('S7: is as unknown as the shared view, and never because of itself', async () => {
    const clock = createManualClock();
    const unknown = createLocalRing({}, { shared: createMemoryWindows({ clock }), clock });
    expect((await unknown.view(place)).breaker.state).toBe('unknown');
    const known = createLocalRing({}, { shared: createMemoryWindows({ clock, history: [] }), clock });
    expect((await known.view(place)).breaker.state).toBe('closed');
  });

  it('S7: gives no answer while the shared store gives none, and counts meanwhile', async () => {
    const clock = createManualClock();
    const store = createMemoryWindows({ clock, history: [] });
    let isAway = true;
    const shared: Windows = {
      observe: async (observation) =>
        isAway ? Promise.reject(new Error('away')) : store.observe(observation),
      view: (scope) => store.view(scope),
    };
    const node = createLocalRing({}, { shared, clock });
    const event = { eventId: 'e/1', region: 'r', service: 'web', entity: 'h1' };
    await expect(node.observe(event)).rejects.toThrow('away');
    isAway = false;
    expect(await node.view(place)).toMatchObject({
      entities: 1,
      counted: { shared: { entities: 0 }, local: { entities: 1 } },
    });
  });

  it('goes on where it was, when it is told what this node received', async () => {
    const clock = createManualClock();
    const history = [{ eventId: 'e/1', region: 'r', service: 'web', entity: 'h1', ageMs: 60_000 }];
    const shared = createMemoryWindows({ clock, history: [] });
    const node = createLocalRing({}, { shared, clock, history });
    expect((await node.view(place)).counted).toMatchObject({
      shared: { entities: 0 },
      local: { entities: 1 },
    });
  });
});

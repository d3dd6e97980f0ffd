import { createLocalRing, createMemoryWindows } from '@lazarus/core/memory';
import type { BreakerBounds } from '@lazarus/core/gates';
import type { Windows } from '@lazarus/core/ports';
import { createManualClock } from '@lazarus/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const MINUTE_MS = 60_000;
const bounds = (maxServices: number, closeBelow = 1): BreakerBounds => ({
  maxServices,
  closeBelow,
  minOpenMs: 2 * MINUTE_MS,
});

function world(first: BreakerBounds, kind: 'memory' | 'local ring' = 'memory') {
  const clock = createManualClock();
  let inForce = first;
  let events = 0;
  const thresholds = (): BreakerBounds => inForce;
  const own = createMemoryWindows({ clock, breaker: first, thresholds, history: [] });
  const windows: Windows =
    kind === 'memory' ? own : createLocalRing({ breaker: first }, { shared: own, clock, thresholds });
  const look = async () => (await windows.view({ region: 'r', service: 'web' })).breaker;
  const fail = async (service: string) =>
    (await windows.observe({ eventId: `e${(events += 1)}`, region: 'r', service, entity: 'h' })).breaker;
  return { clock, look, fail, use: (next: BreakerBounds) => (inForce = next) };
}

describe.each(['memory', 'local ring'] as const)('other thresholds of the breaker, in %s', (kind) => {
  it('S7: open it at the next event when they are lower than what is counted already', async () => {
    const { fail, use } = world(bounds(5), kind);
    for (const service of ['a', 'b', 'c']) expect((await fail(service)).state).toBe('closed');
    use(bounds(2));
    expect(await fail('c')).toMatchObject({ state: 'open', services: 3, maxServices: 2 });
  });

  it('S7: leave it open when they are higher, until they let it close', async () => {
    const { clock, fail, look, use } = world(bounds(1), kind);
    for (const service of ['a', 'b', 'c']) await fail(service);
    use(bounds(10, 3));
    expect((await look()).state).toBe('open');
    await clock.advance(2 * MINUTE_MS);
    expect(await look()).toMatchObject({ state: 'open', services: 3, maxServices: 10 });
    use(bounds(10, 4));
    expect((await look()).state).toBe('closed');
  });
});

describe('a history', () => {
  it('S7: is judged by the thresholds in force: 4 services 9 min ago are above 2, and 2 since then keep it open', async () => {
    const failed = (service: string, ageMs: number) => ({
      eventId: `${service}/${ageMs}`,
      region: 'r',
      service,
      entity: 'h',
      ageMs,
    });
    const windows = createMemoryWindows({
      clock: createManualClock(),
      breaker: bounds(5),
      thresholds: () => bounds(2),
      history: [
        ...['a', 'b', 'c', 'd'].map((service) => failed(service, 9 * MINUTE_MS)),
        ...['a', 'b'].map((service) => failed(service, MINUTE_MS)),
      ],
    });
    const { breaker } = await windows.view({ region: 'r', service: 'web' });
    expect(breaker).toMatchObject({ state: 'open', maxServices: 2, openForMs: 9 * MINUTE_MS });
  });
});

describe('a breaker whose thresholds change at any time', () => {
  const step = fc.oneof(
    fc.record({ fail: fc.constantFrom('a', 'b', 'c', 'd', 'e') }),
    fc.record({ use: fc.integer({ min: 0, max: 5 }) }),
    fc.record({ waitMs: fc.integer({ min: 0, max: 12 * MINUTE_MS }) }),
  );

  it('S7: is never closed above the threshold in force, and opens and closes by that one alone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        let max = 3;
        let openedAtMs: number | undefined;
        const { clock, fail, look, use } = world(bounds(max));
        for (const each of steps) {
          if ('use' in each) use(bounds((max = each.use)));
          if ('waitMs' in each) await clock.advance(each.waitMs);
          const view = 'fail' in each ? await fail(each.fail) : await look();
          expect(view.maxServices).toBe(max);
          if (view.services > max) expect(view.state).toBe('open');
          const nowMs = clock.monotonic();
          if (view.state === 'open') openedAtMs ??= nowMs;
          else if (openedAtMs !== undefined) {
            // It closed: it was open for long enough, and nothing at all fails any more.
            expect(nowMs - openedAtMs).toBeGreaterThanOrEqual(2 * MINUTE_MS);
            expect(view.services).toBe(0);
            openedAtMs = undefined;
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});

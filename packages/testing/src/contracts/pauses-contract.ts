import type { Pause, Pauses } from '@lazarus/core/ports';
import type { ContractRunner } from './runner.ts';

/** What a pauses adapter provides to be examined; no pause is set. */
export interface PausesHarness {
  /** Two clients of one store, as two nodes would have. */
  readonly nodes: readonly [Pauses, Pauses];
  /** Wall time of the store, milliseconds since the epoch. */
  now(): number;
  elapse(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** What every `Pauses` adapter promises (S14). `tickMs` is a time that is surely noticed. */
export function describePausesContract(
  runner: ContractRunner,
  options: { readonly name: string; readonly tickMs: number; readonly create: () => Promise<PausesHarness> },
): void {
  const { describe, it, expect } = runner;
  const place = { region: 'r', service: 'web' };
  const by = { author: 'ada', reason: 'over' };
  const using =
    (body: (harness: PausesHarness) => Promise<void>): (() => Promise<void>) =>
    async () => {
      const harness = await options.create();
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    };
  const pause = (harness: PausesHarness, scope: Pause['scope'], forMs?: number): Pause => ({
    scope,
    author: 'ada',
    reason: 'maintenance',
    since: new Date(harness.now()).toISOString(),
    ...(forMs === undefined ? {} : { until: new Date(harness.now() + forMs).toISOString() }),
  });

  describe(`pauses contract: ${options.name}`, () => {
    it(
      'reports no pause when none is set',
      using(async ({ nodes: [a] }) => {
        expect(await a.active(place)).toBeUndefined();
        expect(await a.list()).toEqual([]);
      }),
    );

    it(
      'shows a pause to every node, with author and reason, where it applies and nowhere else',
      using(async (harness) => {
        const [a, b] = harness.nodes;
        const wanted = pause(harness, { region: 'r' });
        await a.set(wanted);
        expect(await b.active(place)).toEqual(wanted);
        expect(await b.active({ region: 'other', service: 'web' })).toBeUndefined();
        await a.set(pause(harness, {}));
        expect(await b.active({ region: 'other', service: 'web' })).toMatchObject({ scope: {} });
      }),
    );

    it(
      'ends a pause at its time',
      using(async (harness) => {
        const [a, b] = harness.nodes;
        await a.set(pause(harness, { service: 'web' }, 4 * options.tickMs));
        expect(await b.active(place)).toMatchObject({ author: 'ada' });
        await harness.elapse(5 * options.tickMs);
        expect(await b.active(place)).toBeUndefined();
        expect(await b.list()).toEqual([]);
      }),
    );

    it(
      'lifts the pauses with exactly the given scope and counts them',
      using(async (harness) => {
        const [a, b] = harness.nodes;
        await a.set(pause(harness, { region: 'r' }));
        await a.set(pause(harness, { region: 'r' }, 1_000_000));
        await a.set(pause(harness, {}));
        expect(await b.clear({ region: 'r' }, by)).toBe(2);
        expect(await a.active(place)).toMatchObject({ scope: {} });
        expect(await b.clear({ region: 'r' }, by)).toBe(0);
        expect(await b.clear({}, by)).toBe(1);
        expect(await a.active(place)).toBeUndefined();
      }),
    );
  });
}

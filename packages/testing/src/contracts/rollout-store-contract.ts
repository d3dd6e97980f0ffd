import type { RolloutRecord, RolloutStore } from '@lazarus/core/ports';
import type { ContractRunner } from './runner.ts';

/** What an adapter of the rollout store provides to be examined; it holds nothing, and that is known. */
export interface RolloutStoreHarness {
  /** Two clients of one store, as two nodes would have. */
  readonly nodes: readonly [RolloutStore, RolloutStore];
  close(): Promise<void>;
}

/** What every `RolloutStore` promises (S15). */
export function describeRolloutStoreContract(
  runner: ContractRunner,
  options: { readonly name: string; readonly create: () => Promise<RolloutStoreHarness> },
): void {
  const { describe, it, expect } = runner;
  const record = (profile: string, epoch: number, because = 'the profile was edited'): RolloutRecord => ({
    profile,
    epoch,
    accepted: {
      edit: 'before',
      document: { kind: 'profile', path: 'profiles/fleet.yaml', text: 'profile: fleet # "½" | {}\n' },
    },
    rollout: {
      edit: 'after',
      status: 'rolling',
      wave: 0,
      cutoffs: [17, 4_294_967_296],
      waveSinceMs: 1_760_000_000_123,
      outcomes: [],
      because,
    },
  });
  const using =
    (body: (harness: RolloutStoreHarness) => Promise<void>): (() => Promise<void>) =>
    async () => {
      const harness = await options.create();
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    };

  describe(`rollout store contract: ${options.name}`, () => {
    it(
      'gives every node back what was saved, word for word',
      using(async ({ nodes: [a, b] }) => {
        expect(await b.load()).toEqual([]);
        expect(await a.save(record('fleet', 1))).toBe(true);
        expect(await a.save(record('edge', 1))).toBe(true);
        const byName = [...(await b.load())].sort((left, right) => (left.profile < right.profile ? -1 : 1));
        expect(byName).toEqual([record('edge', 1), record('fleet', 1)]);
      }),
    );

    it(
      'S15: replaces a record only by the one that follows it',
      using(async ({ nodes: [a, b] }) => {
        expect(await a.save(record('fleet', 2))).toBe(false);
        expect(await a.save(record('fleet', 1))).toBe(true);
        for (const epoch of [0, 1, 3]) expect(await b.save(record('fleet', epoch, 'late'))).toBe(false);
        expect(await b.load()).toEqual([record('fleet', 1)]);
        expect(await b.save(record('fleet', 2, 'a wave went well'))).toBe(true);
        expect(await a.load()).toEqual([record('fleet', 2, 'a wave went well')]);
      }),
    );

    it(
      'S15: takes one of 20 records that are saved at the same time',
      using(async ({ nodes }) => {
        const writers = Array.from({ length: 20 }, (_, at) => `node ${at}`);
        const saved = await Promise.all(
          writers.map((name, at) => nodes[at % 2 === 0 ? 0 : 1].save(record('fleet', 1, name))),
        );
        expect(saved.filter(Boolean).length).toBe(1);
        const winner = writers[saved.indexOf(true)] ?? 'nobody';
        expect(await nodes[0].load()).toEqual([record('fleet', 1, winner)]);
      }),
    );

    it(
      'keeps a record without a rollout, when everybody has the edit',
      using(async ({ nodes: [a, b] }) => {
        await a.save(record('fleet', 1));
        const { rollout: _, ...done } = record('fleet', 2);
        expect(await b.save(done)).toBe(true);
        expect(await a.load()).toEqual([done]);
      }),
    );
  });
}

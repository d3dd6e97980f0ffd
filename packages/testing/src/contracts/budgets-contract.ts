import type { BudgetCharge, Budgets } from '@lazarus/core/ports';
import type { ContractRunner } from './runner.ts';

/** What a budgets adapter provides to be examined: default bounds, nothing spent, and an hour of `hourMs`. */
export interface BudgetsHarness {
  /** Two clients of one store, as two nodes would have. */
  readonly nodes: readonly [Budgets, Budgets];
  elapse(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** What every `Budgets` adapter promises (S5, S6). */
export function describeBudgetsContract(
  runner: ContractRunner,
  options: {
    readonly name: string;
    readonly hourMs: number;
    readonly create: (hourMs: number) => Promise<BudgetsHarness>;
  },
): void {
  const { describe, it, expect } = runner;
  const charge = (decisionId: string, overrides: Partial<BudgetCharge> = {}): BudgetCharge => ({
    decisionId,
    service: 'web',
    zone: 'a',
    account: '1',
    region: 'r',
    ...overrides,
  });
  const using =
    (body: (harness: BudgetsHarness) => Promise<void>): (() => Promise<void>) =>
    async () => {
      const harness = await options.create(options.hourMs);
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    };

  describe(`budgets contract: ${options.name}`, () => {
    it(
      'grants one action in flight per service, over both nodes',
      using(async ({ nodes: [a, b] }) => {
        expect(await a.reserve(charge('d1'))).toEqual({ granted: true, inFlight: 1, perHour: 1 });
        expect(await b.reserve(charge('d2'))).toEqual({
          granted: false,
          scope: 'service',
          bound: 'in_flight',
          used: 1,
          max: 1,
        });
        expect(await b.reserve(charge('d2', { service: 'api' }))).toMatchObject({ granted: true });
      }),
    );

    it(
      'grants the same decision once, however often and wherever it asks',
      using(async ({ nodes: [a, b] }) => {
        await a.reserve(charge('d1'));
        expect(await b.reserve(charge('d1'))).toEqual({ granted: true, inFlight: 1, perHour: 1 });
        expect(await b.holds('d1')).toBe(true);
        await b.settle('d1', { effects: false });
        expect(await a.holds('d1')).toBe(false);
        expect(await a.reserve(charge('d2'))).toEqual({ granted: true, inFlight: 1, perHour: 1 });
      }),
    );

    it(
      'allows one zone of a region at a time',
      using(async ({ nodes: [a] }) => {
        await a.reserve(charge('d1'));
        const elsewhere = charge('d2', { service: 'api', zone: 'b' });
        expect(await a.reserve(elsewhere)).toEqual({
          granted: false,
          scope: 'region',
          bound: 'zones_in_flight',
          used: 1,
          max: 1,
        });
        await a.settle('d1', { effects: true });
        expect(await a.reserve(elsewhere)).toMatchObject({ granted: true });
      }),
    );

    it(
      'counts a reservation in a zone that it is in as well, once, until it is settled',
      using(async ({ nodes: [a, b] }) => {
        // What was launched elsewhere is there, whatever the bounds say.
        await a.reserve(charge('d1'));
        await b.alsoIn?.('d1', 'b');
        await a.alsoIn?.('d1', 'b');
        await a.alsoIn?.('d1', 'a');
        await a.alsoIn?.('unknown', 'c');
        expect(await a.peek(charge('d2', { service: 'api', zone: 'b' }))).toMatchObject({ granted: true });
        expect(await a.peek(charge('d2', { service: 'api', zone: 'c' }))).toEqual({
          granted: false,
          scope: 'region',
          bound: 'zones_in_flight',
          used: a.alsoIn === undefined ? 1 : 2,
          max: 1,
        });
        await a.settle('d1', { effects: true });
        expect(await b.peek(charge('d2', { service: 'api', zone: 'c' }))).toMatchObject({ granted: true });
      }),
    );

    it(
      'allows 3 actions per service within an hour and more after it',
      using(async ({ nodes: [a, b], elapse }) => {
        for (const decisionId of ['d1', 'd2', 'd3']) {
          expect(await a.reserve(charge(decisionId))).toMatchObject({ granted: true });
          await a.settle(decisionId, { effects: true });
          await a.settle(decisionId, { effects: false });
        }
        expect(await b.reserve(charge('d4'))).toEqual({
          granted: false,
          scope: 'service',
          bound: 'per_hour',
          used: 3,
          max: 3,
        });
        await elapse(options.hourMs);
        expect(await b.reserve(charge('d4'))).toMatchObject({ granted: true });
      }),
    );

    it(
      'keeps an action in flight charged for longer than an hour',
      using(async ({ nodes: [a], elapse }) => {
        await a.reserve(charge('d1'));
        await elapse(2 * options.hourMs);
        expect(await a.holds('d1')).toBe(true);
        expect(await a.reserve(charge('d2'))).toMatchObject({ granted: false, bound: 'in_flight' });
      }),
    );

    it(
      'answers a question without reserving',
      using(async ({ nodes: [a] }) => {
        expect(await a.peek(charge('d1'))).toEqual({ granted: true, inFlight: 1, perHour: 1 });
        expect(await a.holds('d1')).toBe(false);
        expect(await a.reserve(charge('d2'))).toEqual({ granted: true, inFlight: 1, perHour: 1 });
        expect(await a.peek(charge('d1'))).toMatchObject({ granted: false });
      }),
    );

    it(
      'grants one of 20 simultaneous requests',
      using(async ({ nodes }) => {
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            nodes[index % 2 === 0 ? 0 : 1].reserve(charge(`d${index}`)),
          ),
        );
        expect(answers.filter((answer) => answer.granted).length).toBe(1);
      }),
    );

    it(
      'does nothing when it settles what was never reserved',
      using(async ({ nodes: [a] }) => {
        await a.settle('unknown', { effects: true });
        expect(await a.peek(charge('d1'))).toMatchObject({ granted: true, perHour: 1 });
      }),
    );
  });
}

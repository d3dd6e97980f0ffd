import { createMemoryBudgets } from '@lazarus/core/memory';
import { createManualClock } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';

const charge = (decisionId: string, service: string, zone: string) => ({
  decisionId,
  service,
  zone,
  account: '1',
  region: 'r',
});

describe('budgets in memory', () => {
  it('S5: count a reservation in the zone of its launch as well', async () => {
    const budgets = createMemoryBudgets({ clock: createManualClock(), history: [], maxZonesInFlight: 2 });
    await budgets.reserve(charge('d1', 'web', 'a'));
    await budgets.alsoIn?.('d1', 'b');
    expect(budgets.inFlight()).toEqual([{ ...charge('d1', 'web', 'a'), otherZones: ['b'] }]);
    expect(await budgets.peek(charge('d2', 'api', 'c'))).toMatchObject({
      granted: false,
      bound: 'zones_in_flight',
    });
    expect(await budgets.peek(charge('d2', 'api', 'b'))).toMatchObject({ granted: true });
  });

  it('S6: refuse as long as nothing is known about what was spent', async () => {
    const budgets = createMemoryBudgets({ clock: createManualClock() });
    await expect(budgets.alsoIn?.('d1', 'b')).rejects.toMatchObject({ code: 'LZ_BUDGET_UNAVAILABLE' });
  });
});

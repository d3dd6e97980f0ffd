import { createMemoryBudgets } from '@lazarus/core/memory';
import { aHost, createFakeActuators, createFakeFleet, createManualClock } from '@lazarus/testing';
import { describeHostActuatorContract, describeLoadBalancerContract } from '@lazarus/testing/contracts';
import { describe, expect, it } from 'vitest';

async function create() {
  const clock = createManualClock();
  const budgets = createMemoryBudgets({ clock, history: [], maxInFlight: { service: 5 } });
  const hosts = [
    aHost({ hostId: 'i-1' }),
    aHost({ hostId: 'i-protected', isProtected: true }),
    aHost({ hostId: 'i-unmanaged', managed: false }),
  ];
  const fleet = createFakeFleet({ clock, hosts });
  const actuators = createFakeActuators({ clock, fleet, budgets });
  return {
    clock,
    fleet,
    actuators,
    hostId: 'i-1',
    protectedHostId: 'i-protected',
    unmanagedHostId: 'i-unmanaged',
    grant: async (decisionId: string) => {
      const charge = { decisionId, service: 'web', zone: 'us-east-1a', account: '1', region: 'us-east-1' };
      expect(await budgets.reserve(charge)).toMatchObject({ granted: true });
    },
    living: async () => (await fleet.list('web')).hosts.map(({ hostId }) => hostId),
    close: async () => {},
  };
}

describeHostActuatorContract(
  { describe, it, expect },
  {
    name: 'fake',
    create: async () => {
      const harness = await create();
      return { ...harness, nodes: [harness.actuators.hosts, harness.actuators.hosts] };
    },
  },
);

describeLoadBalancerContract(
  { describe, it, expect },
  {
    name: 'fake',
    create: async () => {
      const harness = await create();
      const { loadBalancer } = harness.actuators;
      const until = async (holds: () => Promise<boolean>): Promise<void> => expect(await holds()).toBe(true);
      return { ...harness, nodes: [loadBalancer, loadBalancer], group: 'tg-web', until };
    },
  },
);

describe('fake actuators', () => {
  it('show a clone as pending until it has booted for 20 s, then as running, and as active once it serves', async () => {
    const clock = createManualClock();
    const fleet = createFakeFleet({ clock, hosts: [aHost({ hostId: 'i-1' })] });
    const { hosts, loadBalancer } = createFakeActuators({ clock, fleet, bootMs: 20_000 });
    const call = { decisionId: 'd', idempotencyKey: 'k', signal: new AbortController().signal };
    const { hostId } = await hosts.clone({ ...call, from: 'i-1' });
    await clock.advance(19_999);
    expect(fleet.get(hostId)).toMatchObject({ state: 'pending', lifecycle: 'launching' });
    await clock.advance(1);
    await loadBalancer.add({ ...call, hostId });
    expect(fleet.get(hostId)).toMatchObject({ state: 'running', lifecycle: 'active', inLoadBalancer: true });
  });
});

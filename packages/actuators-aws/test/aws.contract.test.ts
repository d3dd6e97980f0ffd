import { createFakeFleet, createManualClock, aHost } from '@lazarus/testing';
import {
  describeFleetContract,
  describeHostActuatorContract,
  describeLoadBalancerContract,
} from '@lazarus/testing/contracts';
import { afterAll, describe, expect, it } from 'vitest';
import { createAwsFleet } from '../src/index.ts';
import type { TestRegion } from './region-fixture.ts';
import { actuators, clock, grants, startRegion, until } from './region-fixture.ts';

const runner = { describe, it, expect };

describeFleetContract(runner, {
  name: 'EC2',
  create: async () => {
    const region = await startRegion({
      services: [
        { name: 'web', hosts: 0 },
        { name: 'api', hosts: 0 },
      ],
    });
    return {
      fleet: createAwsFleet({ aws: region.aws, clock, cacheMs: 0 }),
      launch: region.launch,
      terminate: region.terminate,
      breakDown: async (isBroken) => {
        region.faults.clear();
        const error = { code: 'InternalError', status: 500 };
        if (isBroken) region.faults.add({ action: '*', times: 'always', error });
      },
      nowMs: () => clock.monotonic(),
      close: () => region.close(),
    };
  },
});

describeFleetContract(runner, {
  name: 'fake',
  create: async () => {
    const manual = createManualClock();
    const fleet = createFakeFleet({ clock: manual });
    let launches = 0;
    return {
      fleet,
      launch: async (host) => {
        launches += 1;
        const hostId = `i-${launches}`;
        const incarnation = { ...aHost().incarnation, instanceId: hostId };
        fleet.put(aHost({ ...host, hostId, incarnation }));
        return hostId;
      },
      terminate: async (hostId) => {
        fleet.put(aHost({ ...fleet.get(hostId), state: 'terminated' }));
      },
      breakDown: async (isBroken) => fleet.fail(isBroken ? 'broken' : undefined),
      nowMs: () => manual.monotonic(),
      close: async () => undefined,
    };
  },
});

const NAMES = ['web-1', 'web-2', 'web-3'] as const;
let started: Promise<TestRegion> | undefined;

/** One region for all tests, because hosts are slow to come up: each test finds it as the first one did. */
async function threeHosts() {
  const region = await (started ??= startRegion());
  const [hostId, protectedHostId, unmanagedHostId] = NAMES.map((name) => region.host(name).id) as [
    string,
    string,
    string,
  ];
  await region.tag(hostId, { 'lazarus:state': '' });
  await region.tag(protectedHostId, { 'lazarus:protected': 'true' });
  await region.tag(unmanagedHostId, { 'lazarus:managed': 'false' });
  await region.putIntoLoadBalancer(hostId);
  const budgets = grants();
  const [a, b] = [actuators(region, { budgets }), actuators(region, { budgets })];
  const clean = async (): Promise<void> => {
    const clones = region.living().filter((id) => !NAMES.some((name) => region.host(name).id === id));
    await Promise.all(clones.map((id) => region.terminate(id)));
  };
  return {
    region,
    a,
    b,
    common: {
      hostId,
      protectedHostId,
      unmanagedHostId,
      grant: async (decisionId: string) => budgets.grant(decisionId),
      close: clean,
    },
  };
}

afterAll(async () => (await started)?.close());

describeHostActuatorContract(runner, {
  name: 'EC2',
  create: async () => {
    const { region, a, b, common } = await threeHosts();
    return { ...common, nodes: [a.hosts, b.hosts], living: async () => region.living().toSorted() };
  },
});

describeLoadBalancerContract(runner, {
  name: 'ELBv2',
  create: async () => {
    const { a, b, common } = await threeHosts();
    return {
      ...common,
      nodes: [a.loadBalancer, b.loadBalancer],
      group: 'web',
      until: (condition) => until('a change of membership', condition),
    };
  },
});

import type { Fleet } from '@lazarus/core/ports';
import { codeOf, outcomeOf } from './outcome.ts';
import type { ContractRunner } from './runner.ts';

/** What a fleet adapter provides to be examined. It begins without any host, and keeps no listing for later. */
export interface FleetHarness {
  readonly fleet: Fleet;
  /** Launches a host and waits until the provider says that it runs; returns its id. */
  launch(host: { readonly service: string; readonly name: string }): Promise<string>;
  /** Ends a host and waits until the provider says that it is terminated. */
  terminate(hostId: string): Promise<void>;
  /** From now on the provider answers every call with an error, or no longer. */
  breakDown(isBroken: boolean): Promise<void>;
  /** Monotonic time of the clock that the fleet uses, milliseconds. */
  nowMs(): number;
  close(): Promise<void>;
}

const NEVER = { signal: new AbortController().signal };

/** What every `Fleet` adapter promises (S8, S16). */
export function describeFleetContract(
  runner: ContractRunner,
  options: { readonly name: string; readonly create: () => Promise<FleetHarness> },
): void {
  const { describe, expect } = runner;
  const it = (title: string, body: (harness: FleetHarness) => Promise<void>): void =>
    runner.it(title, async () => {
      const harness = await options.create();
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    });
  const idsOf = async (fleet: Fleet, service: string): Promise<readonly string[]> =>
    (await fleet.list(service)).hosts.map(({ hostId }) => hostId).toSorted();

  describe(`fleet contract: ${options.name}`, () => {
    it('lists the hosts of one service, all of them and no others', async ({ fleet, launch, nowMs }) => {
      const web = [
        await launch({ service: 'web', name: 'web-1' }),
        await launch({ service: 'web', name: 'web-2' }),
      ];
      await launch({ service: 'api', name: 'api-1' });
      const beforeMs = nowMs();
      const snapshot = await fleet.list('web', NEVER);
      expect(snapshot.service).toBe('web');
      expect(snapshot.complete).toBe(true);
      expect(snapshot.hosts.map(({ hostId }) => hostId).toSorted()).toEqual(web.toSorted());
      expect(snapshot.hosts.map(({ name }) => name).toSorted()).toEqual(['web-1', 'web-2']);
      expect(snapshot.observedAtMs >= beforeMs && snapshot.observedAtMs <= nowMs()).toBe(true);
    });

    it('describes a host with its identity, service, zone and state', async ({ fleet, launch }) => {
      const hostId = await launch({ service: 'web', name: 'web-1' });
      const host = await fleet.find({ service: 'web', host: hostId });
      expect(host).toMatchObject({ hostId, name: 'web-1', service: 'web', state: 'running' });
      expect(host?.incarnation.instanceId).toBe(hostId);
      expect(host?.incarnation.launchedAtMs).toBeGreaterThan(0);
      expect([host?.incarnation.account, host?.incarnation.region, host?.zone].includes('')).toBe(false);
    });

    it('has no hosts for a service that nobody has, also when its name looks like a pattern', async ({
      fleet,
      launch,
    }) => {
      await launch({ service: 'web', name: 'web-1' });
      for (const service of ['nobody', '*', 'we?', 'w*']) {
        expect((await fleet.list(service)).hosts).toEqual([]);
        expect(await fleet.find({ service, host: 'web-1' })).toBeUndefined();
      }
    });

    it('does not list a terminated host', async ({ fleet, launch, terminate }) => {
      const [first, second] = [
        await launch({ service: 'web', name: 'web-1' }),
        await launch({ service: 'web', name: 'web-2' }),
      ];
      await terminate(first);
      expect(await idsOf(fleet, 'web')).toEqual([second]);
      expect(await fleet.find({ service: 'web', host: first })).toBeUndefined();
      expect(await fleet.find({ service: 'web', host: 'web-1' })).toBeUndefined();
    });

    it('finds a host by id and by name, within its service only', async ({ fleet, launch }) => {
      const hostId = await launch({ service: 'web', name: 'web-1' });
      await launch({ service: 'api', name: 'api-1' });
      expect((await fleet.find({ service: 'web', host: hostId }, NEVER))?.hostId).toBe(hostId);
      expect((await fleet.find({ service: 'web', host: 'web-1' }, NEVER))?.hostId).toBe(hostId);
      for (const host of ['web-2', 'api-1', '', '*']) {
        expect(await fleet.find({ service: 'web', host })).toBeUndefined();
      }
      expect(await fleet.find({ service: 'api', host: hostId })).toBeUndefined();
    });

    it('finds nobody by a name that two hosts have, and each of them by id', async ({ fleet, launch }) => {
      const twins = [
        await launch({ service: 'web', name: 'twin' }),
        await launch({ service: 'web', name: 'twin' }),
      ];
      expect(await fleet.find({ service: 'web', host: 'twin' })).toBeUndefined();
      for (const hostId of twins) {
        expect((await fleet.find({ service: 'web', host: hostId }))?.hostId).toBe(hostId);
      }
    });

    it('gives a host that was launched again under its name another incarnation', async ({
      fleet,
      launch,
      terminate,
    }) => {
      const first = await launch({ service: 'web', name: 'web-1' });
      const before = await fleet.find({ service: 'web', host: 'web-1' });
      await terminate(first);
      await launch({ service: 'web', name: 'web-1' });
      const after = await fleet.find({ service: 'web', host: 'web-1' });
      expect(before?.incarnation.instanceId).toBe(first);
      expect(after?.incarnation.instanceId === undefined).toBe(false);
      expect(after?.incarnation.instanceId === first).toBe(false);
    });

    it('S8: fails while the provider fails instead of listing nothing or a part, and recovers after it', async ({
      fleet,
      launch,
      breakDown,
    }) => {
      const hostId = await launch({ service: 'web', name: 'web-1' });
      await breakDown(true);
      expect(codeOf(await outcomeOf(fleet.list('web')))).toBe('LZ_FLEET_UNAVAILABLE');
      expect(codeOf(await outcomeOf(fleet.find({ service: 'web', host: hostId })))).toBe(
        'LZ_FLEET_UNAVAILABLE',
      );
      await breakDown(false);
      expect(await idsOf(fleet, 'web')).toEqual([hostId]);
    });

    it('ends a call with the reason of its signal', async ({ fleet, launch }) => {
      await launch({ service: 'web', name: 'web-1' });
      const reason = new Error('shutting down');
      const signal = AbortSignal.abort(reason);
      expect(await outcomeOf(fleet.list('web', { signal }))).toBe(reason);
      expect(await outcomeOf(fleet.find({ service: 'web', host: 'web-1' }, { signal }))).toBe(reason);
    });
  });
}

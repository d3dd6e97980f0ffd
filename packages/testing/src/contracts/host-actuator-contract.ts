import type { ActuatorCall, HostActuator } from '@lazarus/core/ports';
import { codeOf, outcomeOf } from './outcome.ts';
import type { ContractRunner } from './runner.ts';

/** What a host actuator provides to be examined. */
export interface HostActuatorHarness {
  /** Two clients of one provider, as two nodes would have. */
  readonly nodes: readonly [HostActuator, HostActuator];
  /** A host in service that may be acted on. */
  readonly hostId: string;
  /** A host that is protected. */
  readonly protectedHostId: string;
  /** A host that has not opted in. */
  readonly unmanagedHostId: string;
  /** Gives the decision a reservation in the budget that the actuator asks. */
  grant(decisionId: string): Promise<void>;
  /** Ids of all hosts that the provider has, terminated ones excluded. */
  living(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const { signal } = new AbortController();
const UNKNOWN = 'i-0123456789abcdef0';

/** Every call that changes something, for one host; the last one is refused for a host in service in any case. */
const effects = (node: HostActuator, hostId: string, by: ActuatorCall): (() => Promise<unknown>)[] => [
  () => node.clone({ ...by, from: hostId }),
  () => node.setLifecycle({ ...by, hostId, lifecycle: 'forensics' }),
  () => node.reboot({ ...by, hostId }),
  () => node.terminate({ ...by, hostId }),
];

/** What every `HostActuator` adapter promises (S1, S6, S16). */
export function describeHostActuatorContract(
  runner: ContractRunner,
  options: { readonly name: string; readonly create: () => Promise<HostActuatorHarness> },
): void {
  const { describe, expect } = runner;
  let tests = 0;
  // A provider remembers keys: those of one test are not those of another.
  const call = (decisionId: string, key = 'step'): ActuatorCall => ({
    decisionId,
    idempotencyKey: keyOf(key),
    signal,
  });
  const keyOf = (key: string): string => `contract-${tests}/${key}`;
  const it = (title: string, body: (harness: HostActuatorHarness) => Promise<void>): void =>
    runner.it(title, async () => {
      tests += 1;
      const harness = await options.create();
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    });

  describe(`host actuator contract: ${options.name}`, () => {
    it('launches a clone of the same service and zone that is not in service yet', async (harness) => {
      const [node] = harness.nodes;
      await harness.grant('d1');
      const source = await node.describe(harness.hostId, { signal });
      const { hostId, zone } = await node.clone({ ...call('d1'), from: harness.hostId });
      const clone = await node.describe(hostId, { signal });
      expect(hostId === harness.hostId).toBe(false);
      expect(zone).toBe(source?.zone);
      expect(clone).toMatchObject({ hostId, lifecycle: 'launching', managed: true, isProtected: false });
      expect([clone?.service, clone?.environment, clone?.zone]).toEqual([
        source?.service,
        source?.environment,
        source?.zone,
      ]);
      expect(clone?.name === source?.name).toBe(false);
    });

    it('S1: launches one host for one key, however often and wherever it is asked', async (harness) => {
      const [a, b] = harness.nodes;
      await harness.grant('d1');
      const before = await harness.living();
      const both = await Promise.all(
        [a, b].map((node) => node.clone({ ...call('d1'), from: harness.hostId })),
      );
      const again = await a.clone({ ...call('d1'), from: harness.hostId });
      expect(new Set([...both, again].map(({ hostId }) => hostId)).size).toBe(1);
      expect((await harness.living()).length).toBe(before.length + 1);
    });

    it('S1: launches another host for another key', async (harness) => {
      const [node] = harness.nodes;
      await harness.grant('d1');
      const first = await node.clone({ ...call('d1', 'key-1'), from: harness.hostId });
      const second = await node.clone({ ...call('d1', 'key-2'), from: harness.hostId });
      expect(first.hostId === second.hostId).toBe(false);
    });

    it('finds what was launched with a key, from any node, and nothing for another key', async (harness) => {
      const [a, b] = harness.nodes;
      await harness.grant('d1');
      const { hostId } = await a.clone({ ...call('d1', 'key-1'), from: harness.hostId });
      expect(await b.findClone({ idempotencyKey: keyOf('key-1'), signal })).toBe(hostId);
      expect(await b.findClone({ idempotencyKey: keyOf('key-2'), signal })).toBeUndefined();
    });

    it('S6: changes nothing for a decision without a reservation', async (harness) => {
      const [node] = harness.nodes;
      const before = await harness.living();
      for (const effect of effects(node, harness.hostId, call('d1')).slice(0, -1)) {
        expect(codeOf(await outcomeOf(effect()))).toBe('LZ_BUDGET_REFUSED');
      }
      const ending = await outcomeOf(node.terminate({ ...call('d1'), hostId: harness.hostId }));
      expect(['LZ_BUDGET_REFUSED', 'LZ_ACTUATOR_PROTECTED'].includes(codeOf(ending) as string)).toBe(true);
      expect(await harness.living()).toEqual(before);
      expect((await node.describe(harness.hostId, { signal }))?.lifecycle).toBe('active');
    });

    it('S16: changes nothing about a host that is protected or has not opted in', async (harness) => {
      const [node] = harness.nodes;
      await harness.grant('d1');
      const before = await harness.living();
      for (const hostId of [harness.protectedHostId, harness.unmanagedHostId]) {
        for (const effect of effects(node, hostId, call('d1'))) {
          expect(codeOf(await outcomeOf(effect()))).toBe('LZ_ACTUATOR_PROTECTED');
        }
        expect((await node.describe(hostId, { signal }))?.lifecycle).toBe('active');
      }
      expect(await harness.living()).toEqual(before);
    });

    it('writes a lifecycle that every node reads back, twice like once', async (harness) => {
      const [a, b] = harness.nodes;
      await harness.grant('d1');
      const order = { ...call('d1'), hostId: harness.hostId, lifecycle: 'forensics' as const };
      await a.setLifecycle({ ...order, expiresAt: '2030-01-01T00:00:00.000Z' });
      await b.setLifecycle({ ...order, expiresAt: '2030-01-01T00:00:00.000Z' });
      expect((await b.describe(harness.hostId, { signal }))?.lifecycle).toBe('forensics');
    });

    it('terminates what this decision launched, and doing it again is no error', async (harness) => {
      const [a, b] = harness.nodes;
      await harness.grant('d1');
      const { hostId } = await a.clone({ ...call('d1'), from: harness.hostId });
      await a.terminate({ ...call('d1', 'undo'), hostId });
      await b.terminate({ ...call('d1', 'undo'), hostId });
      const state = (await a.describe(hostId, { signal }))?.state;
      expect([undefined, 'stopping', 'terminated'].includes(state)).toBe(true);
    });

    it('S16: does not terminate a host in service, nor what another decision launched', async (harness) => {
      const [node] = harness.nodes;
      await harness.grant('d1');
      await harness.grant('d2');
      const { hostId } = await node.clone({ ...call('d1'), from: harness.hostId });
      const refused = [
        await outcomeOf(node.terminate({ ...call('d1', 'undo'), hostId: harness.hostId })),
        await outcomeOf(node.terminate({ ...call('d2', 'undo'), hostId })),
      ];
      expect(refused.map(codeOf)).toEqual(['LZ_ACTUATOR_PROTECTED', 'LZ_ACTUATOR_PROTECTED']);
      const living = await harness.living();
      expect([living.includes(hostId), living.includes(harness.hostId)]).toEqual([true, true]);
    });

    it('S16: a lifecycle that a decision wrote does not let it terminate the host', async (harness) => {
      const [node] = harness.nodes;
      await harness.grant('d1');
      await node.setLifecycle({ ...call('d1'), hostId: harness.hostId, lifecycle: 'launching' });
      const outcome = await outcomeOf(node.terminate({ ...call('d1', 'undo'), hostId: harness.hostId }));
      expect(codeOf(outcome)).toBe('LZ_ACTUATOR_PROTECTED');
      expect((await harness.living()).includes(harness.hostId)).toBe(true);
    });

    it('says of a host that the provider does not know that it may be known later', async (harness) => {
      const [node] = harness.nodes;
      await harness.grant('d1');
      expect(await node.describe(UNKNOWN, { signal })).toBeUndefined();
      const outcome = await outcomeOf(node.clone({ ...call('d1'), from: UNKNOWN }));
      expect(outcome).toMatchObject({ code: 'LZ_ACTUATOR_TRANSIENT', retryable: true });
    });

    it('ends a call with the reason of its signal, and changes nothing', async (harness) => {
      const [node] = harness.nodes;
      await harness.grant('d1');
      const before = await harness.living();
      const reason = new Error('shutting down');
      const aborted = { ...call('d1'), signal: AbortSignal.abort(reason) };
      for (const effect of effects(node, harness.hostId, aborted)) {
        expect(await outcomeOf(effect())).toBe(reason);
      }
      expect(await outcomeOf(node.describe(harness.hostId, aborted))).toBe(reason);
      expect(await harness.living()).toEqual(before);
    });
  });
}

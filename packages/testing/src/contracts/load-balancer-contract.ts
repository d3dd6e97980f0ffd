import type { ActuatorCall, LoadBalancer } from '@lazarus/core/ports';
import { codeOf, outcomeOf } from './outcome.ts';
import type { ContractRunner } from './runner.ts';

/** What a load balancer adapter provides to be examined. */
export interface LoadBalancerHarness {
  /** Two clients of one load balancer, as two nodes would have. */
  readonly nodes: readonly [LoadBalancer, LoadBalancer];
  /** A healthy host in service that may be acted on. */
  readonly hostId: string;
  /** A host in service that is protected. */
  readonly protectedHostId: string;
  /** A host in service that has not opted in. */
  readonly unmanagedHostId: string;
  /** Name of the target group that the hosts are in. */
  readonly group: string;
  grant(decisionId: string): Promise<void>;
  /** Waits until `condition` holds; a change of membership need not show at once. */
  until(condition: () => Promise<boolean>): Promise<void>;
  close(): Promise<void>;
}

const { signal } = new AbortController();
const call = (decisionId: string): ActuatorCall => ({
  decisionId,
  idempotencyKey: `${decisionId}/step`,
  signal,
});

/** What every `LoadBalancer` adapter promises (S6, S16). */
export function describeLoadBalancerContract(
  runner: ContractRunner,
  options: { readonly name: string; readonly create: () => Promise<LoadBalancerHarness> },
): void {
  const { describe, expect } = runner;
  const it = (title: string, body: (harness: LoadBalancerHarness) => Promise<void>): void =>
    runner.it(title, async () => {
      const harness = await options.create();
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    });

  describe(`load balancer contract: ${options.name}`, () => {
    it('takes a host out at once, and doing it again changes nothing', async (harness) => {
      const [a, b] = harness.nodes;
      await harness.grant('d1');
      expect(await a.remove({ ...call('d1'), hostId: harness.hostId })).toEqual({ groups: [harness.group] });
      expect(['draining', 'unused'].includes(await b.status(harness.hostId, { signal }))).toBe(true);
      await b.remove({ ...call('d1'), hostId: harness.hostId });
      expect(['draining', 'unused'].includes(await a.status(harness.hostId, { signal }))).toBe(true);
    });

    it('leaves the other hosts in', async (harness) => {
      const [node] = harness.nodes;
      await harness.grant('d1');
      await node.remove({ ...call('d1'), hostId: harness.hostId });
      expect(await node.status(harness.protectedHostId, { signal })).toBe('healthy');
    });

    it('puts a host that was taken out back in until traffic reaches it, twice like once', async (harness) => {
      const [a, b] = harness.nodes;
      await harness.grant('d1');
      await a.remove({ ...call('d1'), hostId: harness.hostId });
      const added = { groups: [harness.group] };
      expect(await a.add({ ...call('d1'), hostId: harness.hostId })).toEqual(added);
      expect(await b.add({ ...call('d1'), hostId: harness.hostId })).toEqual(added);
      await harness.until(async () => (await b.status(harness.hostId, { signal })) === 'healthy');
    });

    it('S6: takes nobody out for a decision without a reservation', async (harness) => {
      const [node] = harness.nodes;
      const outcome = await outcomeOf(node.remove({ ...call('d1'), hostId: harness.hostId }));
      expect(codeOf(outcome)).toBe('LZ_BUDGET_REFUSED');
      expect(await node.status(harness.hostId, { signal })).toBe('healthy');
    });

    it('S16: takes out nobody who is protected or has not opted in, and still tells their state', async (harness) => {
      const [node] = harness.nodes;
      await harness.grant('d1');
      for (const hostId of [harness.protectedHostId, harness.unmanagedHostId]) {
        const outcome = await outcomeOf(node.remove({ ...call('d1'), hostId }));
        expect(codeOf(outcome)).toBe('LZ_ACTUATOR_PROTECTED');
        expect(await node.status(hostId, { signal })).toBe('healthy');
      }
    });

    it('says of a host that the provider does not know that it may be known later', async (harness) => {
      const [node] = harness.nodes;
      await harness.grant('d1');
      const outcome = await outcomeOf(node.add({ ...call('d1'), hostId: 'i-0123456789abcdef0' }));
      expect(outcome).toMatchObject({ code: 'LZ_ACTUATOR_TRANSIENT', retryable: true });
    });

    it('ends a call with the reason of its signal, and changes nothing', async (harness) => {
      const [node] = harness.nodes;
      await harness.grant('d1');
      const reason = new Error('shutting down');
      const aborted = { ...call('d1'), signal: AbortSignal.abort(reason), hostId: harness.hostId };
      expect(await outcomeOf(node.remove(aborted))).toBe(reason);
      expect(await outcomeOf(node.add(aborted))).toBe(reason);
      expect(await outcomeOf(node.status(harness.hostId, aborted))).toBe(reason);
      expect(await node.status(harness.hostId, { signal })).toBe('healthy');
    });
  });
}

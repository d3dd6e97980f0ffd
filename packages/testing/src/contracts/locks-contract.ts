import { compareFencingTokens } from '@lazarus/core/gates';
import type { Lease, LockRequest, Locks, LockTarget } from '@lazarus/core/ports';
import type { ContractRunner } from './runner.ts';

/** What a lock adapter provides to be examined. */
export interface LocksHarness {
  /** Two clients of one store, as two nodes would have; the same one twice when there is only one process. */
  readonly nodes: readonly [Locks, Locks];
  /** Lets time pass for the store and for the clients. */
  elapse(ms: number): Promise<void>;
  /** Removes a lock behind its holder's back, as an operator or a store that lost state does. */
  breakLock(target: LockTarget): Promise<void>;
  close(): Promise<void>;
}

const web1: LockTarget = { kind: 'host', service: 'web', host: 'i-1' };
const web2: LockTarget = { kind: 'host', service: 'web', host: 'i-2' };
const web: LockTarget = { kind: 'service', service: 'web' };

/**
 * What every `Locks` adapter promises (S4, L3).
 *
 * @param options.ttlMs - TTL to use; all waits are multiples of it. Choose it small for a store with real time.
 */
export function describeLocksContract(
  runner: ContractRunner,
  options: { readonly name: string; readonly ttlMs: number; readonly create: () => Promise<LocksHarness> },
): void {
  const { describe, it, expect } = runner;
  const { ttlMs } = options;
  const request = (target: LockTarget, holder: string): LockRequest => ({ target, holder, ttlMs });
  const using =
    (body: (harness: LocksHarness) => Promise<void>): (() => Promise<void>) =>
    async () => {
      const harness = await options.create();
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    };
  const take = async (locks: Locks, target: LockTarget, holder: string): Promise<Lease> => {
    const grant = await locks.acquire(request(target, holder));
    if (!grant.granted) throw new Error(`expected the lock to be free, but ${grant.heldBy} holds it`);
    return grant.lease;
  };

  describe(`locks contract: ${options.name}`, () => {
    it(
      'grants a free lock, and says who holds a busy one',
      using(async ({ nodes: [a, b] }) => {
        const lease = await take(a, web1, 'd1');
        expect(lease).toMatchObject({ target: web1, holder: 'd1' });
        expect(lease.remainingMs()).toBeLessThanOrEqual(ttlMs);
        expect(lease.remainingMs()).toBeGreaterThan(0);
        expect(await b.acquire(request(web1, 'd2'))).toEqual({ granted: false, heldBy: 'd1', by: web1 });
        expect(await b.inspect(web1)).toEqual({ heldBy: 'd1', by: web1 });
        expect(await b.inspect(web2)).toBeUndefined();
      }),
    );

    it(
      'lets hosts of one service be locked side by side, and a host lock and its service lock exclude each other',
      using(async ({ nodes: [a, b] }) => {
        const first = await take(a, web1, 'd1');
        const second = await take(b, web2, 'd2');
        expect(await a.acquire(request(web, 'd3'))).toMatchObject({ granted: false });
        await first.release();
        expect(await a.acquire(request(web, 'd3'))).toEqual({ granted: false, heldBy: 'd2', by: web2 });
        await second.release();
        const service = await take(a, web, 'd3');
        expect(await b.acquire(request(web1, 'd1'))).toEqual({ granted: false, heldBy: 'd3', by: web });
        expect(await b.inspect(web1)).toEqual({ heldBy: 'd3', by: web });
        await service.release();
        expect(await b.inspect(web1)).toBeUndefined();
      }),
    );

    it(
      'keeps services with related names apart',
      using(async ({ nodes: [a, b] }) => {
        await take(a, { kind: 'service', service: 'web' }, 'd1');
        await take(b, { kind: 'service', service: 'web:i-1' }, 'd2');
        await take(b, { kind: 'host', service: 'we', host: 'b' }, 'd2');
      }),
    );

    it(
      'gives a holder its own lock again with the same token; it is free after the last release',
      using(async ({ nodes: [a, b] }) => {
        const first = await take(a, web1, 'd1');
        const again = await take(b, web1, 'd1');
        expect(again.token).toEqual(first.token);
        await first.release();
        expect(await b.acquire(request(web1, 'd2'))).toMatchObject({ granted: false, heldBy: 'd1' });
        await again.release();
        await take(b, web1, 'd2');
      }),
    );

    it(
      'hands out higher tokens to later holders',
      using(async ({ nodes: [a, b] }) => {
        const first = await take(a, web1, 'd1');
        await first.release();
        const second = await take(b, web1, 'd2');
        expect(compareFencingTokens(second.token, first.token)).toBeGreaterThan(0);
      }),
    );

    it(
      'renews a lease that is held for 4 times its TTL',
      using(async ({ nodes: [a, b], elapse }) => {
        const lease = await take(a, web1, 'd1');
        for (let round = 0; round < 4; round += 1) {
          await elapse(ttlMs);
          expect(lease.signal.aborted).toBe(false);
          expect(lease.remainingMs()).toBeGreaterThan(0);
          expect(await b.acquire(request(web1, 'd2'))).toMatchObject({ granted: false });
        }
      }),
    );

    it(
      "aborts the signal of a lease that was taken away, and its release then frees nobody else's lock (S4)",
      using(async ({ nodes: [a, b], elapse, breakLock }) => {
        const lost = await take(a, web1, 'd1');
        await breakLock(web1);
        const second = await take(b, web1, 'd2');
        await elapse(ttlMs);
        expect(lost.signal.aborted).toBe(true);
        expect((lost.signal.reason as { code?: unknown }).code).toBe('LZ_LOCK_LOST');
        expect(lost.remainingMs()).toBe(0);
        await lost.release();
        expect(await a.inspect(web1)).toEqual({ heldBy: 'd2', by: web1 });
        expect(second.signal.aborted).toBe(false);
      }),
    );

    it(
      'stops renewing after release, and a released lease has no time left',
      using(async ({ nodes: [a], elapse }) => {
        const lease = await take(a, web1, 'd1');
        await lease.release();
        await lease.release();
        expect(lease.remainingMs()).toBe(0);
        await elapse(ttlMs);
        expect(lease.signal.aborted).toBe(false);
        expect(await a.inspect(web1)).toBeUndefined();
      }),
    );

    it(
      'grants one of 20 simultaneous requests',
      using(async ({ nodes }) => {
        const grants = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            nodes[index % 2 === 0 ? 0 : 1].acquire(request(web1, `d${index}`)),
          ),
        );
        expect(grants.filter((grant) => grant.granted).length).toBe(1);
      }),
    );
  });
}

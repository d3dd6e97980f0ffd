import { PortError } from '@lazarus/core';
import type { Decision } from '@lazarus/core';
import { createMemoryLocks } from '@lazarus/core/memory';
import type { Locks } from '@lazarus/core/ports';
import { createManualClock } from '@lazarus/testing';
import { aHost, aRule, anEvent, createWorld } from './world.ts';
import type { World } from './world.ts';

/** A port that is away. */
export const unavailable =
  (
    code: 'LZ_WINDOWS_UNAVAILABLE' | 'LZ_LOCK_UNAVAILABLE' | 'LZ_BUDGET_UNAVAILABLE' | 'LZ_PAUSE_UNAVAILABLE',
  ) =>
  () =>
    Promise.reject(new PortError({ code, message: 'the store is away', retryable: true }));

/** One way out of the ladder. */
export interface Exit {
  readonly exit: string;
  readonly when: string;
  readonly world?: () => World;
  readonly arrange?: (world: World) => unknown;
  readonly payload?: unknown;
  readonly kind: Decision['kind'];
}

export const lockOf = (host: string) => ({ kind: 'host', service: 'web', host }) as const;

/** A scene for each exit of the ladder. */
export const EXITS: readonly Exit[] = [
  { exit: 'invalid', when: 'the payload is not an event', payload: { id: 7 }, kind: 'escalate' },
  {
    exit: 'stale',
    when: 'the event is 5 min 1 s old',
    payload: anEvent({ time: '2025-12-31T23:54:59Z' }),
    kind: 'suppress',
  },
  {
    exit: 'future_dated',
    when: 'the event is dated 31 s ahead',
    payload: anEvent({ time: '2026-01-01T00:00:31Z' }),
    kind: 'escalate',
  },
  {
    exit: 'duplicate',
    when: 'the event has a terminal record',
    arrange: (world) => world.controller.decide(anEvent()),
    kind: 'suppress',
  },
  {
    exit: 'windows_unavailable',
    when: 'the counts cannot be read',
    world: () =>
      createWorld({
        ports: {
          windows: {
            observe: unavailable('LZ_WINDOWS_UNAVAILABLE'),
            view: unavailable('LZ_WINDOWS_UNAVAILABLE'),
          },
        },
      }),
    kind: 'escalate',
  },
  {
    exit: 'attached',
    when: 'another event about the host started a run',
    arrange: (world) => world.controller.decide(anEvent({ id: 'first' })),
    kind: 'suppress',
  },
  {
    exit: 'superseded',
    when: 'a finished run put the host into forensics',
    arrange: async (world) => {
      const first = await world.controller.decide(anEvent({ id: 'first' }));
      world.engine.finish(first.decision_id ?? '', 'succeeded');
      await world.clock.advance(1_000);
      world.fleet.put(aHost({ hostId: 'i-web1', name: 'web1', lifecycle: 'forensics' }));
    },
    kind: 'suppress',
  },
  {
    exit: 'no_rule',
    when: 'no rule matches',
    world: () => createWorld({ withoutRule: true }),
    kind: 'escalate',
  },
  {
    exit: 'mode_off',
    when: 'the rule is off',
    world: () => createWorld({ rule: aRule({ mode: 'off' }) }),
    kind: 'escalate',
  },
  {
    exit: 'notify_only_rule',
    when: 'the rule only alerts',
    world: () => createWorld({ rule: aRule({ action: 'notify_only' }) }),
    kind: 'notify_only',
  },
  {
    exit: 'paused',
    when: 'somebody paused the service',
    arrange: (world) =>
      world.pauses.set({
        scope: { service: 'web' },
        author: 'ada',
        reason: 'drill',
        since: '2026-01-01T00:00:00Z',
      }),
    kind: 'escalate',
  },
  {
    exit: 'pause_unavailable',
    when: 'the pause store is away',
    world: () => {
      const world = createWorld();
      return createWorld({
        ports: { pauses: { ...world.pauses, active: unavailable('LZ_PAUSE_UNAVAILABLE') } },
      });
    },
    kind: 'escalate',
  },
  {
    exit: 'region_circuit_open',
    when: '6 services of the region are failing',
    arrange: async (world) => {
      for (const service of ['s1', 's2', 's3', 's4', 's5'])
        await world.windows.observe({ eventId: service, region: 'us-east-1', service, entity: 'x' });
    },
    kind: 'escalate',
  },
  {
    exit: 'service_rate_limited',
    when: '4 hosts of the service are failing',
    arrange: async (world) => {
      for (const entity of ['i-web2', 'i-web3', 'i-web4'])
        await world.windows.observe({ eventId: entity, region: 'us-east-1', service: 'web', entity });
    },
    kind: 'escalate',
  },
  {
    exit: 'target_unresolved',
    when: 'the provider knows no such host',
    payload: anEvent({ host: 'web9' }),
    kind: 'escalate',
  },
  {
    exit: 'target_protected',
    when: 'the host has not opted in',
    arrange: (world) => world.fleet.put(aHost({ hostId: 'i-web1', name: 'web1', managed: false })),
    kind: 'escalate',
  },
  {
    exit: 'lock_held',
    when: 'a service lock is held',
    arrange: (world) =>
      world.locks.acquire({ target: { kind: 'service', service: 'web' }, holder: 'scaling', ttlMs: 30_000 }),
    kind: 'escalate',
  },
  {
    exit: 'lock_unavailable',
    when: 'the lock store is away',
    world: () =>
      createWorld({
        ports: {
          locks: { acquire: unavailable('LZ_LOCK_UNAVAILABLE'), inspect: () => Promise.resolve(undefined) },
        },
      }),
    kind: 'escalate',
  },
  {
    exit: 'precondition_failed',
    when: '2 of 3 nodes say no',
    arrange: (world) => world.voters.setVerdicts({ a: 'yes', b: 'no', c: 'no' }),
    kind: 'escalate',
  },
  {
    exit: 'quorum_timed_out',
    when: '2 of 3 nodes do not answer',
    arrange: (world) => world.voters.setVerdicts({ a: 'yes' }),
    kind: 'escalate',
  },
  {
    exit: 'quorum_not_reached',
    when: 'votes are void',
    arrange: (world) =>
      world.voters.setAnswer({
        outcome: 'not_reached',
        yes: 1,
        required: 2,
        members: 3,
        votes: [],
        voided: [{ voter: 'b', reason: 'config_digest_differs' }],
        durationMs: 5,
      }),
    kind: 'escalate',
  },
  {
    exit: 'budget_spent',
    when: 'another host of the service is in flight',
    arrange: (world) =>
      world.budgets.reserve({
        decisionId: 'other',
        service: 'web',
        zone: 'us-east-1b',
        account: '111122223333',
        region: 'us-east-1',
      }),
    kind: 'escalate',
  },
  {
    exit: 'budget_unavailable',
    when: 'the budget cannot be read',
    world: () => {
      const { budgets } = createWorld();
      return createWorld({
        ports: { budgets: { ...budgets, reserve: unavailable('LZ_BUDGET_UNAVAILABLE') } },
      });
    },
    kind: 'escalate',
  },
  {
    exit: 'deadline_passed',
    when: 'the event is 45 s old when everything else has passed',
    payload: anEvent({ time: '2025-12-31T23:59:15Z' }),
    kind: 'escalate',
  },
  {
    exit: 'lock_lost',
    when: 'the lock is lost before the page is taken',
    world: () => {
      const clock = createManualClock();
      const locks = createMemoryLocks({ clock });
      return createWorld({ ports: { locks: losing(locks) } });
    },
    kind: 'escalate',
  },
  {
    exit: 'pager_refused',
    when: 'a person has the page',
    arrange: (world) => void world.pager.touch('web/web1'),
    kind: 'escalate',
  },
  {
    exit: 'audit_unavailable',
    when: 'the intent cannot be made durable',
    arrange: failIntent,
    kind: 'escalate',
  },
  {
    exit: 'run_not_started',
    when: 'the journal is full',
    arrange: (world) =>
      world.engine.fail(
        new PortError({ code: 'LZ_JOURNAL_UNAVAILABLE', message: 'disk full', retryable: false }),
      ),
    kind: 'escalate',
  },
];

/** Locks whose leases are lost as soon as they are granted. */
export function losing(locks: Locks): Locks {
  return {
    ...locks,
    acquire: async (request, options) => {
      const grant = await locks.acquire(request, options);
      if (!grant.granted) return grant;
      const { lease } = grant;
      const signal = AbortSignal.abort(new Error('a renewal was refused'));
      return {
        granted: true,
        lease: { ...lease, signal, remainingMs: () => 0, release: () => lease.release() },
      };
    },
  };
}

/** Makes the intent impossible to write. */
export function failIntent(world: World): void {
  world.audit.commitIntent = () =>
    Promise.reject(new PortError({ code: 'LZ_AUDIT_UNAVAILABLE', message: 'disk full', retryable: false }));
}

/** Plays a scene. */
export async function outcomeOf({ world: build, arrange, payload }: Exit) {
  const world = build?.() ?? createWorld();
  await arrange?.(world);
  const submittedBefore = world.engine.submitted.length;
  const deciding = world.controller.decide(payload ?? anEvent());
  await world.clock.advance(10_000);
  const record = await deciding;
  return { world, record, started: world.engine.submitted.length - submittedBefore };
}

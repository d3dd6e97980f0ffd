import { LADDER, PortError } from '@lazarus/core';
import type { Decision } from '@lazarus/core';
import { describe, expect, it } from 'vitest';
import { aHost, aRule, anEvent, createWorld } from './world.ts';
import type { World } from './world.ts';

const unavailable =
  (
    code: 'LZ_WINDOWS_UNAVAILABLE' | 'LZ_LOCK_UNAVAILABLE' | 'LZ_BUDGET_UNAVAILABLE' | 'LZ_PAUSE_UNAVAILABLE',
  ) =>
  () =>
    Promise.reject(new PortError({ code, message: 'the store is away', retryable: true }));

interface Exit {
  readonly exit: string;
  readonly when: string;
  readonly world?: () => World;
  readonly arrange?: (world: World) => unknown;
  readonly payload?: unknown;
  readonly kind: Decision['kind'];
}

const lockOf = (host: string) => ({ kind: 'host', service: 'web', host }) as const;

const EXITS: readonly Exit[] = [
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

function failIntent(world: World): void {
  world.audit.commitIntent = () =>
    Promise.reject(new PortError({ code: 'LZ_AUDIT_UNAVAILABLE', message: 'disk full', retryable: false }));
}

async function outcomeOf({ world: build, arrange, payload }: Exit) {
  const world = build?.() ?? createWorld();
  await arrange?.(world);
  const submittedBefore = world.engine.submitted.length;
  const deciding = world.controller.decide(payload ?? anEvent());
  await world.clock.advance(10_000);
  const record = await deciding;
  return { world, record, started: world.engine.submitted.length - submittedBefore };
}

describe('the ladder', () => {
  it.each(EXITS)('exits with $exit when $when', async (exit) => {
    const { record, started } = await outcomeOf(exit);
    const last = record.gates.at(-1);
    expect(last?.exit).toBe(exit.exit);
    expect(record.decision.kind).toBe(exit.kind);
    expect(started).toBe(0);
  });

  it('has a test for each of its exits', () => {
    // `no_config` is tested below: it needs a controller without a configuration.
    const tested = new Set([...EXITS.map(({ exit }) => exit), 'no_config']);
    const untested = LADDER.flatMap((rung) => [...rung.exits]).filter((exit) => !tested.has(exit));
    expect(untested).toEqual([]);
  });

  it('lets a single failing host through all 15 gates and starts one run', async () => {
    const world = createWorld();
    const record = await world.controller.decide(anEvent());
    expect(record.decision).toMatchObject({
      kind: 'remediate',
      workflow: 'default.replace_host',
      votes: '3/3',
    });
    expect(record.gates.map(({ gate, verdict }) => `${gate} ${verdict}`)).toEqual(
      LADDER.map(({ id }) => `${id} pass`),
    );
    expect(world.engine.submitted).toHaveLength(1);
    expect(world.pager.pageOf('web/web1')?.status).toBe('acknowledged');
  });

  it('S15: asks for the definition of the workflow that was decided about', async () => {
    const workflow = { name: 'default.replace_host', digest: 'wf-1', timeoutMs: 1_800_000, inputs: {} };
    const world = createWorld({ rule: aRule({ workflow }) });
    await world.controller.decide(anEvent());
    expect(world.engine.submitted.map(({ workflowDigest }) => workflowDigest)).toEqual(['wf-1']);
  });

  it('S10: records the intent durably before it acknowledges the page', async () => {
    const world = createWorld();
    const order: string[] = [];
    const { acknowledge } = world.pager;
    const { commitIntent } = world.audit;
    world.audit.commitIntent = (record) => (order.push('intent'), commitIntent(record));
    world.pager.acknowledge = (call) => (order.push('acknowledge'), acknowledge(call));
    await world.controller.decide(anEvent());
    expect(order).toEqual(['intent', 'acknowledge']);
  });

  it('gives the lock and the budget back when it does not act', async () => {
    const world = createWorld();
    world.pager.touch('web/web1');
    await world.controller.decide(anEvent());
    expect(await world.locks.inspect(lockOf('i-web1'))).toBeUndefined();
    // A peek counts the charge it asks about, and nothing else is left.
    const again = await world.budgets.peek({
      decisionId: 'other',
      service: 'web',
      zone: 'us-east-1a',
      account: '111122223333',
      region: 'us-east-1',
    });
    expect(again).toMatchObject({ granted: true, inFlight: 1, perHour: 1 });
  });

  it('keeps the lock while the run goes on and frees it when the run has ended', async () => {
    const world = createWorld();
    const record = await world.controller.decide(anEvent());
    expect(await world.locks.inspect(lockOf('i-web1'))).toMatchObject({ heldBy: record.decision_id });
    world.engine.finish(record.decision_id ?? '', 'succeeded');
    await world.clock.settle();
    expect(await world.locks.inspect(lockOf('i-web1'))).toBeUndefined();
  });

  it('escalates with no_config while there is no valid configuration', async () => {
    const world = createWorld();
    const { createController } = await import('@lazarus/core/controller');
    const observer = createController(
      { node: 'b', region: 'us-east-1' },
      { ...world, log: { debug() {}, info() {}, warn() {}, error() {} } },
    );
    const record = await observer.decide(anEvent());
    expect(record.decision).toMatchObject({ kind: 'escalate', reason: 'no_config' });
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
  });

  it('escalates instead of acting when a gate throws', async () => {
    const world = createWorld();
    world.voters.setAnswer(new Error('a bug'));
    const record = await world.controller.decide(anEvent());
    expect(record.decision).toMatchObject({ kind: 'escalate', reason: 'invariant_broken' });
    expect(world.engine.submitted).toEqual([]);
  });
});

describe('pages of events that are not acted on', () => {
  it('escalates at once when no rule matches', async () => {
    const world = createWorld({ withoutRule: true });
    const record = await world.controller.decide(anEvent());
    expect(record.page).toMatchObject({ incident_key: 'web/web1', action: 'escalated' });
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
  });

  it('leaves the page alone when the pager does not answer, because it escalates by itself', async () => {
    const world = createWorld({ withoutRule: true });
    world.pager.fail('502');
    const record = await world.controller.decide(anEvent());
    expect(record.decision.kind).toBe('escalate');
    expect(record.page.action).toBe('left_alone');
    world.pager.fail(undefined);
    await world.clock.advance(60_000);
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
  });

  it('resolves the page of an attached event when the run succeeds', async () => {
    const world = createWorld();
    world.pager.open('web/web1/service');
    const first = await world.controller.decide(anEvent());
    const second = await world.controller.decide(anEvent({ id: 'evt-2', incident_key: 'web/web1/service' }));
    expect(second.page).toMatchObject({ action: 'follows' });
    world.engine.finish(first.decision_id ?? '', 'succeeded');
    await world.clock.settle();
    expect(world.pager.pageOf('web/web1/service')?.status).toBe('resolved');
  });

  it('escalates the page of an attached event when the run fails', async () => {
    const world = createWorld();
    world.pager.open('web/web1/service');
    const first = await world.controller.decide(anEvent());
    await world.controller.decide(anEvent({ id: 'evt-2', incident_key: 'web/web1/service' }));
    world.engine.finish(first.decision_id ?? '', 'failed');
    await world.clock.settle();
    expect(world.pager.pageOf('web/web1/service')?.escalationLevel).toBe(2);
  });

  it('S10: escalates a page that was acknowledged before a crash and came back too late to act', async () => {
    const world = createWorld();
    world.engine.fail(new PortError({ code: 'LZ_JOURNAL_UNAVAILABLE', message: 'gone', retryable: true }));
    const conclude = world.audit.conclude;
    world.audit.conclude = () => Promise.reject(new Error('the process died here'));
    await expect(world.controller.decide(anEvent())).rejects.toThrow('died');
    world.audit.conclude = conclude;
    await world.pager.acknowledge({ incidentKey: 'web/web1' });
    await world.clock.advance(301_000);
    const record = await world.restart().decide(anEvent());
    expect(record.decision).toMatchObject({ kind: 'suppress', reason: 'stale' });
    expect(record.page.action).toBe('escalated');
  });
});

describe('two alarms about one host', () => {
  it('make one decision when they arrive at the same time', async () => {
    const world = createWorld({ rule: aRule({ holdDownMs: 10_000 }) });
    const both = Promise.all([
      world.controller.decide(anEvent({ id: 'host-alarm' })),
      world.controller.decide(
        anEvent({
          id: 'service-alarm',
          event_type: 'NagiosServiceAlarm',
          host: 'i-web1',
          attributes: { service_description: 'http', service_state: 'CRITICAL', service_state_type: 'HARD' },
        }),
      ),
    ]);
    await world.clock.advance(11_000);
    const [first, second] = await both;
    expect(first.decision.kind).toBe('remediate');
    expect(second.decision).toMatchObject({
      kind: 'suppress',
      reason: 'attached',
      run_id: first.decision_id,
    });
    expect(world.engine.submitted).toHaveLength(1);
  });

  it('S1: carry the same decision id on a second node, which then attaches', async () => {
    const world = createWorld();
    const nodeB = world.restart();
    const [first, second] = await Promise.all([
      world.controller.decide(anEvent()),
      nodeB.decide(anEvent({ id: 'evt-2' })),
    ]);
    const started = [first, second].filter(({ decision }) => decision.kind === 'remediate');
    expect(new Set(started.map(({ decision_id }) => decision_id)).size).toBe(1);
    expect(world.engine.submitted).toHaveLength(1);
  });

  it('S12: start one run when the process dies after the run was submitted', async () => {
    const world = createWorld();
    const conclude = world.audit.conclude;
    world.audit.conclude = () => Promise.reject(new Error('the process died here'));
    await expect(world.controller.decide(anEvent())).rejects.toThrow('died');
    world.audit.conclude = conclude;
    const record = await world.restart().decide(anEvent());
    expect(record.decision).toMatchObject({ kind: 'remediate' });
    expect(world.engine.submitted).toHaveLength(1);
  });
});

describe('mode notify', () => {
  it('S13: walks the whole ladder and touches no page, lock, budget or engine', async () => {
    const world = createWorld({ rule: aRule({ mode: 'notify' }) });
    const record = await world.controller.decide(anEvent());
    expect(record.decision).toMatchObject({ kind: 'notify_only', reason: 'mode', would: 'remediate' });
    expect(record.gates).toHaveLength(LADDER.length);
    expect(world.engine.submitted).toEqual([]);
    expect(world.pager.pageOf('web/web1')).toMatchObject({ status: 'triggered', escalationLevel: 1 });
    expect(await world.locks.inspect(lockOf('i-web1'))).toBeUndefined();
  });

  it('S13: leaves the page of a second alarm alone, too, when both arrive at the same time', async () => {
    const world = createWorld({ rule: aRule({ mode: 'notify', holdDownMs: 1_000 }) });
    world.pager.open('web/web1/second');
    const both = Promise.all([
      world.controller.decide(anEvent({ id: 'one' })),
      world.controller.decide(anEvent({ id: 'two', incident_key: 'web/web1/second' })),
    ]);
    await world.clock.advance(2_000);
    const [, second] = await both;
    expect(second.decision).toMatchObject({ kind: 'notify_only', would: 'remediate' });
    expect(world.pager.pageOf('web/web1/second')).toMatchObject({ status: 'triggered', escalationLevel: 1 });
  });

  it('says what would have stopped it', async () => {
    const world = createWorld({ rule: aRule({ mode: 'notify' }) });
    world.voters.setVerdicts({ a: 'no', b: 'no', c: 'no' });
    const record = await world.controller.decide(anEvent());
    expect(record.decision).toMatchObject({ kind: 'notify_only', would: 'escalate' });
  });
});

describe('a plan', () => {
  it('S13: walks the ladder without counting, recording or changing anything', async () => {
    const world = createWorld();
    const plan = await world.controller.plan(anEvent());
    expect(plan.decision).toMatchObject({ kind: 'remediate' });
    expect(world.audit.entries).toEqual([]);
    expect(world.engine.submitted).toEqual([]);
    expect(await world.windows.view({ region: 'us-east-1', service: 'web' })).toMatchObject({ entities: 0 });
    expect(world.pager.pageOf('web/web1')?.status).toBe('triggered');
  });
});

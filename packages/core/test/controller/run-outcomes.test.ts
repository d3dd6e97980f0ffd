import { PortError } from '@lazarus/core';
import { describe, expect, it } from 'vitest';
import type { Lease, RunView } from '@lazarus/core/ports';
import { aRule, anEvent, createWorld } from '../decision/world.ts';
import type { World } from '../decision/world.ts';

const target = { kind: 'host', service: 'web', host: 'i-web1' } as const;
const runId = 'd'.repeat(64);

async function submit(world: World): Promise<void> {
  await world.engine.submit({
    runId,
    workflow: 'default.replace_host',
    inputs: {},
    event: anEvent(),
    rule: 'host_down',
    configDigest: 'config-digest-1',
    service: 'web',
    hostId: 'i-web1',
    lock: target,
    timeoutMs: 1_800_000,
  });
}

async function acquire(world: World): Promise<Lease> {
  const grant = await world.locks.acquire({ target, holder: runId, ttlMs: 30_000 });
  if (!grant.granted) throw new Error('the lock is busy');
  return grant.lease;
}

describe('the outcome of a run', () => {
  it('S4: releases the lease that it holds when the run ends', async () => {
    const world = createWorld();
    await submit(world);
    world.outcomes.hold(runId, await acquire(world));
    await world.clock.settle();
    expect(await world.locks.inspect(target)).toMatchObject({ heldBy: runId });
    world.engine.finish(runId, 'succeeded');
    await world.clock.settle();
    expect(await world.locks.inspect(target)).toBeUndefined();
  });

  it('S4: releases a lease at once that it is given after the run has ended', async () => {
    const world = createWorld();
    await submit(world);
    const lease = await acquire(world);
    world.engine.finish(runId, 'succeeded');
    await world.clock.settle();
    world.outcomes.hold(runId, lease);
    await world.clock.settle();
    expect(await world.locks.inspect(target)).toBeUndefined();
    expect(world.clock.pending).toBe(0);
  });

  it('is recorded before close resolves, also when the run ends right before it', async () => {
    const world = createWorld();
    await submit(world);
    world.engine.finish(runId, 'failed');
    await world.outcomes.close();
    expect((await world.audit.run(runId))?.status).toBe('failed');
  });
});

/** Two runs about two hosts, of which the first one's cannot be looked up. */
async function decideTwo(failure: () => Error) {
  const world = createWorld({ rule: aRule({ limits: { maxEntities: 10 } }) });
  world.pager.open('web/web2');
  const about = (name: string) =>
    world.controller.decide(
      anEvent({
        id: `evt-${name}`,
        host: name,
        incident_key: `web/${name}`,
        time: new Date(world.clock.now()).toISOString(),
      }),
    );
  const bad = await about('web1');
  await world.budgets.settle(bad.decision_id ?? '', { effects: true });
  const good = await about('web2');
  expect([bad.decision.kind, good.decision.kind]).toEqual(['remediate', 'remediate']);
  const escalated: string[] = [];
  const { escalate } = world.pager;
  world.pager.escalate = (call) => (escalated.push(call.incidentKey), escalate(call));
  const { get } = world.engine;
  const tear = (): void => {
    world.engine.get = (id) => (id === bad.decision_id ? Promise.reject(failure()) : get(id));
  };
  return { world, bad, good, escalated, tear };
}

describe('the page of a run that ended', () => {
  it('is the one of its decision when the run does not know it any more', async () => {
    const world = createWorld();
    const record = await world.controller.decide(
      anEvent({ time: new Date(world.clock.now()).toISOString() }),
    );
    const { get } = world.engine;
    world.engine.get = async (id) => {
      const { incident_key: _, page: __, ...run } = (await get(id)) ?? ({} as RunView);
      return { ...run, status: 'failed' };
    };
    await world.outcomes.sweep();
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
    expect(await world.audit.run(record.decision_id ?? '')).toMatchObject({ status: 'failed' });
  });
});

describe('a sweep', () => {
  const torn = (): Error => new SyntaxError('Unexpected end of JSON input');

  it('settles the run behind one that cannot be read, whose page goes to a person once in 3 sweeps', async () => {
    const { world, good, escalated, tear } = await decideTwo(torn);
    tear();
    const { runFinished } = world.audit;
    world.audit.runFinished = () => Promise.reject(new Error('the disk is full'));
    world.engine.finish(good.decision_id ?? '', 'failed', { page: 'left_alone' });
    await world.clock.settle();
    world.audit.runFinished = runFinished;
    escalated.length = 0;
    for (let round = 1; round <= 3; round += 1) await world.outcomes.sweep();
    expect(await world.audit.run(good.decision_id ?? '')).toMatchObject({ status: 'failed' });
    expect(escalated.sort()).toEqual(['web/web1', 'web/web2']);
  });

  it('asks the pager again when it could not be told of a run that cannot be read', async () => {
    const { world, tear } = await decideTwo(torn);
    tear();
    world.pager.fail('502');
    await world.outcomes.sweep();
    world.pager.fail(undefined);
    await world.outcomes.sweep();
    expect(world.pager.pageOf('web/web1')?.escalationLevel).toBe(2);
  });

  it('hands over no page when the journal does not answer, or while it closes', async () => {
    const away = new PortError({ code: 'LZ_JOURNAL_UNAVAILABLE', message: 'closed', retryable: false });
    const { world, escalated, tear } = await decideTwo(() => away);
    tear();
    await world.outcomes.sweep();
    world.engine.get = () => Promise.reject(torn());
    await world.outcomes.close();
    await world.outcomes.sweep();
    expect(escalated).toEqual([]);
  });

  it('ends the page that follows a run which cannot be read with a person, and records that', async () => {
    const { world, bad, escalated, tear } = await decideTwo(torn);
    world.pager.open('web/other');
    const attached = await world.controller.decide(
      anEvent({
        id: 'evt-3',
        host: 'web1',
        incident_key: 'web/other',
        time: new Date(world.clock.now()).toISOString(),
      }),
    );
    expect(attached.decision).toMatchObject({ reason: 'attached', run_id: bad.decision_id });
    tear();
    for (let round = 1; round <= 3; round += 1) await world.outcomes.sweep();
    expect(escalated.sort()).toEqual(['web/other', 'web/web1']);
    expect(await world.audit.openAttachments()).toEqual([]);
  });

  it('goes on with the attached pages when the open runs cannot be listed', async () => {
    const { world, tear } = await decideTwo(torn);
    tear();
    let listed = 0;
    const { openAttachments } = world.audit;
    world.audit.openRuns = () => Promise.reject(new Error('the audit log is away'));
    world.audit.openAttachments = () => ((listed += 1), openAttachments());
    await world.outcomes.sweep();
    expect(listed).toBe(1);
  });
});

import { definePrecondition } from '@lazarus/core';
import type { Snapshot } from '@lazarus/core';
import { createCoordinator, createInProcessNetwork, createVoter, resolveMembership } from '@lazarus/quorum';
import {
  aHost,
  anEvent,
  createFakeFleet,
  createFakeHealthProbe,
  createManualClock,
  createSequentialIds,
  silentLogger,
} from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  aRule,
  aSnapshot,
  bind,
  builtIn,
  cast,
  createThreeNodes,
  NODES,
  threeMembers,
} from './three-nodes.ts';

describe('ballot of three nodes', () => {
  it.each(NODES)('is reached with 3 yes votes, coordinated by node %s', async (node) => {
    const cluster = createThreeNodes();
    const result = await cluster.ballot(node);
    expect(result).toMatchObject({ outcome: 'reached', yes: 3, required: 2, members: 3, voided: [] });
    expect(cast(result.votes)).toBe('a:yes b:yes c:yes');
    await cluster.close();
    expect(cluster.clock.pending).toBe(0);
  });

  it('goes on with one node down, and records why its vote is missing (L4)', async () => {
    const cluster = createThreeNodes();
    cluster.network.setFault('a', 'c', { kind: 'refuse' });
    const result = await cluster.ballot('a');
    expect(result).toMatchObject({
      outcome: 'reached',
      yes: 2,
      voided: [{ voter: 'c', reason: 'transport_failed' }],
    });
  });

  it('does not wait for a silent third node beyond 250 ms, and records its vote when it comes', async () => {
    const cluster = createThreeNodes();
    cluster.network.setFault('c', 'a', { kind: 'delay', ms: 3_000 });
    const pending = cluster.ballot('a');
    await cluster.clock.advance(250);
    const result = await pending;
    expect(result).toMatchObject({ outcome: 'reached', yes: 2, durationMs: 250 });
    expect(cluster.nodes.a.late).toEqual([]);
    await cluster.clock.advance(2_750);
    expect(cluster.nodes.a.late).toMatchObject([{ decisionId: 'd1', vote: { voter: 'c', verdict: 'yes' } }]);
    expect(cluster.clock.pending).toBe(0);
  });

  it('S13: records no late vote of a ballot that is only supposed', async () => {
    const cluster = createThreeNodes();
    cluster.network.setFault('c', 'a', { kind: 'delay', ms: 3_000 });
    const pending = cluster.ballot('a', { supposed: true });
    await cluster.clock.advance(3_000);
    expect(await pending).toMatchObject({ outcome: 'reached', yes: 2 });
    expect(cluster.nodes.a.late).toEqual([]);
    expect(cluster.clock.pending).toBe(0);
  });

  it('bears a record that does not take a late vote', async () => {
    const cluster = createThreeNodes();
    cluster.network.setFault('c', 'a', { kind: 'delay', ms: 3_000 });
    cluster.nodes.a.late.push = () => {
      throw new Error('disk full');
    };
    const pending = cluster.ballot('a');
    await cluster.clock.advance(3_000);
    expect(await pending).toMatchObject({ outcome: 'reached' });
    cluster.network.setFault('c', 'a', undefined);
    expect(await cluster.ballot('a')).toMatchObject({ outcome: 'reached', yes: 3 });
  });

  it('resolves at the second yes when it is told not to wait for the rest', async () => {
    const cluster = createThreeNodes({ completeForMs: 0 });
    cluster.network.isolate('c');
    expect(await cluster.ballot('a')).toMatchObject({ outcome: 'reached', yes: 2, durationMs: 0 });
    await cluster.close();
  });

  it('is not reached at once when two nodes cannot be asked, and times out when two are silent (L4)', async () => {
    const cluster = createThreeNodes();
    for (const node of ['b', 'c']) cluster.network.setFault('a', node, { kind: 'refuse' });
    expect(await cluster.ballot('a')).toMatchObject({ outcome: 'not_reached', yes: 1, durationMs: 0 });
    cluster.network.heal();
    cluster.network.isolate('b');
    cluster.network.isolate('c');
    const pending = cluster.ballot('a');
    await cluster.clock.advance(19_999);
    let isDone = false;
    void pending.then(() => (isDone = true));
    await cluster.clock.settle();
    expect(isDone).toBe(false);
    await cluster.clock.advance(1);
    expect(await pending).toMatchObject({
      outcome: 'timed_out',
      yes: 1,
      silent: ['b', 'c'],
      durationMs: 20_000,
    });
    await cluster.clock.advance(5_000);
    expect(cluster.clock.pending).toBe(0);
  });

  it('hears nothing when only the way back is cut', async () => {
    const cluster = createThreeNodes();
    for (const node of ['b', 'c']) cluster.network.setFault(node, 'a', { kind: 'drop' });
    const pending = cluster.ballot('a');
    await cluster.clock.advance(20_000);
    expect(await pending).toMatchObject({ outcome: 'timed_out', yes: 1 });
    expect(cluster.nodes.b.probe.probed).toContain('i-web1');
    await cluster.close();
  });

  it('voids a vote that arrives after the deadline, and records it', async () => {
    const cluster = createThreeNodes();
    cluster.network.isolate('c');
    cluster.network.setFault('b', 'a', { kind: 'delay', ms: 20_001 });
    const pending = cluster.ballot('a');
    await cluster.clock.advance(20_000);
    expect((await pending).outcome).toBe('timed_out');
    await cluster.clock.advance(1);
    expect(cluster.nodes.a.late).toMatchObject([{ voided: { voter: 'b', reason: 'late' } }]);
    await cluster.close();
    await cluster.clock.settle();
    expect(cluster.clock.pending).toBe(0);
  });

  it('ends at once when its time is already over', async () => {
    const cluster = createThreeNodes();
    const result = await cluster.ballot('a', { deadlineAtMs: cluster.clock.monotonic() });
    expect(result).toMatchObject({ outcome: 'timed_out', yes: 0 });
    await cluster.close();
  });

  it('asks for all three when the rule does', async () => {
    const cluster = createThreeNodes();
    cluster.network.setFault('a', 'c', { kind: 'refuse' });
    expect(await cluster.ballot('a', { required: 3 })).toMatchObject({
      outcome: 'not_reached',
      yes: 2,
      required: 3,
    });
    expect(await cluster.ballot('b', { required: 1 })).toMatchObject({ required: 2 });
  });
});

describe('dissent', () => {
  it('of one node is recorded and does not stop the others', async () => {
    const cluster = createThreeNodes();
    cluster.nodes.c.probe.set('i-web2', 'unreachable');
    const result = await cluster.ballot('a');
    expect(result.outcome).toBe('reached');
    expect(cast(result.votes)).toBe('a:yes b:yes c:no');
    expect(
      result.votes.find(({ voter }) => voter === 'c')?.checks.find(({ check }) => check === 'PeerCheck'),
    ).toMatchObject({ verdict: 'fail' });
  });

  it('of two nodes ends the ballot without waiting for the third', async () => {
    const cluster = createThreeNodes({ completeForMs: 0 });
    for (const node of ['a', 'b'] as const) cluster.nodes[node].probe.set('i-web2', 'unreachable');
    cluster.network.isolate('c');
    expect(await cluster.ballot('a')).toMatchObject({ outcome: 'not_reached', durationMs: 0 });
    await cluster.close();
  });

  it('by another configuration is a void vote (S15)', async () => {
    const cluster = createThreeNodes();
    cluster.nodes.b.use(aSnapshot(aRule(), 'digest-2'));
    expect(await cluster.ballot('a')).toMatchObject({
      outcome: 'reached',
      yes: 2,
      voided: [{ voter: 'b', reason: 'config_digest_differs', detail: 'has digest-2' }],
    });
    cluster.nodes.c.use(undefined);
    expect(await cluster.ballot('a')).toMatchObject({ outcome: 'not_reached', yes: 1 });
  });

  it('by another membership epoch is a void vote', async () => {
    const older = { ...threeMembers, epoch: 3 };
    const cluster = createThreeNodes({ membershipOf: (id) => (id === 'a' ? threeMembers : older) });
    const result = await cluster.ballot('a');
    expect(result.outcome).toBe('not_reached');
    expect(result.voided.map(({ reason }) => reason)).toEqual([
      'membership_epoch_differs',
      'membership_epoch_differs',
    ]);
  });
});

describe('a partition between zones', () => {
  it('replaces no healthy host: zone a is cut off, its host is healthy, b and c see it unreachable', async () => {
    const rule = aRule({ prechecks: [builtIn('HealthCheckDown')] });
    const cluster = createThreeNodes({ rule });
    cluster.nodes.a.probe.set('i-web1', 'healthy');
    cluster.network.isolate('a');
    const pending = cluster.ballot('b');
    await cluster.clock.advance(20_000);
    expect(await pending).toMatchObject({
      outcome: 'timed_out',
      yes: 2,
      unmet: ['HealthCheckDown needs a pass from the node in zone us-east-1a'],
    });
    cluster.network.heal();
    expect(await cluster.ballot('b')).toMatchObject({ outcome: 'not_reached', yes: 2 });
    await cluster.close();
  });

  it('replaces a dead host of a zone whose node is heard', async () => {
    const cluster = createThreeNodes({ rule: aRule({ prechecks: [builtIn('HealthCheckDown')] }) });
    cluster.network.isolate('c');
    const pending = cluster.ballot('b');
    await cluster.clock.advance(250);
    expect(await pending).toMatchObject({ outcome: 'reached', yes: 2 });
    await cluster.close();
  });
});

describe('a check that misbehaves', () => {
  it('on two nodes stops the ballot: throwing, hanging and lying about types are no (S2)', async () => {
    for (const check of [
      () => {
        throw new Error('boom');
      },
      () => new Promise(() => {}),
      () => true,
    ]) {
      const definition = definePrecondition({
        name: 'Odd',
        summary: 'Misbehaves.',
        params: z.strictObject({}),
        timeoutMs: 1_000,
        check: check as never,
      });
      const cluster = createThreeNodes({ rule: aRule({ prechecks: [bind(definition)] }) });
      const pending = cluster.ballot('a');
      await cluster.clock.advance(1_000);
      expect(await pending).toMatchObject({ outcome: 'not_reached', yes: 0 });
      await cluster.close();
    }
  });
});

describe('a coordinator', () => {
  it('rejects when its signal aborts, and when it is closed, and leaves nothing behind', async () => {
    const cluster = createThreeNodes();
    cluster.network.isolate('b');
    cluster.network.isolate('c');
    const controller = new AbortController();
    const request = {
      decisionId: 'd1',
      configDigest: 'digest-1',
      event: anEvent(),
      rule: 'host_down',
      hostId: 'i-web1',
      deadlineAtMs: cluster.clock.monotonic() + 20_000,
    };
    const aborted = cluster.nodes.a.coordinator.ballot(request, { signal: controller.signal });
    const closed = cluster.nodes.a.coordinator.ballot(request, { signal: new AbortController().signal });
    controller.abort(new Error('the event is abandoned'));
    await expect(aborted).rejects.toThrow('abandoned');
    await cluster.nodes.a.coordinator.close();
    await expect(closed).rejects.toThrow('closing');
    await cluster.clock.settle();
    expect(cluster.clock.pending).toBe(0);
  });

  it('runs 100 ballots at once without mixing their votes', async () => {
    const cluster = createThreeNodes();
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        cluster.ballot(NODES[index % 3], { decisionId: `d${index}` }),
      ),
    );
    expect(results.every((result) => result.outcome === 'reached' && result.voided.length === 0)).toBe(true);
    await cluster.close();
  });
});

describe('a lone node', () => {
  const createLoneNode = (ownZone: 'required' | 'optional', zone: string) => {
    const clock = createManualClock();
    const rule = aRule({ prechecks: [builtIn('HealthCheckDown', { own_zone: ownZone })] });
    const snapshot: Snapshot = aSnapshot(rule);
    const membership = resolveMembership({ members: [{ id: 'solo', zone }] });
    const probe = createFakeHealthProbe({ clock, zone });
    probe.set('i-web1', 'unreachable');
    const voter = createVoter(
      { self: 'solo', membership },
      {
        clock,
        log: silentLogger,
        fleet: createFakeFleet({ clock, hosts: [aHost()] }),
        probe,
        snapshot: () => snapshot,
      },
    );
    const transport = createInProcessNetwork({ clock }).node('solo');
    const coordinator = createCoordinator(
      { self: 'solo', membership },
      { clock, ids: createSequentialIds(), log: silentLogger, transport, voter },
    );
    const request = {
      decisionId: 'd1',
      configDigest: 'digest-1',
      event: anEvent(),
      rule: rule.name,
      hostId: 'i-web1',
      required: 2,
      deadlineAtMs: clock.monotonic() + 1_000,
    };
    return coordinator.ballot(request, { signal: new AbortController().signal });
  };

  it('votes alone, and the result says 1 of 1', async () => {
    expect(await createLoneNode('required', 'us-east-1a')).toMatchObject({
      outcome: 'reached',
      yes: 1,
      required: 1,
      members: 1,
    });
  });

  it('cannot vouch for a host of another zone unless the rule says that it may', async () => {
    expect(await createLoneNode('required', 'us-east-1b')).toMatchObject({ outcome: 'not_reached', yes: 1 });
    expect(await createLoneNode('optional', 'us-east-1b')).toMatchObject({ outcome: 'reached' });
  });
});

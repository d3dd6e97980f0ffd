import { defineEventType, definePrecondition } from '@lazarus/core';
import type { DecisionRecord } from '@lazarus/core';
import { defineAction } from '@lazarus/dag';
import { createLab } from '@lazarus/testing/lab';
import type { LabOptions } from '@lazarus/testing/lab';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const SERVICE = '{ service: web, team: shop, profile: stateless }';
const DOWN = { event_type: 'HealthcheckDown', host: 'web-1' };
const withWeb = (options: LabOptions = {}) => createLab({ services: SERVICE, ...options });

describe('a lab', () => {
  it('remediates a dead host by 3 votes: replaced, page resolved, team told, without waiting 35 s', async () => {
    await using lab = await withWeb();
    const { outcome, votes, page, run, tookMs, blockedBy } = await lab.send(DOWN);
    expect({ outcome, votes, blockedBy, page: page?.status, run: run?.status }).toEqual({
      outcome: 'remediated',
      votes: '3/3',
      blockedBy: [],
      page: 'resolved',
      run: 'succeeded',
    });
    expect(tookMs).toBeGreaterThanOrEqual(30_000);
    expect(lab.effects.map(({ what, hostId }) => `${what} ${hostId}`)).toEqual([
      'out of load balancer i-web-1',
      'launch i-new1',
      'into load balancer i-new1',
      'forensics i-web-1',
    ]);
    expect(lab.notifications.map(({ kind, group }) => `${kind} ${group}`)).toContain('acknowledged shop');
    expect(lab.callsOf('host.clone')).toHaveLength(1);
  });

  it('tells the same story for the same seed, and another one for another seed', async () => {
    const story = async (seed: number): Promise<readonly string[]> => {
      await using lab = await withWeb({ seed });
      lab.action('notify.send', [{ error: { retryable: true } }, { output: { sent: true } }]);
      await lab.send(DOWN);
      return await lab.trace();
    };
    const first = await story(1);
    expect(await story(1)).toEqual(first);
    expect(await story(2)).not.toEqual(first);
  });

  it('is idle only when every event is decided, and says what is open after 1 min that is not enough', async () => {
    await using lab = await withWeb();
    lab.action('verify', { output: { ok: false, status: 'unhealthy', consecutive: 0, detail: '' } });
    lab.emit(DOWN);
    await expect(lab.clock.untilIdle('1m')).rejects.toThrow(
      /did not come to rest within 60000 ms\n.*is taken by/,
    );
    await lab.clock.untilIdle();
    expect((await lab.outcome('lab/event-1')).outcome).toBe('escalated');
  });

  it('plans without an effect: no page, no lock, no run, no notification', async () => {
    await using lab = await withWeb();
    const { decision } = await lab.plan(DOWN);
    expect(decision.kind).toBe('remediate');
    expect([lab.effects, lab.calls, lab.notifications, await lab.decisions(), await lab.runs()]).toEqual([
      [],
      [],
      [],
      [],
      [],
    ]);
    expect(lab.pager.pageOf('web/web-1')).toBeUndefined();
  });

  it('runs the actions and checks of plugins, and refuses an action of theirs that nobody mocked', async () => {
    const purge = defineAction({
      name: 'cdn.purge',
      version: 1,
      summary: 'Purges the cache.',
      idempotent: true,
      input: z.strictObject({ zone: z.string() }),
      output: z.strictObject({ purged: z.int() }),
      run: async () => {
        throw new Error('a test must never reach the network');
      },
    });
    const notOnFriday = definePrecondition({
      name: 'NotOnFriday',
      summary: 'It is not Friday.',
      params: z.strictObject({}),
      check: ({ clock }) =>
        new Date(clock.now()).getUTCDay() === 5
          ? { verdict: 'fail', reason: 'it is Friday' }
          : { verdict: 'pass' },
    });
    const options: LabOptions = {
      actions: [purge],
      preconditions: [notOnFriday],
      eventTypes: [
        defineEventType({ name: 'StaleCache', summary: 'A cache is stale.', attributes: z.looseObject({}) }),
      ],
      workflows: `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: cdn.purge, version: 1 }
steps: { purge: { uses: cdn.purge@1, with: { zone: shop } } }
`,
      rules: `name: cdn_stale
criteria: { event_type: StaleCache }
prechecks: [{ checkName: NotOnFriday }]
workflow: { name: cdn.purge }
lock: { type: service }
mode: act
`,
    };
    const event = { event_type: 'StaleCache', service: 'cdn' };
    await using thursday = await createLab({ ...options, mocks: { 'cdn.purge': { output: { purged: 3 } } } });
    expect((await thursday.send(event)).outcome).toBe('remediated');
    await using friday = await createLab({ ...options, startAt: '2026-01-02T00:00:00Z' });
    expect((await friday.send(event)).blockedBy).toContain('NotOnFriday');
    await using unmocked = await createLab(options);
    expect((await unmocked.send(event)).run?.error?.message).toContain('which the test does not mock');
  });

  it('refuses a document with its place, a node that is not there, and what is no duration', async () => {
    await expect(createLab({ services: '{ service: web, team: shop, profil: x }' })).rejects.toThrow(
      /service-1\.yaml:1:\d+/,
    );
    await using lab = await withWeb();
    expect(() => lab.fault.crash('d')).toThrow('the lab has no node d, only a, b, c');
    expect(() => lab.at('soon', () => undefined)).toThrow('does not know the duration "soon"');
  });
});

describe('prechecks of a lab', () => {
  it('say what a test wants, by node: 2 of 3 are enough', async () => {
    await using lab = await withWeb({
      prechecks: { HealthCheckDown: { nodes: { a: 'pass', b: 'pass', c: 'timeout' } } },
    });
    const { outcome, votes } = await lab.send(DOWN);
    expect({ outcome, votes }).toEqual({ outcome: 'remediated', votes: '2/3' });
  });

  it.each(['fail', 'timeout', 'error', { fail: 'half of the peers are sick' }] as const)(
    'that say %j on two nodes keep hands off, and a person is told',
    async (reply) => {
      await using lab = await withWeb({ prechecks: { PeerCheck: { nodes: { a: reply, b: reply } } } });
      const { outcome, votes, blockedBy, page } = await lab.send(DOWN);
      expect({ outcome, votes, blockedBy }).toEqual({
        outcome: 'escalated',
        votes: '1/3',
        blockedBy: ['precondition_failed', 'ballot', 'PeerCheck'],
      });
      expect(page?.takenByHuman).toBe(true);
      expect(lab.effects).toEqual([]);
    },
  );

  it('that are replaced keep the own-zone rule: a pass in two other zones replaces nobody (S2)', async () => {
    const HealthCheckDown = { nodes: { a: 'fail', b: 'pass', c: 'pass' } } as const;
    await using lab = await withWeb({ prechecks: { HealthCheckDown } });
    const { outcome, blockedBy } = await lab.send(DOWN);
    expect(outcome).toBe('escalated');
    expect(blockedBy).toContain('HealthCheckDown');
  });

  it('that nobody replaced look at the fleet: a host that is healthy from every zone is left alone', async () => {
    await using lab = await withWeb();
    lab.health('i-web-1', 'healthy');
    expect((await lab.send(DOWN)).blockedBy).toContain('HealthCheckDown');
  });

  it('can be code that sees the node and the event', async () => {
    await using lab = await withWeb();
    lab.precheck('PeerCheck', ({ event }, node) =>
      node === 'a' ? { verdict: 'pass' } : { verdict: 'fail', reason: `no ${event.service} on ${node}` },
    );
    expect(
      (await lab.send(DOWN)).record?.votes?.cast.map(({ voter, verdict }) => `${voter} ${verdict}`).sort(),
    ).toEqual(['a yes', 'b no', 'c no']);
  });
});

describe('faults of a lab', () => {
  it('a node that is cut off does not stop the others; two that are cut off stop everything (L4)', async () => {
    await using one = await withWeb();
    one.fault.partition(['a', 'b'], ['c']);
    expect(await one.send(DOWN, { node: 'a' })).toMatchObject({ outcome: 'remediated', votes: '2/3' });
    await using two = await withWeb();
    two.fault.partition(['a'], ['b'], ['c']);
    expect(await two.send(DOWN, { node: 'a' })).toMatchObject({
      outcome: 'escalated',
      blockedBy: ['quorum_timed_out', 'ballot'],
    });
    two.fault.heal();
    two.health('i-web-1', 'healthy');
    expect((await two.send({ ...DOWN, host: 'web-peer-1' })).votes).toBe('3/3');
  });

  it('a slow link makes a vote late, which counts as nothing', async () => {
    await using lab = await withWeb();
    lab.fault.delay('a', 'b', '1m');
    expect((await lab.send(DOWN, { node: 'a' })).votes).toBe('2/3');
  });

  it('an event of a node that dies in the hold-down is decided by another one', async () => {
    await using lab = await withWeb();
    lab.at('5s', () => lab.fault.crash('c'));
    const { outcome, record } = await lab.send(DOWN, { node: 'c' });
    expect(outcome).toBe('remediated');
    expect(record?.coordinator).not.toBe('c');
  });

  it('a run of a node that dies is taken over: one replacement, no step twice, page resolved (S1, S10, S12)', async () => {
    await using lab = await withWeb();
    lab.at('20s', () => lab.fault.crash('a'));
    const { outcome, page } = await lab.send(DOWN, { node: 'a' });
    expect({ outcome, page: page?.status }).toEqual({ outcome: 'remediated', page: 'resolved' });
    expect(lab.effects.filter(({ what }) => what === 'launch')).toHaveLength(1);
    expect(lab.callsOf('clone')).toHaveLength(1);
    expect((await lab.decisions()).map(({ event_id }) => event_id)).toEqual(['lab/event-1']);
  });

  it('with every node dead the page escalates by itself after 60 s, and a node that comes back goes on', async () => {
    await using lab = await withWeb();
    for (const node of ['a', 'b', 'c']) lab.fault.crash(node);
    expect((await lab.send(DOWN)).outcome).toBe('undecided');
    await lab.clock.advance('60s');
    expect(lab.pager.pageOf('web/web-1')).toMatchObject({ escalationLevel: 2, takenByHuman: true });
    for (const node of ['a', 'b', 'c']) await lab.fault.restart(node);
    await lab.clock.untilIdle();
    expect(await lab.outcome('lab/event-1')).toMatchObject({
      outcome: 'escalated',
      blockedBy: ['quorum_timed_out', 'ballot'],
    });
    expect(lab.effects).toEqual([]);
  });

  it('the lock of a node that died is free after its 30 s, for those who want it exclusively (L3)', async () => {
    await using lab = await withWeb({
      rules: `name: tell
criteria: { event_type: NagiosServiceAlarm }
workflow: { name: default.notify_only }
lock: { type: service }
mode: act
`,
    });
    lab.at('15s', () => lab.fault.crash('a'));
    expect((await lab.send(DOWN, { node: 'a' })).outcome).toBe('remediated');
    await lab.clock.advance('30s');
    expect((await lab.send({ event_type: 'NagiosServiceAlarm' })).blockedBy).toEqual([]);
  });

  it('a lock that is lost stops the run, and a person is told (S4)', async () => {
    await using lab = await withWeb();
    lab.at('15s', () => lab.fault.loseLock({ kind: 'host', service: 'web', host: 'i-web-1' }));
    const { outcome, run } = await lab.send(DOWN);
    expect({ outcome, status: run?.status }).toEqual({ outcome: 'escalated', status: 'canceled' });
  });

  it('a person who takes the page stops the run before anything more is done', async () => {
    await using lab = await withWeb();
    lab.at('12s', () => void lab.pager.touch('web/web-1'));
    const { outcome, run } = await lab.send(DOWN);
    expect({ outcome, status: run?.status }).toEqual({ outcome: 'escalated', status: 'canceled' });
  });

  it('a pause keeps hands off (S14), and a storm of 4 hosts of one service is nobody to replace', async () => {
    await using lab = await withWeb();
    await lab.pauses.set({
      scope: { service: 'web' },
      author: 'ada',
      reason: 'release',
      since: '2026-01-01T00:00:00Z',
    });
    expect((await lab.send(DOWN)).blockedBy).toEqual(['paused']);
    await using storm = await withWeb();
    for (const host of ['web-1', 'web-peer-1', 'web-peer-2', 'web-peer-3']) storm.emit({ ...DOWN, host });
    await storm.clock.untilIdle();
    expect((await storm.outcome('lab/event-1')).blockedBy).toContain('service_rate_limited');
    expect(storm.effects).toEqual([]);
  });
});

describe('replay', () => {
  const record = async (options: LabOptions = {}): Promise<readonly DecisionRecord[]> => {
    await using lab = await withWeb(options);
    await lab.send({ ...DOWN, attributes: { failures: 3 } });
    return await lab.decisions();
  };

  it('of recorded events under the same configuration differs in nothing, also when a node did not vote', async () => {
    await using lab = await withWeb();
    expect(await lab.replay(await record())).toEqual([]);
    expect(await lab.replay(await record({ prechecks: { PeerCheck: { fail: 'all are sick' } } }))).toEqual(
      [],
    );
    await using lonely = await withWeb();
    lonely.fault.crash('b');
    lonely.fault.crash('c');
    await lonely.send(DOWN);
    expect(await lab.replay(await lonely.decisions())).toEqual([]);
  });

  it('under another configuration says what is decided otherwise', async () => {
    await using careful = await createLab({ services: SERVICE, settings: 'mode: notify\n' });
    expect(await careful.replay(await record())).toEqual([
      {
        eventId: 'lab/event-1',
        before: 'stateless.healthcheck_down: remediate with default.replace_host',
        now: expect.stringContaining('mode notify') as string,
      },
    ]);
  });
});

describe('coverage of a lab', () => {
  it('tells rules that no event matched, prechecks by both ends, gates that stopped nobody, and ends of steps', async () => {
    await using lab = await withWeb();
    await lab.send(DOWN);
    lab.precheck('PeerCheck', 'fail');
    await lab.send({ ...DOWN, host: 'web-peer-1' });
    const { rules, gates, runs } = await lab.coverage();
    expect(rules.filter(({ matched }) => matched).map(({ rule }) => rule)).toEqual([
      'stateless.healthcheck_down',
    ]);
    const [rule] = rules.filter(({ matched }) => matched);
    expect(rule?.prechecks).toContainEqual({ check: 'PeerCheck', passed: true, blocked: true });
    expect(rule?.prechecks).toContainEqual({ check: 'MinActiveHosts', passed: true, blocked: false });
    expect(gates).toContainEqual({ gate: 'ballot', passed: true, stopped: true });
    expect(gates).toContainEqual({ gate: 'budget', passed: true, stopped: false });
    expect(runs[0]?.steps).toMatchObject({ clone: 'succeeded' });
  });
});

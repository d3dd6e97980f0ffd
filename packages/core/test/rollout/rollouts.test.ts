import { createRollouts } from '@lazarus/core/config';
import { createMemoryRolloutStore } from '@lazarus/core/memory';
import type { ConfigDocument, RolloutStore } from '@lazarus/core/ports';
import { createManualClock, silentLogger } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { event, OPTIONS, profile, service } from '../config/fixture.ts';

const MINUTE = 60_000;
const WEB = (
  minimum: number,
  rollout = 'rollout: { waves: [0.25, 0.5, 1], bake: 30m, min_outcomes: 2 }',
): string => `
profile: fleet
${rollout}
defaults: { mode: act }
rules:
  - name: down
    criteria: { event_type: NagiosHostAlarm }
    prechecks: [{ checkName: MinActiveHosts, default: ${minimum} }]
    workflow: { name: default.replace_host }
`;
const HALF = 'rollout: { waves: [0.25, 0.5, 1], bake: 30m, min_outcomes: 2, max_error_rate: 0.5 }';
const SERVICES = Array.from({ length: 8 }, (_, at) => `s${at}`);
const documents = (profileText: string): ConfigDocument[] => [
  profile(profileText),
  ...SERVICES.map((name) => service(`service: ${name}\nteam: t\nprofile: fleet\n`, `services/${name}.yaml`)),
];

function createRegion(store: RolloutStore = createMemoryRolloutStore()) {
  const clock = createManualClock();
  const node = () => createRollouts(OPTIONS, { store, clock, log: silentLogger });
  return { clock, store, node, rollouts: node() };
}

/** Services whose effective minimum is the edited one. */
function reached(snapshot: {
  rulesOf: Awaited<ReturnType<ReturnType<typeof createRollouts>['load']>>['rulesOf'];
}) {
  return SERVICES.filter((name) => {
    const params = snapshot.rulesOf(name)[0]?.prechecks[0]?.params;
    return (params as { min: number }).min === 3;
  });
}

const failed = { decision: { kind: 'escalate', reason: 'precondition_failed', detail: '' } } as const;
const by = { author: 'ada', reason: 'looked at it' };

describe('the rollout of a profile', () => {
  it('reaches 2, 4 and then all 8 services, 30 min apart, always the same ones first', async () => {
    const { clock, rollouts } = createRegion();
    const before = await rollouts.load(documents(WEB(2)));
    expect(reached(before)).toEqual([]);
    const first = await rollouts.load(documents(WEB(3)));
    expect(reached(first)).toHaveLength(2);
    await clock.advance(30 * MINUTE - 1);
    expect(await rollouts.tick()).toBeUndefined();
    await clock.advance(1);
    const second = await rollouts.tick();
    expect(second === undefined ? [] : reached(second)).toHaveLength(4);
    expect(second === undefined ? [] : reached(second)).toEqual(expect.arrayContaining(reached(first)));
    await clock.advance(30 * MINUTE);
    const third = await rollouts.tick();
    expect(third === undefined ? [] : reached(third)).toHaveLength(8);
    await clock.advance(30 * MINUTE);
    expect(await rollouts.tick()).toMatchObject({ settings: before.settings });
    expect(await rollouts.list()).toEqual([]);
    const digests = [before, first, second, third].map((snapshot) => snapshot?.digest);
    expect(new Set(digests).size).toBe(4);
  });

  it('S15: two nodes with the same state have the same digest, and another one as long as they differ', async () => {
    const { clock, node } = createRegion();
    const [a, b] = [node(), node()];
    await a.load(documents(WEB(2)));
    const [onA, onB] = [await a.load(documents(WEB(3))), await b.load(documents(WEB(3)))];
    expect(onA.digest).toBe(onB.digest);
    await clock.advance(30 * MINUTE);
    const moved = await a.tick();
    expect(moved?.digest).not.toBe(onB.digest);
    expect((await b.tick())?.digest).toBe(moved?.digest);
    expect(await b.tick()).toBeUndefined();
  });

  it('one wave moves on once, however many nodes look at the same time', async () => {
    const { clock, node } = createRegion();
    const nodes = [node(), node(), node()];
    await nodes[0]?.load(documents(WEB(2)));
    for (const each of nodes) await each.load(documents(WEB(3)));
    await clock.advance(30 * MINUTE);
    await Promise.all(nodes.map((each) => each.tick()));
    for (const each of nodes) await each.tick();
    expect((await nodes[2]?.list())?.[0]).toMatchObject({
      wave: 2,
      waves: 3,
      services: { reached: 4, total: 8 },
    });
  });

  it('stops when 2 of 2 decisions of a service that has the edit go wrong, seen by different nodes', async () => {
    const { clock, node } = createRegion();
    const [a, b] = [node(), node()];
    await a.load(documents(WEB(2)));
    const snapshot = await a.load(documents(WEB(3, HALF)));
    await b.load(documents(WEB(3, HALF)));
    const [early = ''] = reached(snapshot);
    const late = SERVICES.find((name) => !reached(snapshot).includes(name)) ?? '';
    for (let count = 0; count < 5; count += 1) a.observeDecision({ ...failed, service: late });
    a.observeDecision({ ...failed, service: early });
    b.observeRun({ status: 'failed', service: early });
    await a.tick();
    await b.tick();
    const [view] = await a.list();
    expect(view).toMatchObject({ status: 'stopped', wave: 1, outcomes: { total: 2, failed: 2 } });
    await clock.advance(10 * 30 * MINUTE);
    expect(await a.tick()).toBeUndefined();
    expect(await a.act('fleet', 'resume', by)).toBe(true);
    await clock.advance(30 * MINUTE);
    expect(reached((await a.tick()) ?? snapshot)).toHaveLength(4);
  });

  it('is taken back by an operator: every service has what it had', async () => {
    const { rollouts } = createRegion();
    await rollouts.load(documents(WEB(2)));
    await rollouts.load(documents(WEB(3)));
    expect(await rollouts.act('fleet', 'roll_back', by)).toBe(true);
    const back = await rollouts.tick();
    expect(back === undefined ? ['nothing'] : reached(back)).toEqual([]);
    expect(await rollouts.list()).toMatchObject([
      { status: 'rolled_back', because: 'rolled back by ada: looked at it' },
    ]);
    expect(await rollouts.act('fleet', 'roll_back', by)).toBe(false);
    expect(await rollouts.act('other', 'stop', by)).toBe(false);
  });

  it('is not moved on by a node whose wall clock is 30 min ahead', async () => {
    const { store, clock, rollouts } = createRegion();
    await rollouts.load(documents(WEB(2)));
    await rollouts.load(documents(WEB(3)));
    const ahead = createRollouts(OPTIONS, {
      store,
      clock: { now: () => clock.now() + 31 * MINUTE, monotonic: () => clock.monotonic() },
      log: silentLogger,
    });
    await ahead.load(documents(WEB(3)));
    await ahead.tick();
    await ahead.tick();
    expect(await ahead.list()).toMatchObject([{ wave: 1 }]);
    await clock.advance(30 * MINUTE);
    await ahead.tick();
    expect(await ahead.list()).toMatchObject([{ wave: 2 }]);
  });

  it('is stopped by a person although other nodes write at the same time', async () => {
    const store = createMemoryRolloutStore();
    let others = 0;
    const { rollouts } = createRegion({
      load: () => store.load(),
      save: (record) => (others-- > 0 ? Promise.resolve(false) : store.save(record)),
    });
    await rollouts.load(documents(WEB(2)));
    await rollouts.load(documents(WEB(3)));
    others = 10;
    expect(await rollouts.act('fleet', 'stop', by)).toBe(true);
    expect(await rollouts.list()).toMatchObject([{ status: 'stopped' }]);
    others = 100;
    await expect(rollouts.act('fleet', 'resume', by)).rejects.toMatchObject({ code: 'LZ_CONFIG_UNREADABLE' });
  });

  it('does not charge the next edit with what was seen of the one before', async () => {
    const { rollouts } = createRegion();
    await rollouts.load(documents(WEB(2)));
    const [early = ''] = reached(await rollouts.load(documents(WEB(3))));
    for (let count = 0; count < 5; count += 1) rollouts.observeDecision({ ...failed, service: early });
    await rollouts.load(documents(WEB(5)));
    await rollouts.tick();
    expect(await rollouts.list()).toMatchObject([{ status: 'rolling', outcomes: { total: 0 } }]);
  });

  it('S15: stays where it was when the store loses it under way, also when an empty node begins with it', async () => {
    let store = createMemoryRolloutStore();
    const { rollouts, node } = createRegion({
      load: () => store.load(),
      save: (record) => store.save(record),
    });
    await rollouts.load(documents(WEB(2)));
    await rollouts.load(documents(WEB(3)));
    store = createMemoryRolloutStore();
    const other = node();
    await other.load(documents(WEB(3)));
    const here = (await rollouts.tick()) ?? (await rollouts.load(documents(WEB(3))));
    expect(reached(here)).toHaveLength(2);
    const there = await other.tick();
    expect(there === undefined ? [] : reached(there)).toHaveLength(2);
  });

  it('goes on after a restart where it was, from what is stored', async () => {
    const { clock, node, rollouts } = createRegion();
    await rollouts.load(documents(WEB(2)));
    await rollouts.load(documents(WEB(3)));
    await clock.advance(30 * MINUTE);
    await rollouts.tick();
    expect(reached(await node().load(documents(WEB(3))))).toHaveLength(4);
  });

  it('begins anew with the next edit, from what everybody had', async () => {
    const { rollouts } = createRegion();
    await rollouts.load(documents(WEB(2)));
    await rollouts.load(documents(WEB(5)));
    const next = await rollouts.load(documents(WEB(3)));
    expect(reached(next)).toHaveLength(2);
    const minimums = SERVICES.map((name) => next.rulesOf(name)[0]?.prechecks[0]?.params);
    expect(minimums.filter((params) => (params as { min: number }).min === 2)).toHaveLength(6);
  });

  it('tells each decision where its service is, and which rule answers it', async () => {
    const { rollouts } = createRegion();
    await rollouts.load(documents(WEB(2)));
    const snapshot = await rollouts.load(documents(WEB(3)));
    const [early = ''] = reached(snapshot);
    const match = snapshot.match(event({ service: early }));
    expect(match).toMatchObject({
      matched: true,
      rule: { name: 'fleet.down' },
      rollout: { profile: 'fleet', wave: 1, waves: 3, status: 'rolling', hasEdit: true },
    });
    const named = snapshot.rule('fleet.down', event({ service: early }));
    expect(match.matched && named?.digest === match.rule.digest).toBe(true);
  });

  it('reaches everybody at once without a rollout section, and when only that section is edited', async () => {
    const { rollouts } = createRegion();
    await rollouts.load(documents(WEB(2, '')));
    expect(reached(await rollouts.load(documents(WEB(3, ''))))).toHaveLength(8);
    expect(reached(await rollouts.load(documents(WEB(3))))).toHaveLength(8);
    expect(await rollouts.list()).toEqual([]);
  });

  it('S15: leaves in force what was while the state cannot be read, and refuses to load', async () => {
    const store = createMemoryRolloutStore();
    let isAway = false;
    const { clock, rollouts } = createRegion({
      load: () => (isAway ? Promise.reject(new Error('away')) : store.load()),
      save: (record) => store.save(record),
    });
    await rollouts.load(documents(WEB(2)));
    await rollouts.load(documents(WEB(3)));
    isAway = true;
    await clock.advance(30 * MINUTE);
    expect(await rollouts.tick()).toBeUndefined();
    await expect(rollouts.load(documents(WEB(4)))).rejects.toThrow('away');
    isAway = false;
    expect(reached((await rollouts.tick()) ?? (await rollouts.load(documents(WEB(2)))))).toHaveLength(4);
  });

  it('S15: shows an edit to nobody before its first wave, while a load waits for the store', async () => {
    const store = createMemoryRolloutStore();
    const gate = Promise.withResolvers<undefined>();
    let isSlow = false;
    const { rollouts } = createRegion({
      load: () => store.load(),
      save: async (record) => {
        if (isSlow) await gate.promise;
        return store.save(record);
      },
    });
    await rollouts.load(documents(WEB(2)));
    isSlow = true;
    const loading = rollouts.load(documents(WEB(3)));
    const ticking = rollouts.tick();
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
    gate.resolve(undefined);
    expect(reached(await loading)).toHaveLength(2);
    expect(await ticking).toBeUndefined();
  });

  it('S15: begins although another node writes at the same time, and gives up after 5 times', async () => {
    const store = createMemoryRolloutStore();
    let others = 0;
    const { clock, node } = createRegion({
      load: () => store.load(),
      save: (record) => (others-- > 0 ? Promise.resolve(false) : store.save(record)),
    });
    const rollouts = node();
    await rollouts.load(documents(WEB(2)));
    others = 4;
    expect(reached(await rollouts.load(documents(WEB(3))))).toHaveLength(2);
    others = 5;
    await expect(rollouts.load(documents(WEB(4)))).rejects.toMatchObject({ code: 'LZ_CONFIG_UNREADABLE' });
    await clock.advance(30 * MINUTE);
    expect(reached((await rollouts.tick()) ?? (await rollouts.load(documents(WEB(2)))))).toHaveLength(4);
  });

  it('S15: gives an edit with waves to nobody once another edit took its place', async () => {
    const { clock, node } = createRegion();
    const [a, b] = [node(), node()];
    await a.load(documents(WEB(2)));
    expect(reached(await a.load(documents(WEB(3))))).toHaveLength(2);
    const onB = await b.load(documents(WEB(4)));
    const onA = await a.tick();
    expect(onA === undefined ? SERVICES : reached(onA)).toEqual([]);
    expect(onA?.digest).not.toBe(onB.digest);
    for (let wave = 0; wave < 3; wave += 1) {
      await clock.advance(30 * MINUTE);
      await b.tick();
    }
    expect(await b.list()).toEqual([]);
    expect(reached((await a.tick()) ?? onB)).toEqual([]);
  });

  it('refuses waves that shrink, or that end before everybody has the edit', async () => {
    const { rollouts } = createRegion();
    for (const waves of ['[0.5, 0.25, 1]', '[0.5]', '[]'])
      await expect(rollouts.load(documents(WEB(2, `rollout: { waves: ${waves} }`)))).rejects.toMatchObject({
        code: 'LZ_CONFIG_INVALID',
      });
  });
});

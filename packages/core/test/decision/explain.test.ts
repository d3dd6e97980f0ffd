import { LADDER } from '@lazarus/core';
import type { DecisionRecord } from '@lazarus/core';
import { explainDecision, ExplanationSchema, nearestChange } from '@lazarus/core/controller';
import type { CheckResult, Vote } from '@lazarus/core/ports';
import { describe, expect, it } from 'vitest';
import { EXITS, outcomeOf } from './exits.ts';
import { aRule, anEvent, createWorld } from './world.ts';

/** What would have flipped the outcome of each scene. */
const CHANGES: Readonly<Record<string, string | RegExp>> = {
  invalid: /^a valid event: /,
  stale: 'an event received 1.0 s earlier, or stale_after of at least 301 s',
  future_dated: 'received at 00:00:01Z or later, or a sensor whose clock is right',
  duplicate: 'a new event with an id of its own: every id is decided once',
  windows_unavailable: 'the windows answer: as long as counts are unknown everything is suspended',
  attached: /^run [0-9a-f]{12} is over, and the host fails again$/,
  superseded: 'a new incarnation of web1: this one is kept for examination',
  no_rule: 'the nearest rule is host_down: host_state_type is SOFT',
  mode_off: 'mode: act; off comes from the configuration',
  notify_only_rule: 'a workflow in rule host_down',
  paused: 'lazarus resume --service web',
  pause_unavailable: 'the pause store answers: as long as it does not, everything is paused',
  region_circuit_open: '1 failing service fewer in the region, and the breaker closes',
  service_rate_limited: 'limiter 4 of 3 in 10 m: would pass at 00:10:00Z, if no other host fails',
  target_unresolved: 'a host that the provider knows: the provider knows no single host web9 in web',
  target_protected: 'tag web1 as managed at the provider',
  lock_held: 'run scaling is over',
  lock_unavailable: 'the lock store answers',
  lock_lost: 'the lock is held until the run begins',
  precondition_failed: /one more|Fake/,
  quorum_timed_out: 'one more yes vote (a node did not answer)',
  quorum_not_reached: 'one more yes vote (b has another configuration)',
  budget_spent: '1 action in flight in the service has to end: 1 of 1',
  budget_unavailable: 'the budget answers: unreadable means spent',
  deadline_passed: '0.0 s less from the page to this gate',
  pager_refused: 'nobody has taken page web/web1: it is with a person, where it belongs',
  audit_unavailable: 'the audit log answers',
  run_not_started: /^an engine that takes the run: /,
};

const check = (name: string, evidence: CheckResult['evidence'] = {}): CheckResult => ({
  check: name,
  verdict: 'fail',
  reason: `${name} says no`,
  evidence,
  durationMs: 1,
});
const vote = (voter: string, ...checks: readonly CheckResult[]): Vote => ({
  voter,
  zone: voter,
  verdict: checks.length === 0 ? 'yes' : 'no',
  checks: checks.length === 0 ? [{ check: 'Fake', verdict: 'pass', durationMs: 1 }] : checks,
  durationMs: 1,
});

async function changeWithVotes(...votes: readonly Vote[]): Promise<string | undefined> {
  const world = createWorld();
  world.voters.setAnswer({
    outcome: 'not_reached',
    yes: votes.filter(({ verdict }) => verdict === 'yes').length,
    required: 2,
    members: 3,
    votes,
    voided: [],
    durationMs: 5,
  });
  return nearestChange(await world.controller.decide(anEvent()))?.text;
}

describe('an explanation', () => {
  it.each(EXITS)('of the exit $exit says what would have flipped it', async (scene) => {
    const { record } = await outcomeOf(scene);
    const change = explainDecision(record).nearest_change;
    expect(change).toMatchObject({ exit: scene.exit, gate: record.gates.at(-1)?.gate });
    expect(change?.text).toMatch(CHANGES[scene.exit] ?? 'no text for this exit');
  });

  it('has a change for every exit of the ladder', () => {
    const named = new Set([...Object.keys(CHANGES), 'no_config']);
    expect(LADDER.flatMap(({ exits }) => [...exits]).filter((exit) => !named.has(exit))).toEqual([]);
  });

  it.each(EXITS)('of the exit $exit fits the shipped schema and names all 15 gates', async (scene) => {
    const { record } = await outcomeOf(scene);
    const explanation = explainDecision(JSON.parse(JSON.stringify(record)) as DecisionRecord);
    expect(ExplanationSchema.parse(JSON.parse(JSON.stringify(explanation)))).toEqual(explanation);
    expect(explanation.chain.map(({ number }) => number)).toEqual(LADDER.map(({ number }) => number));
    const walked = explanation.chain.filter(({ verdict }) => verdict !== 'not_reached');
    expect(walked).toHaveLength(record.gates.length);
    for (const { inputs, duration_ms, at } of walked) {
      expect(inputs).toBeDefined();
      expect(duration_ms).toBeGreaterThanOrEqual(0);
      expect(at).toMatch(/Z$/);
    }
  });

  it('of an action says what would have stopped it: the smallest margin', async () => {
    const world = createWorld();
    const { nearest_change: change } = explainDecision(await world.controller.decide(anEvent()));
    expect(change).toEqual({
      gate: 'ballot',
      what: 'yes_votes',
      is: 3,
      needed: 1,
      text: 'stopped with 2 yes votes fewer',
    });
    const closer = createWorld({ rule: aRule({ limits: { maxEntities: 1 } }) });
    expect(explainDecision(await closer.controller.decide(anEvent())).nearest_change).toEqual({
      gate: 'service_limit',
      what: 'entities',
      is: 1,
      needed: 2,
      text: 'stopped with 1 more failing host',
    });
  });

  it('carries the votes, the rule with the reason why it won, and the timings', async () => {
    const world = createWorld();
    const explanation = explainDecision(await world.controller.decide(anEvent()));
    expect(explanation).toMatchObject({
      rule: { name: 'host_down', digest: 'rule-digest-1', why: 'the only rule' },
      config_digest: 'config-digest-1',
      votes: { yes: 3, required: 2, members: 3, silent: [] },
      timings: { event_age_ms: 0, total_ms: 0, received_at: '2026-01-01T00:00:00.000Z' },
      page: { action: 'acknowledged', incident_key: 'web/web1' },
    });
    expect(explanation.votes?.cast.map(({ voter }) => voter)).toEqual(['a', 'b', 'c']);
  });
});

describe('the nearest change', () => {
  it('is right about the limiter: 1 ms before the time it names the event is stopped, and then it passes', async () => {
    const world = createWorld({ rule: aRule({ staleAfterMs: 3_600_000 }) });
    for (const [index, entity] of ['i-web2', 'i-web3', 'i-web4'].entries()) {
      await world.windows.observe({ eventId: entity, region: 'us-east-1', service: 'web', entity });
      await world.clock.advance(1_000 * (index + 1));
    }
    const first = await world.controller.decide(anEvent());
    const at = Date.parse(nearestChange(first)?.at ?? '');
    expect(at - world.clock.now()).toBe(600_000 - 6_000);
    const decideAt = async (ms: number, id: string) => {
      await world.clock.advance(ms - world.clock.now());
      // A plan looks without counting, as an event of a host that is counted already does.
      const event = anEvent({ id, time: new Date(ms).toISOString() });
      return (await world.controller.plan(event)).gates.find(({ gate }) => gate === 'service_limit')?.verdict;
    };
    expect(await decideAt(at - 1, 'before')).toBe('fail');
    expect(await decideAt(at, 'after')).toBe('pass');
  });

  it('is right about an event from the future: it passes at the time that is named', async () => {
    const world = createWorld();
    const event = { ...anEvent(), time: '2026-01-01T00:01:00Z' };
    const at = Date.parse(nearestChange(await world.controller.plan(event))?.at ?? '');
    const verdictAt = async (ms: number) => {
      await world.clock.advance(ms - world.clock.now());
      return (await world.controller.plan(event)).gates.find(({ gate }) => gate === 'fresh')?.verdict;
    };
    expect(await verdictAt(at - 1)).toBe('fail');
    expect(await verdictAt(at)).toBe('pass');
  });

  it('is right about a pause that ends by itself', async () => {
    const world = createWorld();
    const until = '2026-01-01T00:00:20.000Z';
    const pause = { author: 'ada', reason: 'drill', since: '2026-01-01T00:00:00Z', until };
    await world.pauses.set({ scope: { region: 'us-east-1', service: 'web' }, ...pause });
    const change = nearestChange(await world.controller.plan(anEvent()));
    expect(change).toMatchObject({
      at: until,
      text: 'lazarus resume --region us-east-1 --service web; it ends by itself at 00:00:20Z',
    });
    await world.clock.advance(20_000);
    expect(nearestChange(await world.controller.plan(anEvent()))?.gate).toBe('ballot');
  });

  it('inverts the checks of the vote that came nearest', async () => {
    const few = check('MinActiveHosts', { active: 2, minimum: 3 });
    const yes = vote('a');
    expect(await changeWithVotes(yes, vote('b', few, check('X')), vote('c', few))).toBe(
      'MinActiveHosts: 2 active, 3 needed: one more active host, on c',
    );
    const many = check('MaxActiveHosts', { active: 5, launching: 1, maximum: 6 });
    expect(await changeWithVotes(yes, vote('b', many), vote('c', many))).toBe(
      'MaxActiveHosts: 6 active or launching, fewer than 6 allowed: one host fewer, on b',
    );
    const peers = check('PeerCheck', { unhealthy: 3, max_unhealthy_peers: 1 });
    expect(await changeWithVotes(vote('a', peers), vote('b', peers), vote('c', peers))).toBe(
      'PeerCheck: 3 peers not healthy, 1 may be: 2 more healthy peers, on 2 nodes',
    );
    const up = check('HealthCheckDown', { status: 'healthy', from_zone: 'z1' });
    expect(await changeWithVotes(yes, vote('b', up), vote('c', up))).toBe(
      'HealthCheckDown: healthy from z1: unhealthy or unreachable from there, on b',
    );
    const young = check('MinUptime', { uptime_ms: 1_000, minimum_ms: 61_000 });
    expect(await changeWithVotes(yes, vote('b', young), vote('c', young))).toBe(
      'MinUptime: passes in 60 s, on b',
    );
    expect(await changeWithVotes(yes, vote('b', check('Mine')), vote('c', check('Mine')))).toBe(
      'Mine: Mine says no, on b',
    );
  });

  it('names the nodes that did not answer', async () => {
    const world = createWorld();
    const votes = [vote('a')];
    const answer = { yes: 1, required: 2, members: 3, votes, voided: [], durationMs: 5 };
    world.voters.setAnswer({ ...answer, outcome: 'timed_out', silent: ['b', 'node-c'] });
    const record = await world.controller.decide(anEvent());
    expect(nearestChange(record)?.text).toBe('one more yes vote (b did not answer)');
    expect(record.votes?.silent).toEqual(['b', 'node-c']);
  });

  it('names the breaker that is unknown, and an event that was dated before the end of a run', async () => {
    const record = (gate: Partial<DecisionRecord['gates'][number]>) =>
      nearestChange({
        gates: [
          {
            gate: 'coalesce',
            number: 5,
            verdict: 'fail',
            reason: '',
            evidence: {},
            at: '2026-01-01T00:00:00.000Z',
            duration_ms: 0,
            ...gate,
          },
        ],
      });
    expect(
      record({ gate: 'region_breaker', exit: 'region_circuit_open', evidence: { state: 'unknown' } })?.text,
    ).toMatch(/^the counts of a whole window are known/);
    const ended = { lifecycle: 'active', run_status: 'succeeded', run_ended_at: '2026-01-01T00:09:00.000Z' };
    expect(record({ exit: 'superseded', evidence: ended })?.text).toBe(
      'an event that is dated after 2026-01-01T00:09:00.000Z, when the run ended',
    );
    expect(record({ exit: 'invariant_broken', reason: 'x' })?.text).toBe(
      'a gate that does not fail itself: x',
    );
    expect(record({ exit: 'an exit of a later version' })).toBeUndefined();
  });

  it('of an event that no configuration answers is a configuration', async () => {
    const world = createWorld();
    const fresh = world.restart();
    fresh.use(undefined as never);
    expect(nearestChange(await fresh.decide(anEvent()))).toMatchObject({ exit: 'no_config' });
  });
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DecisionRecord } from '@lazarus/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whyNoRedis, withRedis } from '../../../tools/redis-server.ts';
import { NODE_IDS } from '../src/world/cluster.ts';
import type { NodeId } from '../src/world/cluster.ts';
import { requestJson } from '../src/world/http.ts';
import { ORACLES } from './oracle/index.ts';
import type { Recording, Span } from './oracle/recording.ts';
import { createHangingHealthcheck } from './support/hanging-healthcheck.ts';
import { auditIsIntact, record } from './support/record.ts';
import { openStage, settingsOf, until } from './support/stage.ts';
import type { Incident, Stage } from './support/stage.ts';

const TIMEOUT_MS = 180_000;

let stage: Stage;
/** Nothing when the stage did not open. */
let close: () => Promise<void> = async () => {};
const suspended: Span[] = [];
const paused: Span[] = [];
const configurations: { node: string; digest: string; fromMs: number }[] = [];

const others = (node: NodeId): readonly NodeId[] => NODE_IDS.filter((id) => id !== node);
const urlOf = (node: NodeId): string => stage.world.nodes[node].url;

/** Which configuration each living node has in force now. */
async function noteConfigurations(): Promise<void> {
  for (const node of NODE_IDS) {
    const { digest } = await requestJson<{ readonly digest: string | null }>(`${urlOf(node)}/v1/config`);
    if (digest === null) continue; // nothing is in force there yet
    const last = configurations.findLast((each) => each.node === node);
    if (last?.digest !== digest) configurations.push({ node, digest, fromMs: Date.now() });
  }
}

interface Page {
  readonly incident_key: string;
  readonly status: string;
  readonly escalation_level: number;
}

/** Waits until a page is with people: on the second level, and nobody of ours holds it. */
async function escalated({ incidentKey }: Incident): Promise<Page> {
  return until(`page ${incidentKey} is with people`, async () => {
    const { incidents } = await requestJson<{ readonly incidents: readonly Page[] }>(
      `${stage.world.pager.url}/_sim/incidents`,
    );
    return incidents.find(
      (page) =>
        page.incident_key === incidentKey && page.escalation_level === 2 && page.status === 'triggered',
    );
  });
}

/** Replaced, and the page with it. */
async function replaced(incident: Incident): Promise<DecisionRecord> {
  const decision = await stage.decided(incident);
  expect(decision.decision, JSON.stringify(decision.decision)).toMatchObject({ kind: 'remediate' });
  const run = await stage.ended(decision);
  expect(run, JSON.stringify(run.error)).toMatchObject({ status: 'succeeded', page: 'resolved' });
  return decision;
}

describe.skipIf(whyNoRedis() !== undefined)(withRedis('three processes, one node each'), () => {
  beforeAll(async () => {
    stage = await openStage();
    close = () => stage.close();
    await noteConfigurations();
  }, TIMEOUT_MS);
  afterEach(() => stage.heal(), TIMEOUT_MS);
  afterAll(() => close(), TIMEOUT_MS);

  it.each(NODE_IDS)(
    'L4, S10, S11: a host is replaced although node %s is killed while it is decided about',
    { timeout: TIMEOUT_MS },
    async (node) => {
      const incident = await stage.fail(await stage.serviceOf(node), { notIn: [node] });
      // The hold-down of 1 s is not over: if this node had it, nothing was decided yet.
      await stage.world.nodes[node].kill();
      await replaced(incident);
    },
  );

  it(
    'L4, S10, S11: a host is replaced although its coordinator is killed while the ballot is open',
    { timeout: TIMEOUT_MS },
    async () => {
      const coordinator = await stage.ownerOf('s2');
      const healthcheck = createHangingHealthcheck();
      // Nobody can vote before the healthcheck answers, so with the first probe the ballot is open, and it stays so.
      const incident = await stage.fail('s2', {
        notIn: [coordinator],
        onKilled: (port) => healthcheck.listen(port),
      });
      await healthcheck.probed;
      await stage.world.nodes[coordinator].kill();
      await healthcheck.close();
      const decision = await replaced(incident);
      expect(decision.coordinator).not.toBe(coordinator);
    },
  );

  it.each(NODE_IDS)(
    'S4, L4: a host is replaced although node %s is frozen beyond every TTL, and nothing is repeated when it goes on',
    { timeout: TIMEOUT_MS },
    async (node) => {
      const service = await stage.serviceOf(node);
      const incident = await stage.fail(service, { notIn: [node] });
      await stage.freeze(node);
      await replaced(incident);
      await stage.thaw(node);
    },
  );

  it.each([
    { says: 'a', to: 'b', third: 'c', service: 's1' },
    { says: 'b', to: 'c', third: 'a', service: 's3' },
  ] as const)(
    'L4: what $says says to $to is lost: $says and $third decide, and $to comes back by itself',
    { timeout: TIMEOUT_MS },
    async ({ says, to, third, service }) => {
      const { proxies } = stage;
      proxies[says === 'a' ? 'ab' : 'bc'].swallow('from_dialer');
      proxies[says === 'a' ? 'ba' : 'cb'].swallow('from_dialed');
      // Whoever coordinates, the third one included, hears the node of the host's own zone.
      const incident = await stage.fail(service, { notIn: NODE_IDS.filter((id) => id !== third) });
      await until(`${says} misses ${to}`, async () => {
        const { peers } = await requestJson<{ peers: readonly { id: string; connected: boolean }[] }>(
          `${urlOf(says)}/v1/peers`,
        );
        return peers.some(({ id, connected }) => id === to && !connected) ? true : undefined;
      });
      await replaced(incident);
    },
  );

  it(
    'S15: a node with another configuration is not counted, and two with the same decide',
    { timeout: TIMEOUT_MS },
    async () => {
      const settings = join(stage.world.stateDir, 'config', 'settings.yaml');
      await noteConfigurations();
      const before = configurations.findLast(({ node }) => node === 'c')?.digest;
      writeFileSync(settings, settingsOf(7));
      for (const node of ['a', 'b'] as const) stage.world.nodes[node].process.kill('SIGHUP');
      await until('a and b have another configuration than c', async () => {
        await noteConfigurations();
        const now = NODE_IDS.map((id) => configurations.findLast(({ node }) => node === id)?.digest);
        return now[0] !== before && now[0] === now[1] && now[2] === before ? true : undefined;
      });
      const incident = await stage.fail(stage.spare(), { notIn: ['c'] });
      const decision = await stage.decided(incident);
      // Coordinated by c, a and b vote with the configuration that they replaced a moment ago.
      const hasOld = decision.coordinator === 'c';
      const notCounted = (decision.votes?.voided ?? []).filter(
        ({ reason }) => reason === 'config_digest_differs',
      );
      expect(notCounted.map(({ voter }) => voter).sort()).toEqual(hasOld ? [] : ['c']);
      await replaced(incident);
      stage.world.nodes.c.process.kill('SIGHUP');
      await until('c has the configuration of the others', async () => {
        await noteConfigurations();
        const now = NODE_IDS.map((id) => configurations.findLast(({ node }) => node === id)?.digest);
        return new Set(now).size === 1 ? true : undefined;
      });
    },
  );

  it(
    'S13, S14: a noted event touches nothing, and a paused one goes to people, until the pause is lifted',
    { timeout: TIMEOUT_MS },
    async () => {
      await requestJson(`${urlOf('a')}/v1/pauses`, {
        body: { scope: { service: 'paused' }, author: 'ada', reason: 'drill', for: '10m' },
      });
      const fromMs = Date.now();
      const [stopped, noted] = [await stage.fail('paused'), await stage.fail('noted')];
      expect((await stage.decided(stopped)).decision).toMatchObject({ kind: 'escalate', reason: 'paused' });
      expect((await stage.decided(noted)).decision).toMatchObject({
        kind: 'notify_only',
        would: 'remediate',
      });
      expect(await escalated(stopped)).toBeDefined();
      paused.push({ fromMs, untilMs: Date.now() });
      await requestJson(`${urlOf('b')}/v1/pauses?service=paused&author=ada`, { method: 'DELETE' }).catch(
        () => undefined,
      );
    },
  );

  it(
    'S7, S10: Redis is killed: nothing is done and pages escalate; when it is back everything goes on by itself',
    { timeout: TIMEOUT_MS },
    async () => {
      await stage.world.redis.kill();
      const fromMs = Date.now();
      const incident = await stage.fail('away');
      expect(await escalated(incident)).toBeDefined();
      suspended.push({ fromMs, untilMs: Date.now() });
      await stage.world.redis.start();
      const decision = await stage.decided(incident);
      expect(decision.decision.kind).not.toBe('remediate');
      await stage.heal();
      const service = stage.spare();
      await stage.suspensionIsOver(service);
      await replaced(await stage.fail(service));
    },
  );

  it(
    'L4, S10: two nodes are down: the third does nothing, and the page escalates by itself',
    { timeout: TIMEOUT_MS },
    async () => {
      for (const node of others('a')) await stage.world.nodes[node].kill();
      const incident = await stage.fail('alone');
      expect(await escalated(incident)).toBeDefined();
      const decision = await stage.decided(incident);
      expect(decision.decision).toMatchObject({ kind: 'escalate' });
      await stage.heal();
      await replaced(await stage.fail(stage.spare()));
    },
  );

  it(
    'S7: with the tenth failing service the breaker opens, and everything goes to people',
    { timeout: TIMEOUT_MS },
    async () => {
      const storm = await stage.fail('storm');
      expect((await stage.decided(storm)).decision).toMatchObject({
        kind: 'escalate',
        reason: 'region_circuit_open',
      });
      const fromMs = Date.now();
      const next = await stage.fail('s3');
      expect((await stage.decided(next)).decision).toMatchObject({ reason: 'region_circuit_open' });
      suspended.push({ fromMs, untilMs: Date.now() });
      expect(await escalated(next)).toBeDefined();
    },
  );

  describe('afterwards', () => {
    let recording: Recording;
    beforeAll(async () => {
      recording = await record(stage, { suspended, paused, configurations });
    });

    it.each(Object.entries(ORACLES))('%s was kept all the time', (_name, oracle) => {
      expect(oracle(recording)).toEqual([]);
    });

    it('S17: the audit log that three processes wrote, two of them killed, is whole', async () => {
      expect(await auditIsIntact(stage.world)).toBe(true);
    });

    it('the recording has something to find: hosts were replaced, ballots were held, pages were opened', () => {
      expect(
        recording.hosts.filter(({ tags }) => tags['lazarus:launched-by'] !== undefined).length,
      ).toBeGreaterThan(5);
      expect(recording.ballots.length).toBeGreaterThan(5);
      expect(recording.pages.length).toBe(stage.incidents.length);
    });
  });
});

/** A cluster on which a test plays: incidents, kills, freezes, and what everybody says about them afterwards. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import type { DecisionRecord } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import { NODE_IDS, startCluster } from '../../src/world/cluster.ts';
import type { ClusterWorld, NodeId } from '../../src/world/cluster.ts';
import { poll, requestJson } from '../../src/world/http.ts';
import { findRedis } from '../../src/world/servers.ts';
import type { HostView } from '../../src/world/views.ts';
import { createOneWayProxy } from './one-way-proxy.ts';
import type { OneWayProxy } from './one-way-proxy.ts';

/** How long anything may take on a machine that does ten other things. */
const PATIENCE_MS = 45_000;
const SHARDS = 6;
/** Of one service, before its limit and its budget are a reason to do nothing. */
const MOST_INCIDENTS = 2;

/** Services whose hosts are replaced, and those that have one part to play each. */
export const ACTING = ['s1', 's2', 's3', 's4', 's5'] as const;
export const PARTS = ['alone', 'away', 'paused', 'noted', 'storm'] as const;

/** One failed host. */
export interface Incident {
  readonly service: string;
  readonly hostId: string;
  readonly incidentKey: string;
  /** As the audit log writes it. */
  readonly eventId: string;
}

/** The cluster, and what was done to it. */
export interface Stage {
  readonly world: ClusterWorld;
  /** Between a and b and between b and c, by who dials. */
  readonly proxies: Readonly<Record<'ab' | 'ba' | 'bc' | 'cb', OneWayProxy>>;
  readonly incidents: Incident[];
  /** Kills a host outside of the zones and reports it to any node that takes it. */
  fail(
    service: string,
    options?: {
      readonly notIn?: readonly NodeId[];
      /** Called between the death of the host and the report of it, with the port of its healthcheck. */
      readonly onKilled?: (port: number) => Promise<void>;
    },
  ): Promise<Incident>;
  /** Who reads the part of the stream in which the events of a service are, and so coordinates them. */
  ownerOf(service: string): Promise<NodeId>;
  /** Any service of `ACTING` whose part of the stream a node reads; one after the other when it reads none. */
  serviceOf(node: NodeId): Promise<string>;
  /** The service of `ACTING` that failed least often, so that no budget is in the way. */
  spare(): string;
  /** Waits for the terminal record, asked of any node that answers. */
  decided(incident: Incident): Promise<DecisionRecord>;
  /** Waits for the end of the run of a decision. */
  ended(record: DecisionRecord): Promise<RunView>;
  /** Freezes a node at a moment at which it holds no lock of a file. */
  freeze(node: NodeId): Promise<void>;
  /** Lets a frozen node go on, not before it was frozen for longer than any TTL of the cluster. */
  thaw(node: NodeId): Promise<void>;
  /** Waits until a plan about a service fails, if it does, for a reason of its own: the shared stores answer again. */
  suspensionIsOver(service: string): Promise<void>;
  /** Starts whoever was killed, thaws whoever is frozen, lets everything through, and waits until all nodes are ready. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

/** Where real servers of this repository are listed. */
const SERVERS = fileURLToPath(new URL('../../../../.cache/servers.json', import.meta.url));

/** Starts the cluster with ten services of two or three hosts, in times that a test can wait for. */
export async function openStage(): Promise<Stage> {
  const root = mkdtempSync(join(tmpdir(), 'lazarus-cluster-'));
  const proxies = {
    ab: await createOneWayProxy(),
    ba: await createOneWayProxy(),
    bc: await createOneWayProxy(),
    cb: await createOneWayProxy(),
  };
  const isProxied = (pair: string): pair is keyof typeof proxies => pair in proxies;
  const forget = async (): Promise<void> => {
    await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
    rmSync(root, { recursive: true, force: true, maxRetries: 3 });
  };
  const world = await startCluster({
    stateDir: join(root, 'state'),
    configDir: writeConfig(join(root, 'config')),
    redis: findRedis(SERVERS),
    port: 0,
    times: { lockSeconds: 4, leaseSeconds: 4, failoverSeconds: 4 },
    withoutSensor: true,
    // Longer than a takeover: a page that has gone to people is theirs.
    escalateAfterMs: 25_000,
    services: [...ACTING.map((name) => ({ name, hosts: 3 })), ...PARTS.map((name) => ({ name, hosts: 2 }))],
    between: (from, to, port) => {
      const pair = `${from}${to}`;
      return isProxied(pair) ? proxies[pair].toward(port) : port;
    },
  }).catch(async (error: unknown) => {
    await forget();
    throw error;
  });
  const closing = async (): Promise<void> => {
    await world.close();
    await forget();
  };
  return createStage(world, proxies, closing);
}

function createStage(world: ClusterWorld, proxies: Stage['proxies'], closing: () => Promise<void>): Stage {
  const incidents: Incident[] = [];
  const used = (service: string): number => incidents.filter((each) => each.service === service).length;
  const leastUsed = (): readonly string[] => [...ACTING].sort((left, right) => used(left) - used(right));
  const frozen = new Map<NodeId, number>();

  /** The answer of any node that gives one; frozen ones are not asked. */
  const ask = async <T>(path: string, body?: unknown): Promise<T> => {
    let failure: unknown;
    for (const id of NODE_IDS.filter((each) => !frozen.has(each))) {
      try {
        return await requestJson<T>(`${world.nodes[id].url}${path}`, body === undefined ? {} : { body });
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };
  const goOn = (node: NodeId): void => {
    world.nodes[node].process.kill('SIGCONT');
    frozen.delete(node);
  };
  const { lockSeconds, leaseSeconds, failoverSeconds } = world.times;
  const longestTtlMs = 1_000 * Math.max(lockSeconds, leaseSeconds, failoverSeconds);

  return {
    world,
    proxies,
    incidents,
    async fail(service, { notIn = [], onKilled } = {}) {
      const host = await until(`a healthy host of ${service} outside of ${notIn.join(', ')}`, async () =>
        (await hostsOf(world, service)).find((each) => isFit(each, service, notIn)),
      );
      const incidentKey = `test/${host.id}`;
      await requestJson(`${world.region.url}/_sim/hosts/${host.id}/kill`, { body: {} });
      await onKilled?.(Number(new URL(host.tags['lazarus:health-url'] ?? '').port));
      await requestJson(`${world.pager.url}/v2/enqueue`, { body: pageOf(world, incidentKey) });
      const event = eventOf(world, host, incidentKey);
      await until('a node takes the event', async () => {
        await ask('/v1/events', event);
        return true;
      });
      const incident = { service, hostId: host.id, incidentKey, eventId: `test/${incidentKey}` };
      incidents.push(incident);
      return incident;
    },
    async ownerOf(service) {
      return until(`a reader of the shard of ${service}`, async () => {
        const owner = (await shardOwners(world.redis.url))[shardOf(service)];
        return NODE_IDS.find((id) => id === owner);
      });
    },
    async serviceOf(node) {
      const owners = await shardOwners(world.redis.url);
      const own = leastUsed().find(
        (service) => owners[shardOf(service)] === node && used(service) < MOST_INCIDENTS,
      );
      return own ?? leastUsed()[0] ?? 's1';
    },
    spare: () => leastUsed()[0] ?? 's1',
    async decided({ service, eventId }) {
      return until(`a decision about ${eventId}`, async () => {
        const reply = await ask<{ readonly decisions: readonly DecisionRecord[] }>(
          `/v1/decisions?service=${service}&limit=50`,
        );
        return reply.decisions.find(
          (each) =>
            each.event_id === eventId &&
            (each.decision.kind !== 'remediate' || each.gates.some(({ gate }) => gate === 'run')),
        );
      });
    },
    async ended(record) {
      const runId = record.decision.kind === 'remediate' ? record.decision.run_id : '';
      return until(`the end of run ${runId}`, async () => {
        const now = await ask<RunView>(`/v1/runs/${runId}`);
        return now.status === 'running' ? undefined : now;
      });
    },
    async freeze(node) {
      for (;;) {
        world.nodes[node].process.kill('SIGSTOP');
        frozen.set(node, performance.now());
        if (await isAtRest(world.stateDir)) return;
        goOn(node);
      }
    },
    async thaw(node) {
      const leftMs = (frozen.get(node) ?? 0) + longestTtlMs + 1_000 - performance.now();
      if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
      goOn(node);
    },
    async suspensionIsOver(service) {
      const host = await until(`a healthy host of ${service}`, async () =>
        (await hostsOf(world, service)).find((each) => isFit(each, service, [])),
      );
      await until('the shared stores answer', async () => {
        for (const { url } of Object.values(world.nodes)) {
          const event = eventOf(world, host, `plan/${host.id}`);
          const plan = await requestJson<DecisionRecord>(`${url}/v1/plan`, {
            body: event,
            timeoutMs: 30_000,
          });
          if ('reason' in plan.decision && /unavailable|circuit/.test(plan.decision.reason)) return undefined;
        }
        return true;
      });
    },
    async heal() {
      for (const node of frozen.keys()) goOn(node);
      for (const proxy of Object.values(proxies)) proxy.swallow(undefined);
      const dead = [world.redis, ...Object.values(world.nodes)].filter(
        ({ process: { isAlive } }) => !isAlive(),
      );
      await Promise.all(dead.map((part) => part.start()));
      await until('all nodes are ready', async () => {
        const replies = await Promise.all(NODE_IDS.map((id) => fetch(`${world.nodes[id].url}/readyz/act`)));
        return replies.every(({ ok }) => ok) ? true : undefined;
      });
    },
    close: async () => {
      for (const node of frozen.keys()) goOn(node);
      await closing();
    },
  };
}

/** Waits for an answer. @throws Error that says what was waited for. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const answer = await poll(ask, { withinMs: PATIENCE_MS, everyMs: 200 });
  if (answer === undefined) throw new Error(`waited ${PATIENCE_MS / 1_000} s in vain: ${what}`);
  return answer;
}

const hostsOf = async (world: ClusterWorld, service: string): Promise<readonly HostView[]> =>
  (
    await requestJson<{ readonly instances: readonly HostView[] }>(`${world.region.url}/_sim/state`)
  ).instances.filter((host) => host.service === service && host.state === 'running');

function isFit(host: HostView, service: string, notIn: readonly NodeId[]): boolean {
  return (
    host.target_health[service] === 'healthy' &&
    host.tags['lazarus:state'] !== 'forensics' &&
    !notIn.some((zone) => host.az.endsWith(zone))
  );
}

const pageOf = (world: ClusterWorld, incidentKey: string) => ({
  routing_key: world.pager.routingKey,
  event_action: 'trigger',
  dedup_key: incidentKey,
  payload: { summary: 'down', source: 'test', severity: 'critical' },
});

const eventOf = (world: ClusterWorld, host: HostView, incidentKey: string) => ({
  id: incidentKey,
  event_type: 'HealthcheckDown',
  source: 'test',
  time: new Date().toISOString(),
  region: world.regionName,
  environment: host.tags['environment'],
  service: host.service,
  host: host.id,
  incident_key: incidentKey,
  attributes: {},
});

/** Events of a service are in the shard whose part of the hash range its name falls into. */
function shardOf(service: string): number {
  const hash = BigInt(`0x${createHash('md5').update(service).digest('hex')}`);
  return Number(hash / ((1n << 128n) / BigInt(SHARDS)));
}

/** Which node reads which shard, as Redis has it. */
async function shardOwners(url: string): Promise<Readonly<Record<number, string>>> {
  const redis = new Redis(url, { lazyConnect: true });
  try {
    await redis.connect();
    const [key = ''] = await redis.keys('*:shards:*');
    const leases = await redis.hgetall(key);
    return Object.fromEntries(
      Object.entries(leases).map(([shard, lease]) => {
        const { owner } = JSON.parse(lease.slice(lease.indexOf(' '))) as { readonly owner?: string };
        return [Number(shard.slice(-4)), owner ?? ''];
      }),
    );
  } finally {
    redis.disconnect();
  }
}

/** Whether nobody is in the middle of writing the files that the nodes share. */
async function isAtRest(stateDir: string): Promise<boolean> {
  for (const name of ['audit.db', 'journal.db']) {
    const db = new DatabaseSync(join(stateDir, 'shared', name), { timeout: 1_000 });
    try {
      db.exec('BEGIN IMMEDIATE; ROLLBACK');
    } catch {
      return false;
    } finally {
      db.close();
    }
  }
  return true;
}

/** Settings of a cluster whose breaker bears all services but one. */
export function settingsOf(maxEntities: number): string {
  return `breaker: { max_services: ${ACTING.length + PARTS.length - 1} }\ndefaults:\n  max_entities: ${maxEntities}\n`;
}

/** Ten services, a breaker that bears nine, and the shipped workflow with waits that fit simulated hosts. */
function writeConfig(folder: string): string {
  for (const kind of ['services', 'workflows']) mkdirSync(join(folder, kind), { recursive: true });
  const service = (name: string, more = ''): void =>
    writeFileSync(
      join(folder, 'services', `${name}.yaml`),
      `service: ${name}\nteam: test\nprofile: stateless\noverrides:\n  hold_down: 1s\n  min_active_hosts: 1\n${more}`,
    );
  for (const name of [...ACTING, ...PARTS]) service(name, name === 'noted' ? '  mode: notify\n' : '');
  writeFileSync(join(folder, 'settings.yaml'), settingsOf(6));
  const shipped = fileURLToPath(
    new URL('../workflows/replace_host.yaml', import.meta.resolve('@lazarus/dag')),
  );
  const quick = readFileSync(shipped, 'utf8').replaceAll(/every: \d+s/g, 'every: 1s');
  writeFileSync(join(folder, 'workflows', 'replace_host.yaml'), quick);
  return folder;
}

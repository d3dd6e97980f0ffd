/**
 * The world with three daemons instead of one: a node per process and per zone, which vote over mutual TLS, share Redis,
 * a stream, a journal and an audit log, and can be killed or frozen one by one.
 */
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChildFailedError, startChild } from '../processes/child.ts';
import type { Child } from '../processes/child.ts';
import { writeClusterSettings } from './cluster-settings.ts';
import type { ClusterTimes, RestatePlace } from './cluster-settings.ts';
import { poll } from './http.ts';
import { choosePorts } from './ports.ts';
import type { ClusterPorts } from './ports.ts';
import type { RedisProgram } from './servers.ts';
import { PAGER_TOKEN, REGION, ROUTING_KEY } from './world.ts';

/** The nodes; each is also the letter of its zone. */
export const NODE_IDS = ['a', 'b', 'c'] as const;

/** One node. */
export type NodeId = (typeof NODE_IDS)[number];

/** What a cluster is made with. */
export interface ClusterOptions {
  readonly stateDir: string;
  readonly redis: RedisProgram;
  /** First port of ten; 0 lets the system choose. */
  readonly port: number;
  readonly times?: ClusterTimes;
  /** Called as each part becomes ready. */
  onReady?(name: string): void;
  /** Called when a part ended although nobody here stopped or killed it. */
  onLost?(name: string): void;
  /** Where runs live: in a file that the nodes share, or on a Restate cluster. @defaultValue embedded */
  readonly engine?: 'embedded' | 'restate';
  /** Leaves the sensor out: then only what a test or a person sends arrives. */
  readonly withoutSensor?: boolean;
  /** Services of the region, if not web and api. */
  readonly services?: readonly { readonly name: string; readonly hosts: number }[];
  /** After how long an unacknowledged page goes to the next level, milliseconds. */
  readonly escalateAfterMs?: number;
  /** Stands between two nodes: returns the port that `from` dials to reach `to`. */
  readonly between?: (from: NodeId, to: NodeId, port: number) => number;
  /** Files that replace those of the demo; a folder like `config/`. */
  readonly configDir?: string;
}

/** A part that can be killed and started again. */
export interface Part {
  readonly url: string;
  readonly process: Child;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same state. */
  start(): Promise<void>;
}

/** A running cluster. */
export interface ClusterWorld {
  readonly stateDir: string;
  readonly regionName: string;
  readonly region: { readonly url: string; readonly process: Child };
  readonly pager: { readonly url: string; readonly routingKey: string; readonly process: Child };
  readonly stream: { readonly url: string; readonly process: Child };
  readonly redis: Part;
  readonly nodes: Readonly<Record<NodeId, Part>>;
  /** Nodes of Restate, where runs live there. */
  readonly restate?: RestatePlace | undefined;
  readonly loadBalancers: Readonly<Record<string, string>>;
  readonly times: ClusterTimes;
  close(): Promise<void>;
}

const TIMES: ClusterTimes = { lockSeconds: 10, leaseSeconds: 5, failoverSeconds: 5 };
/** A cluster starts more processes at once than cores. */
const READY_WITHIN_MS = 90_000;

/** Starts everything; when one part cannot start, the others are stopped again. */
export async function startCluster(options: ClusterOptions): Promise<ClusterWorld> {
  const { stateDir } = options;
  for (const folder of ['logs', 'shared']) mkdirSync(join(stateDir, folder), { recursive: true });
  cpSync(options.configDir ?? shippedConfig(), join(stateDir, 'config'), { recursive: true, force: false });
  const crew = createCrew(options);
  try {
    return await assemble(options, crew);
  } catch (error) {
    await crew.close();
    throw error;
  }
}

async function assemble(options: ClusterOptions, crew: Crew): Promise<ClusterWorld> {
  const { stateDir } = options;
  const times = options.times ?? TIMES;
  const ports = await choosePorts(NODE_IDS, options.port);
  const [region, pager, stream, redis, restate] = await Promise.all([
    crew.start('region', '@lazarus/example-fleet-sim/main', [
      ...['--state', join(stateDir, 'region'), '--zones', NODE_IDS.join(','), '--region', REGION],
      ...['--port', String(ports.region)],
      ...(options.services === undefined ? [] : ['--services', JSON.stringify(options.services)]),
    ]),
    crew.start('pager', '@lazarus/example-pager-sim/main', [
      ...['--state', join(stateDir, 'pager.json'), '--port', String(ports.pager)],
      ...(options.escalateAfterMs === undefined
        ? []
        : ['--escalate-after-ms', String(options.escalateAfterMs)]),
    ]),
    crew.start('stream', '@lazarus/example-daemon/emulator-main', [
      ...['--path', join(stateDir, 'stream'), '--port', String(ports.stream)],
    ]),
    crew.part('redis', '@lazarus/example-demo/redis', 'url', [
      ...['--binary', options.redis.binary, '--library-path', options.redis.libraryPath],
      ...['--dir', join(stateDir, 'redis'), '--port', String(ports.redis)],
    ]),
    options.engine === 'restate' ? startRestate(options, crew, ports) : undefined,
  ]);
  const files = writeClusterSettings({
    stateDir,
    region: REGION,
    ids: NODE_IDS,
    ports,
    times,
    urls: {
      region: text(region, 'endpoint'),
      pager: text(pager, 'endpoint'),
      stream: text(stream, 'endpoint'),
      redis: redis.url,
    },
    restate,
    pagerToken: PAGER_TOKEN,
    dial: (from, to) => {
      const port = ports.votes[to] ?? 0;
      return options.between?.(from as NodeId, to as NodeId, port) ?? port;
    },
  });
  const nodes = await Promise.all(
    NODE_IDS.map((id) =>
      crew.part(`node-${id}`, '@lazarus/example-daemon/main', 'url', ['--settings', files[id] ?? '']),
    ),
  );
  await settle(nodes, times);
  if (options.withoutSensor !== true)
    await crew.start('sensor', '@lazarus/example-demo/sensor', [
      ...['--region', REGION, '--provider', text(region, 'endpoint')],
      ...['--pager', text(pager, 'endpoint'), '--routing-key', ROUTING_KEY],
      ...['--controller', nodes.map(({ url }) => url).join(',')],
    ]);
  return {
    stateDir,
    regionName: REGION,
    region: { url: text(region, 'endpoint'), process: region },
    pager: { url: text(pager, 'endpoint'), routingKey: ROUTING_KEY, process: pager },
    stream: { url: text(stream, 'endpoint'), process: stream },
    redis,
    restate,
    nodes: Object.fromEntries(NODE_IDS.map((id, index) => [id, nodes[index]])) as ClusterWorld['nodes'],
    loadBalancers: region.ready['loadBalancers'] as Record<string, string>,
    times,
    close: crew.close,
  };
}

/** Three nodes of Restate, and the one address under which they find ours. */
async function startRestate(
  { stateDir }: ClusterOptions,
  crew: Crew,
  ports: ClusterPorts,
): Promise<RestatePlace> {
  const [restate, front] = await Promise.all([
    crew.start('restate', '@lazarus/example-demo/restate', [
      ...['--dir', join(stateDir, 'restate'), '--port', String(ports.restate)],
    ]),
    crew.start('front', '@lazarus/example-demo/front', [
      ...['--port', String(ports.front), '--to', NODE_IDS.map((id) => ports.runs[id]).join(',')],
    ]),
  ]);
  return { nodes: restate.ready['nodes'] as RestatePlace['nodes'], serviceUrl: text(front, 'url') };
}

/** Until the nodes know each other, and Redis, which has just begun an epoch, grants something. */
async function settle(nodes: readonly Part[], { lockSeconds }: ClusterTimes): Promise<void> {
  const granted = new Promise((resolve) => setTimeout(resolve, lockSeconds * 1_000));
  const ready = await poll(
    async () => {
      const replies = await Promise.all(nodes.map(({ url }) => fetch(`${url}/readyz/act`)));
      return replies.every(({ ok }) => ok) ? true : undefined;
    },
    { withinMs: READY_WITHIN_MS },
  );
  if (ready === undefined)
    throw new ChildFailedError('the nodes do not find each other; see logs/node-*.log');
  await granted;
}

/** The processes of a cluster. */
interface Crew {
  start(name: string, program: string, args: readonly string[]): Promise<Child>;
  /** Starts a part that may be killed and started again; `urlKey` names its address in its ready line. */
  part(name: string, program: string, urlKey: string, args: readonly string[]): Promise<Part>;
  close(): Promise<void>;
}

function createCrew({ stateDir, onReady, onLost }: ClusterOptions): Crew {
  const living = new Set<Child>();
  const start = async (name: string, program: string, args: readonly string[]): Promise<Child> => {
    const logFile = join(stateDir, 'logs', `${name}.log`);
    const child = await startChild({ name, program, args, logFile, readyWithinMs: READY_WITHIN_MS });
    living.add(child);
    void child.exited.then(() => {
      if (living.delete(child)) onLost?.(name);
    });
    onReady?.(name);
    return child;
  };
  return {
    start,
    part: async (name, program, urlKey, args) => {
      let child = await start(name, program, args);
      return {
        get url() {
          return text(child, urlKey);
        },
        get process() {
          return child;
        },
        kill: async () => {
          living.delete(child);
          process.kill(victimOf(child), 'SIGKILL');
          await child.exited;
        },
        start: async () => {
          child = await start(name, program, args);
        },
      };
    },
    close: async () => {
      // The sensor first, what others lean on last: nothing reports the end of the world as an incident.
      const last = [...living].toReversed();
      living.clear();
      for (const child of last) await child.stop();
    },
  };
}

function text({ ready }: Child, key: string): string {
  const value = ready[key];
  if (typeof value !== 'string') throw new TypeError(`the ready line lacks ${key}`);
  return value;
}

/** A process that only holds another one ends with it. */
function victimOf({ ready, pid }: Child): number {
  return typeof ready['redis_pid'] === 'number' ? ready['redis_pid'] : pid;
}

/** The operator's files are copied, so that they can be edited while the world runs. */
function shippedConfig(): string {
  return fileURLToPath(new URL('../config', import.meta.resolve('@lazarus/example-demo/start')));
}

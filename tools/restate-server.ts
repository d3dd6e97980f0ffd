/**
 * A real Restate for tests and for the local cluster: the server that the npm package `@restatedev/restate-server` brings,
 * on the loopback address, with telemetry off. Ended by its process id only.
 *
 *   const restate = await startRestate();                    // one node
 *   const cluster = await startRestateCluster();             // three nodes, every write on two of them
 *   cluster.nodes[0].ingressUrl; cluster.nodes[0].adminUrl;  // what an engine is given
 *   await cluster.nodes[0].kill(); await cluster.nodes[0].start();
 *   await cluster.stop();
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const HOST = '127.0.0.1';
const START_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 5_000;
const POLL_MS = 25;

/** One server process. */
export interface RestateNode {
  readonly name: string;
  /** Where runs are submitted. */
  readonly ingressUrl: string;
  /** Where services are registered and queries are answered. */
  readonly adminUrl: string;
  readonly pid: number | undefined;
  /** SIGSTOP: it keeps its sockets and answers nothing. */
  pause(): void;
  resume(): void;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again with the same ports and data after {@link kill}; resolves when it answers. */
  start(): Promise<void>;
}

/** One node on its own. */
export interface RestateServer extends RestateNode {
  /** Ends it; data in a folder of its own are deleted. */
  stop(): Promise<void>;
}

/** Nodes that replicate each write to two of them. */
export interface RestateCluster {
  readonly nodes: readonly RestateNode[];
  stop(): Promise<void>;
}

/** Options of {@link startRestate} and {@link startRestateCluster}. */
export interface RestateServerOptions {
  /** Folder of data and logs, which is kept. @defaultValue a temporary one, deleted at the end */
  readonly dir?: string;
  /** Nodes use three ports each from here on. @defaultValue free ones */
  readonly firstPort?: number;
  /** Partitions of a new cluster: more use more cores. @defaultValue 4 */
  readonly partitions?: number;
  /**
   * Silence after which a service process is given up that keeps its connection, milliseconds.
   *
   * @defaultValue 60 000, as the server has it: a ping after 40 s, 20 s for its answer
   */
  readonly silenceMs?: number;
}

/** Why Restate cannot run here; `undefined` when it can. */
export function whyNoRestate(): string | undefined {
  return findServer() === undefined
    ? `the npm package @restatedev/restate-server has no server for ${process.platform} on ${process.arch}`
    : undefined;
}

/** `name`, or the name with the reason for which it is skipped. */
export function withRestate(name: string): string {
  const reason = whyNoRestate();
  return reason === undefined ? name : `${name} (skipped: ${reason})`;
}

/** Starts one node and waits until it answers. */
export async function startRestate(options: RestateServerOptions = {}): Promise<RestateServer> {
  const { nodes, stop } = await startNodes(1, options);
  const [node] = nodes;
  if (node === undefined) throw new Error('no node was started');
  return Object.assign(node, { stop });
}

/** Starts three nodes and waits until all of them answer. */
export async function startRestateCluster(options: RestateServerOptions = {}): Promise<RestateCluster> {
  return startNodes(3, options);
}

interface Ports {
  readonly fabric: number;
  readonly ingress: number;
  readonly admin: number;
}

function findServer(): string | undefined {
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`;
  try {
    return createRequire(import.meta.url).resolve(name);
  } catch {
    return undefined;
  }
}

async function startNodes(count: number, options: RestateServerOptions): Promise<RestateCluster> {
  const binary = findServer();
  if (binary === undefined) throw new Error(whyNoRestate());
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'lazarus-restate-'));
  mkdirSync(dir, { recursive: true });
  const ports = await choosePorts(count, options.firstPort);
  const nodes = ports.map((own, index) => {
    const name = `node-${index + 1}`;
    const file = join(dir, `${name}.toml`);
    const { partitions = 4, silenceMs = 60_000 } = options;
    writeFileSync(file, configuration({ name, dir, own, ports, partitions, silenceMs }));
    const log = join(dir, `${name}.log`);
    return new Node({ name, binary, file, log, ports: own, isAlone: count === 1 });
  });
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.end()));
    if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
  };
  try {
    await Promise.all(nodes.map((node) => node.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { nodes, stop };
}

/** The first node founds the cluster, the others join it. */
function configuration(node: {
  readonly name: string;
  readonly dir: string;
  readonly own: Ports;
  readonly ports: readonly Ports[];
  readonly partitions: number;
  readonly silenceMs: number;
}): string {
  const addresses = node.ports.map(({ fabric }) => `"http://${HOST}:${fabric}"`);
  return [
    `node-name = "${node.name}"`,
    'cluster-name = "lazarus"',
    `base-dir = ${JSON.stringify(node.dir)}`,
    'listen-mode = "tcp"',
    `bind-ip = "${HOST}"`,
    `bind-port = ${node.own.fabric}`,
    `advertised-address = "http://${HOST}:${node.own.fabric}"`,
    `auto-provision = ${node.ports[0] === node.own}`,
    `default-num-partitions = ${node.partitions}`,
    `default-replication = ${Math.min(2, node.ports.length)}`,
    'disable-telemetry = true',
    'shutdown-timeout = "3s"',
    // What was registered on one node is known to the others after this long.
    'metadata-update-interval = "1s"',
    'rocksdb-total-memory-size = "256 MiB"',
    'log-format = "json"',
    '[metadata-client]',
    `addresses = [${addresses.join(', ')}]`,
    '[ingress]',
    `bind-port = ${node.own.ingress}`,
    '[admin]',
    `bind-port = ${node.own.admin}`,
    'disable-web-ui = true',
    '[worker.invoker]',
    `http2-keep-alive-interval = "${Math.round((node.silenceMs * 2) / 3)}ms"`,
    `http2-keep-alive-timeout = "${Math.round(node.silenceMs / 3)}ms"`,
    '',
  ].join('\n');
}

class Node implements RestateNode {
  readonly name: string;
  readonly ingressUrl: string;
  readonly adminUrl: string;
  readonly #binary: string;
  readonly #file: string;
  readonly #log: string;
  readonly #isAlone: boolean;
  #child: ChildProcess | undefined;

  constructor(options: {
    readonly name: string;
    readonly binary: string;
    readonly file: string;
    readonly log: string;
    readonly ports: Ports;
    readonly isAlone: boolean;
  }) {
    this.name = options.name;
    this.ingressUrl = `http://${HOST}:${options.ports.ingress}`;
    this.adminUrl = `http://${HOST}:${options.ports.admin}`;
    this.#binary = options.binary;
    this.#file = options.file;
    this.#log = options.log;
    this.#isAlone = options.isAlone;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    await this.kill();
    const log = openSync(this.#log, 'a');
    // Both ways to say it: a newer server may know only one of them.
    const env = { ...process.env, DO_NOT_TRACK: 'true', RESTATE_DISABLE_TELEMETRY: 'true' };
    this.#child = spawn(this.#binary, ['--no-logo', '--config-file', this.#file], {
      stdio: ['ignore', log, log],
      env,
    });
    closeSync(log);
    await this.#answers();
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    await exitOf(this.#child, 'SIGKILL');
  }

  /** Asks it to end, and kills it when it does not. */
  async end(): Promise<void> {
    const child = this.#child;
    child?.kill('SIGCONT');
    const killer = setTimeout(() => child?.kill('SIGKILL'), STOP_WITHIN_MS);
    await exitOf(child, 'SIGTERM');
    clearTimeout(killer);
  }

  async #answers(): Promise<void> {
    const untilMs = performance.now() + START_WITHIN_MS;
    while (!(await isReady(this, this.#isAlone))) {
      const child = this.#child;
      if (child === undefined || hasExited(child) || performance.now() > untilMs) {
        await this.kill();
        throw new Error(`Restate ${this.name} did not start:\n${this.#lastWords()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  #lastWords(): string {
    return readFileSync(this.#log, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
  }
}

const hasExited = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

async function exitOf(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || hasExited(child)) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await exited;
}

/**
 * A server says that it is healthy before it has its partitions, which queries need. In a cluster they come seconds later,
 * and meanwhile runs wait.
 */
async function isReady({ adminUrl, ingressUrl }: RestateNode, isAlone: boolean): Promise<boolean> {
  if (!(await isOk(`${adminUrl}/health`)) || !(await isOk(`${ingressUrl}/restate/health`))) return false;
  if (!isAlone) return true;
  const body = JSON.stringify({ query: 'SELECT id FROM sys_invocation LIMIT 1' });
  const headers = { accept: 'application/json', 'content-type': 'application/json' };
  return isOk(`${adminUrl}/query`, { method: 'POST', headers, body });
}

async function isOk(url: string, init: RequestInit = {}): Promise<boolean> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

async function choosePorts(count: number, firstPort: number | undefined): Promise<readonly Ports[]> {
  const all =
    firstPort === undefined
      ? await freePorts(3 * count)
      : Array.from({ length: 3 * count }, (_, index) => firstPort + index);
  return Array.from({ length: count }, (_, index) => {
    const [fabric = 0, ingress = 0, admin = 0] = all.slice(3 * index);
    return { fabric, ingress, admin };
  });
}

/** Ports that nobody listens on; all are held until the last one is found, so that they differ. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(async (server) => {
      await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      return address.port;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

#!/usr/bin/env node
/** A simulated region under the watch of three processes, one node each, until Ctrl-C. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ChildFailedError } from './processes/child.ts';
import { askedToStop, parseFirstPort, runProgram, UsageError } from './processes/program.ts';
import { createTerminal } from './render/terminal.ts';
import type { Terminal } from './render/terminal.ts';
import { NODE_IDS, startCluster } from './world/cluster.ts';
import type { ClusterWorld } from './world/cluster.ts';
import { CLUSTER_PORTS } from './world/ports.ts';
import { findRedis } from './world/servers.ts';
import { keptState } from './world/state-directory.ts';

const DEFAULT_PORT = 7500;

const HELP = `Starts a simulated region, a pager, a stream, Redis and three controllers, one node each, until Ctrl-C.

  npm run start:cluster
  npm run start:cluster -- --port 7600 --fresh

  --port N        first of ${CLUSTER_PORTS} ports (default ${DEFAULT_PORT}; 0 = any): nodes, their votes, the simulators, the stores
  --state DIR     where everything is kept (default .lazarus/cluster)
  --fresh         forget what an earlier start kept there
  --engine NAME   where runs live: restate, a cluster of three servers (default), or embedded, a file on this disk
  --servers FILE  list of servers on this machine (default .cache/servers.json)
  --help
`;

interface Flags {
  readonly port: number;
  readonly state: string;
  readonly fresh: boolean;
  readonly servers: string;
  readonly engine: 'embedded' | 'restate';
}

function parse(): Flags | 'help' {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: String(DEFAULT_PORT) },
      state: { type: 'string', default: '.lazarus/cluster' },
      fresh: { type: 'boolean', default: false },
      servers: { type: 'string', default: '.cache/servers.json' },
      engine: { type: 'string', default: 'restate' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return 'help';
  const { engine } = values;
  if (engine !== 'restate' && engine !== 'embedded')
    throw new UsageError(`--engine ${engine} is none, expected restate or embedded`);
  return {
    engine,
    port: parseFirstPort(values.port, CLUSTER_PORTS),
    state: resolve(values.state),
    fresh: values.fresh,
    servers: resolve(values.servers),
  };
}

function invite(terminal: Terminal, world: ClusterWorld): void {
  const { nodes, region, pager, stream, redis } = world;
  // web-1 is in the zone of node a, and only with a vote from its own zone is a host replaced: a stays alive longest.
  const { a, b, c } = nodes;
  const lines = [
    '',
    terminal.paint(
      'bold',
      'Three processes watch over a simulated region, and decide by two of three votes.',
    ),
    '',
    ...NODE_IDS.map(
      (id) =>
        `  node ${id}      ${nodes[id].url}    process ${nodes[id].process.pid}, zone ${world.regionName}${id}, votes over mutual TLS`,
    ),
    ...(world.restate?.nodes ?? []).map(
      ({ adminUrl }, index) =>
        `  restate ${index + 1}   ${adminUrl}    runs, each written on two of three servers (this one beside node ${NODE_IDS[index] ?? ''})`,
    ),
    `  redis       ${redis.url}    what the nodes share: locks, windows, budgets, pauses, shards`,
    `  stream      ${stream.url}    a Kinesis emulator`,
    `  service     ${world.loadBalancers['web'] ?? ''}    web, behind its load balancer`,
    `  region      ${region.url}/_sim/state    the cloud, as its provider sees it`,
    `  pager       ${pager.url}    the pages, as people see them`,
    `  kept in     ${world.stateDir}    logs/, and what the nodes share on this disk`,
    '',
    'Try this, in another terminal:',
    '',
    `  kill -9 ${c.process.pid}                                     a node dies; the two others go on, hosts of its zone are left to people`,
    `  curl -X POST ${region.url}/_sim/hosts/web-1/kill     a host dies; it is replaced within half a minute`,
    `  npx lazarus decisions --follow --url ${a.url}   what is decided, as it is decided`,
    `  npx lazarus explain ID --url ${a.url}           why, gate by gate, with every vote`,
    `  npx lazarus doctor --url ${a.url}               which nodes can be asked`,
    `  kill -9 ${b.process.pid}                                     a second node dies; nothing is done, pages escalate by themselves`,
    '',
    'Ctrl-C stops everything. A node that was killed comes back with the next start.',
    '',
  ];
  for (const line of lines) terminal.line(line);
}

async function run(): Promise<void> {
  const flags = parse();
  if (flags === 'help') {
    process.stdout.write(HELP);
    return;
  }
  const terminal = createTerminal(process.stdout);
  const startedMs = performance.now();
  const redis = findRedis(flags.servers);
  const state = keptState(flags.state, { fresh: flags.fresh });
  if (state.isOld) terminal.timed(startedMs, 'start', `continuing from ${state.path} (--fresh forgets it)`);
  const broken = Promise.withResolvers<string>();
  const stopped = askedToStop();
  const starting = startCluster({
    stateDir: state.path,
    redis,
    port: flags.port,
    engine: flags.engine,
    onReady: (name) => terminal.timed(startedMs, 'start', `${name} is ready`),
    // A killed node is what a cluster is for: it is told, and the others go on.
    onLost: (name) => {
      terminal.timed(startedMs, 'cluster', `${name} has ended; its log is in ${state.path}/logs`);
      if (!name.startsWith('node-')) broken.resolve(name);
    },
  });
  try {
    const world = await Promise.race([starting, stopped]);
    if (world !== undefined) invite(terminal, world);
    const lost = await Promise.race([stopped, broken.promise]);
    if (typeof lost === 'string')
      throw new ChildFailedError(`${lost} ended by itself; its log is in ${state.path}/logs`);
    terminal.line('\nstopping');
  } finally {
    await starting.then((world) => world.close()).catch(() => undefined);
    state.release();
  }
}

await runProgram('start:cluster', run);

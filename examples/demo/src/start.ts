#!/usr/bin/env node
/** A simulated region under the watch of three nodes, until Ctrl-C. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ChildFailedError } from './processes/child.ts';
import { askedToStop, parseFirstPort, runProgram } from './processes/program.ts';
import { createTerminal } from './render/terminal.ts';
import type { Terminal } from './render/terminal.ts';
import { keptState } from './world/state-directory.ts';
import { startWorld } from './world/world.ts';
import type { World } from './world/world.ts';

const DEFAULT_PORT = 7400;

const HELP = `Starts a simulated region, a pager and the controller with three nodes, and stays up until Ctrl-C.

  npm start
  npm start -- --port 7401 --fresh

  --port N     port of the controller's API (default ${DEFAULT_PORT}; 0 = any); the region and the pager get the next two
  --state DIR  where everything is kept (default .lazarus/start)
  --fresh      forget what an earlier start kept there
  --help
`;

function parse(): { readonly port: number; readonly state: string; readonly fresh: boolean } | 'help' {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: String(DEFAULT_PORT) },
      state: { type: 'string', default: '.lazarus/start' },
      fresh: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return 'help';
  return { port: parseFirstPort(values.port, 3), state: resolve(values.state), fresh: values.fresh };
}

function invite(terminal: Terminal, world: World, stateDir: string): void {
  const { url } = world.controller;
  const at = url.endsWith(`:${DEFAULT_PORT}`) ? '' : ` --url ${url}`;
  const lines = [
    '',
    terminal.paint('bold', 'Lazarus watches over a simulated region.'),
    '',
    `  controller  ${url}    three nodes, zones a, b and c`,
    `  service     ${world.loadBalancers['web'] ?? ''}    web, behind its load balancer (api: ${world.loadBalancers['api'] ?? ''})`,
    `  region      ${world.region.url}/_sim/state    the cloud, as its provider sees it`,
    `  pager       ${world.pager.url}    the pages, as people see them`,
    `  kept in     ${stateDir}`,
    '',
    'Try this, in another terminal:',
    '',
    `  curl -X POST ${world.region.url}/_sim/hosts/web-1/kill           a host dies; it is replaced within seconds`,
    `  npx lazarus decisions --follow${at}          what is decided, as it is decided`,
    `  npx lazarus explain ID${at}                  why, gate by gate, for an ID of that list`,
    `  curl -X POST ${world.region.url}/_sim/dependency -d '{"healthy":false}'   everything fails at once: nothing is touched`,
    `  npx lazarus pause --author me --reason drill --for 10m${at}   the kill switch`,
    '',
    'Ctrl-C stops everything.',
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
  const state = keptState(flags.state, { fresh: flags.fresh });
  if (state.isOld) terminal.timed(startedMs, 'start', `continuing from ${state.path} (--fresh forgets it)`);
  const starting = startWorld({
    stateDir: state.path,
    port: flags.port,
    onReady: (name) => terminal.timed(startedMs, 'start', `${name} is ready`),
  });
  const stopped = askedToStop();
  try {
    const world = await starting;
    invite(terminal, world, state.path);
    const broken = await Promise.race([stopped, world.broken]);
    if (typeof broken === 'string')
      throw new ChildFailedError(`${broken} ended by itself; its log is in ${state.path}/logs`);
    terminal.line('\nstopping');
    await world.close();
  } finally {
    await starting.then((world) => world.close()).catch(() => undefined);
    state.release();
  }
}

await runProgram('start', run);

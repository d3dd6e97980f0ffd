/**
 * The whole world of the demo, each part in a process of its own, as it would be: the region with its hosts, the pager,
 * the controller with three nodes, and a sensor that knows nothing of the controller but its address.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChild } from '../processes/child.ts';
import type { Child } from '../processes/child.ts';

/** The simulated region. */
export const REGION = 'us-east-1';
const ZONES = ['a', 'b', 'c'];
/** Integration key of the simulated pager; it accepts any 32 characters. */
export const ROUTING_KEY = 'lazarus-demo-routing-key-0000000';
/** Token of the simulated pager's API; it accepts any. */
export const PAGER_TOKEN = 'simulated-pager-token';

/** What a world is made with. */
export interface WorldOptions {
  readonly stateDir: string;
  /** Port of the controller's API; the region gets the next one and the pager the one after. 0 lets the system choose. */
  readonly port: number;
  /** Called as each part becomes ready. */
  onReady?(name: string): void;
  /** Leaves the sensor out: then only what a test or a person sends arrives. */
  readonly withoutSensor?: boolean;
}

/** A running world. */
export interface World {
  readonly region: { readonly url: string; readonly process: Child };
  readonly pager: { readonly url: string; readonly routingKey: string; readonly process: Child };
  readonly controller: { readonly url: string; readonly process: Child };
  readonly loadBalancers: Readonly<Record<string, string>>;
  readonly regionName: string;
  /** Kills the controller, if it lives, and starts another on the same state. */
  restartController(): Promise<void>;
  /** Resolves with the name of a part that ended although nobody stopped it. */
  readonly broken: Promise<string>;
  close(): Promise<void>;
}

/** Starts everything; when one part cannot start, the others are stopped again. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { stateDir } = options;
  const logs = join(stateDir, 'logs');
  mkdirSync(logs, { recursive: true });
  copyConfig(stateDir);
  const children: Child[] = [];
  const start = async (name: string, program: string, args: readonly string[]): Promise<Child> => {
    const child = await startChild({ name, program, args, logFile: join(logs, `${name}.log`) });
    children.push(child);
    options.onReady?.(name);
    return child;
  };
  const close = async (): Promise<void> => {
    // The sensor first, the region last: nothing reports the end of the world as an incident.
    for (const child of children.toReversed()) await child.stop();
  };
  try {
    const [region, pager] = await Promise.all([
      start('region', '@lazarus/example-fleet-sim/main', [
        '--state',
        join(stateDir, 'region'),
        '--zones',
        ZONES.join(','),
        '--region',
        REGION,
        '--port',
        String(portAfter(options.port, 1)),
      ]),
      start('pager', '@lazarus/example-pager-sim/main', [
        '--state',
        join(stateDir, 'pager.json'),
        '--port',
        String(portAfter(options.port, 2)),
      ]),
    ]);
    const regionUrl = text(region.ready, 'endpoint');
    const pagerUrl = text(pager.ready, 'endpoint');
    const settings = writeSettings(stateDir, { regionUrl, pagerUrl, port: options.port });
    const startController = (): Promise<Child> =>
      start('controller', '@lazarus/example-daemon/main', ['--settings', settings]);
    let controller = await startController();
    if (options.withoutSensor !== true) {
      await start('sensor', '@lazarus/example-demo/sensor', [
        '--region',
        REGION,
        '--provider',
        regionUrl,
        '--pager',
        pagerUrl,
        '--routing-key',
        ROUTING_KEY,
        '--controller',
        text(controller.ready, 'url'),
      ]);
    }
    return {
      region: { url: regionUrl, process: region },
      pager: { url: pagerUrl, routingKey: ROUTING_KEY, process: pager },
      get controller() {
        return { url: text(controller.ready, 'url'), process: controller };
      },
      loadBalancers: region.ready['loadBalancers'] as Record<string, string>,
      regionName: REGION,
      async restartController() {
        controller.kill('SIGKILL');
        await controller.exited;
        children.splice(children.indexOf(controller), 1);
        controller = await startController();
      },
      broken: Promise.race(children.map((child) => child.exited.then(() => child.name))),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function portAfter(port: number, distance: number): number {
  return port === 0 ? 0 : port + distance;
}

function text(ready: Readonly<Record<string, unknown>>, key: string): string {
  const value = ready[key];
  if (typeof value !== 'string') throw new TypeError(`the ready line lacks ${key}`);
  return value;
}

/** The operator's files are copied, so that they can be edited while the world runs. */
function copyConfig(stateDir: string): void {
  const from = fileURLToPath(new URL('../config', import.meta.resolve('@lazarus/example-demo/start')));
  cpSync(from, join(stateDir, 'config'), { recursive: true, force: false });
}

function writeSettings(
  stateDir: string,
  at: { readonly regionUrl: string; readonly pagerUrl: string; readonly port: number },
): string {
  const file = join(stateDir, 'lazarus.yaml');
  writeFileSync(join(stateDir, 'pager-token'), `${PAGER_TOKEN}\n`, { mode: 0o600 });
  const nodes = ZONES.map((letter) => `  - { id: ${letter}, zone: ${REGION}${letter} }`);
  const lines = [
    '# Written at each start. What may be edited is in config/; send the controller SIGHUP after that.',
    `region: ${REGION}`,
    'state_dir: controller',
    'config_dir: config',
    `listen: { host: 127.0.0.1, port: ${at.port} }`,
    'nodes:',
    ...nodes,
    `provider: { endpoint: '${at.regionUrl}' }`,
    'pager:',
    `  url: '${at.pagerUrl}'`,
    '  from: lazarus@example.com',
    '  responders: [lazarus]',
    '  token_file: pager-token',
    '',
  ];
  writeFileSync(file, lines.join('\n'));
  return file;
}

#!/usr/bin/env node
/** Holds a cluster of three Restate servers: starts them, says where they answer, and ends them with itself. */
import { parseArgs } from 'node:util';
import { startRestateCluster, whyNoRestate } from '../../../../tools/restate-server.ts';

const { values } = parseArgs({
  options: {
    dir: { type: 'string', default: '.' },
    port: { type: 'string', default: '0' },
    'until-stdin-ends': { type: 'boolean' },
  },
});
const reason = whyNoRestate();
if (reason !== undefined) fail(`${reason}; with --engine embedded runs live in a file instead`);
const firstPort = Number(values.port);
const cluster = await startRestateCluster({
  dir: values.dir,
  ...(firstPort === 0 ? {} : { firstPort }),
}).catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)));

const stop = (): void => {
  void cluster.stop().finally(() => process.exit(0));
};
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
if (values['until-stdin-ends'] === true) process.stdin.on('end', stop).on('error', stop).resume();
const nodes = cluster.nodes.map(({ ingressUrl, adminUrl, pid }) => ({ ingressUrl, adminUrl, pid }));
process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid, nodes })}\n`);

function fail(message: string): never {
  process.stderr.write(`restate: ${message}\n`);
  process.exit(1);
}

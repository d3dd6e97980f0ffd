#!/usr/bin/env node
/** The region as a program: one JSON line on standard output when it is ready, exit 0 on SIGTERM or Ctrl-C. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { RegionOptions } from './options.ts';
import { createRegion } from './region.ts';
import { StartupError } from './state/startup-error.ts';

const HELP = `A small simulated AWS region: EC2 and ELBv2 over HTTP, hosts as real processes. Loopback only.

  --state DIR         keep the region's state here (default: memory only)
  --services JSON     [{"name":"web","hosts":5,"port":0}, …]   port: that of the load balancer, 0 = any
  --zones a,b,c       letters of the availability zones
  --region NAME       default us-east-1
  --environment NAME  dev, stage or prod: tag of the hosts (default stage)
  --port N            port of the endpoint (default 0 = any; a state directory remembers it)
  --boot-ms N         from RunInstances to running (default 800)
  --drain-ms N        deregistration delay (default 1000)
  --health-ms N       interval of the load balancers' health checks (default 500)
  --until-stdin-ends  stop when standard input closes, so as not to outlive the parent
  --help
`;

const FLAGS = {
  state: { type: 'string' },
  services: { type: 'string' },
  zones: { type: 'string' },
  region: { type: 'string' },
  environment: { type: 'string' },
  port: { type: 'string' },
  'boot-ms': { type: 'string' },
  'drain-ms': { type: 'string' },
  'health-ms': { type: 'string' },
  'until-stdin-ends': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

type Flags = ReturnType<typeof parseArgs<{ options: typeof FLAGS }>>['values'];

/** Options by flags; the schema judges the values, so a wrong one is passed on as it is. */
function optionsFrom(flags: Flags): RegionOptions {
  const number = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : text.trim() === '' ? Number.NaN : Number(text);
  const intervalMs = number(flags['health-ms']);
  const given = {
    stateDir: flags.state,
    services: flags.services === undefined ? undefined : (JSON.parse(flags.services) as unknown),
    zones: flags.zones?.split(','),
    region: flags.region,
    environment: flags.environment,
    port: number(flags.port),
    bootMs: number(flags['boot-ms']),
    drainMs: number(flags['drain-ms']),
    healthCheck: intervalMs === undefined ? undefined : { intervalMs },
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function refuse(message: string, exitCode: number): never {
  process.stderr.write(`fleet-sim: ${message}\n`);
  process.exit(exitCode);
}

function explain(error: unknown): never {
  if (error instanceof StartupError) refuse(error.message, 1);
  if (error instanceof z.ZodError) refuse(`bad options (see --help)\n${z.prettifyError(error)}`, 2);
  if (error instanceof SyntaxError) refuse(`--services is not JSON: ${error.message}`, 2);
  if (error instanceof TypeError && 'code' in error) refuse(`${error.message} (see --help)`, 2);
  throw error;
}

async function run(): Promise<void> {
  const { values } = parseArgs({ options: FLAGS });
  if (values.help === true) {
    process.stdout.write(HELP);
    return;
  }
  const starting = createRegion(optionsFrom(values));
  const stop = async (): Promise<void> => {
    const started = await starting.catch(() => undefined);
    await started?.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop());
  if (values['until-stdin-ends'] === true)
    process.stdin
      .on('end', () => void stop())
      .on('error', () => void stop())
      .resume();

  const { endpoint, region, loadBalancers } = await starting;
  const ready = {
    ready: true,
    endpoint,
    region,
    loadBalancers,
    admin: `${endpoint}/_sim/state`,
    pid: process.pid,
  };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
}

await run().catch(explain);

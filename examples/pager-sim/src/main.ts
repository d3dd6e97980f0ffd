#!/usr/bin/env node
/** The pager as a program: one JSON line on standard output when it is ready, exit 0 on SIGTERM or Ctrl-C. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import type { PagerOptions } from './options.ts';
import { createPager } from './pager.ts';
import { StartupError } from './state/startup-error.ts';

const HELP = `A small simulated PagerDuty: Events API v2 and REST API v2 over HTTP. Loopback only.

  --state FILE             keep the incidents here (default: memory only)
  --port N                 default 0 = any; a state file remembers it
  --escalate-after-ms N    without an acknowledgement the next level is paged (default 60000)
  --ack-timeout-ms N       an acknowledgement holds this long (default 1800000)
  --rest-limit N           REST requests per minute and token (default 960)
  --token TEXT             the REST token that is accepted (default: any)
  --until-stdin-ends       stop when standard input closes, so as not to outlive the parent
  --help
`;

const FLAGS = {
  state: { type: 'string' },
  port: { type: 'string' },
  'escalate-after-ms': { type: 'string' },
  'ack-timeout-ms': { type: 'string' },
  'rest-limit': { type: 'string' },
  token: { type: 'string' },
  'until-stdin-ends': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

type Flags = ReturnType<typeof parseArgs<{ options: typeof FLAGS }>>['values'];

/** Options by flags; the schema judges the values, so a wrong one is passed on as it is. */
function optionsFrom(flags: Flags): PagerOptions {
  const number = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : text.trim() === '' ? Number.NaN : Number(text);
  const requests = number(flags['rest-limit']);
  const given = {
    stateFile: flags.state,
    port: number(flags.port),
    escalateAfterMs: number(flags['escalate-after-ms']),
    acknowledgementTimeoutMs: number(flags['ack-timeout-ms']),
    token: flags.token,
    restLimit: requests === undefined ? undefined : { requests },
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function refuse(message: string, exitCode: number): never {
  process.stderr.write(`pager-sim: ${message}\n`);
  process.exit(exitCode);
}

function explain(error: unknown): never {
  if (error instanceof StartupError) refuse(error.message, 1);
  if (error instanceof z.ZodError) refuse(`bad options (see --help)\n${z.prettifyError(error)}`, 2);
  if (error instanceof TypeError && 'code' in error) refuse(`${error.message} (see --help)`, 2);
  throw error;
}

async function run(): Promise<void> {
  const { values } = parseArgs({ options: FLAGS });
  if (values.help === true) {
    process.stdout.write(HELP);
    return;
  }
  const starting = createPager(optionsFrom(values));
  const stop = async (): Promise<void> => {
    const started = await starting.catch(() => undefined);
    await started?.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop());
  if (values['until-stdin-ends'] === true) {
    process.stdin
      .on('end', () => void stop())
      .on('error', () => void stop())
      .resume();
  }
  const { endpoint } = await starting;
  process.stdout.write(
    `${JSON.stringify({ ready: true, endpoint, admin: `${endpoint}/_sim/incidents`, pid: process.pid })}\n`,
  );
}

await run().catch(explain);

#!/usr/bin/env node
/** The daemon as a program: one JSON line on standard output when it is ready, exit 0 on SIGTERM or Ctrl-C. */
import { parseArgs } from 'node:util';
import { describeError, isLazarusError } from '@lazarus/core';
import { checkConfiguration } from './configuration.ts';
import { startDaemon } from './daemon.ts';
import { createJsonLogger } from './log.ts';
import { PortTakenError } from './server.ts';
import { StateTakenError } from './state-lock.ts';
import { readSettings } from './settings.ts';

const HELP = `The Lazarus reference controller: the nodes of one region, or one of them.

  lazarus-daemon --settings FILE

  --settings FILE     settings, as YAML (see docs/reference/daemon.md)
  --check             only read settings and configuration, and say whether they are accepted
  --until-stdin-ends  stop when standard input closes, so as not to outlive the parent
  --help

SIGHUP reads the configuration and the certificate again; the last good ones stay in force when the new ones are refused.
`;

function refuse(message: string, exitCode: number): never {
  process.stderr.write(`lazarus-daemon: ${message}\n`);
  process.exit(exitCode);
}

function parse() {
  try {
    return parseArgs({
      options: {
        settings: { type: 'string' },
        check: { type: 'boolean' },
        'until-stdin-ends': { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    return refuse(`${(error as Error).message} (see --help)`, 2);
  }
}

async function run(): Promise<void> {
  const flags = parse();
  if (flags.help === true) {
    process.stdout.write(HELP);
    return;
  }
  if (flags.settings === undefined) refuse('--settings FILE is needed (see --help)', 2);
  const log = createJsonLogger((line) => void process.stderr.write(line));
  const settings = readSettings(flags.settings);
  if (flags.check === true) {
    const { digest, rules, services } = await checkConfiguration(settings);
    process.stdout.write(
      `accepted: ${rules.length} rules, ${services.length} services, digest ${digest.slice(0, 12)}\n`,
    );
    return;
  }
  // A signal that comes while it starts must not end it.
  let reload = async (): Promise<unknown> =>
    log.warn('nothing was reloaded: the node is starting; send SIGHUP again when it is ready');
  process.on('SIGHUP', () => {
    reload().catch((error: unknown) =>
      log.error('the reload failed; what was in force stays so', { error: describeError(error) }),
    );
  });
  const daemon = await startDaemon(settings, log);
  reload = () => daemon.reload();
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    await daemon.close().catch((error: unknown) => {
      log.error('not everything could be closed', { error: describeError(error) });
    });
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
  if (flags['until-stdin-ends'] === true)
    process.stdin
      .on('end', () => void stop())
      .on('error', () => void stop())
      .resume();
  process.stdout.write(
    `${JSON.stringify({ ready: true, url: daemon.url, config_digest: daemon.snapshot.digest, pid: process.pid })}\n`,
  );
}

await run().catch((error: unknown) => {
  if (error instanceof PortTakenError || error instanceof StateTakenError) refuse(error.message, 1);
  if (isLazarusError(error)) refuse(error.message, 1);
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') refuse((error as Error).message, 1);
  refuse(`could not start: ${describeError(error)}`, 1);
});

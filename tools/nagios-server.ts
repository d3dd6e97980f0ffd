/**
 * A real Nagios for end-to-end tests: starts the `nagios4` that `tools/servers.mjs` found, in the foreground, in a folder of
 * its own, as the user who runs the test. Nothing is installed and no port is opened. Checks run every second and three
 * failures make a HARD state, so a fault is reported after about 3 s.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

/** One host for Nagios to check. */
export interface NagiosHost {
  readonly name: string;
  /** Where its `/health` answers, on the loopback address. */
  readonly port: number;
  readonly instanceId: string;
  readonly service: string;
  readonly region: string;
  readonly environment: string;
  readonly account?: string;
  readonly incidentKey?: string;
}

/** What {@link startNagios} is given. */
export interface NagiosOptions {
  /** An empty folder with a short path: Nagios puts sockets in it. */
  readonly dir: string;
  readonly hosts: readonly NagiosHost[];
  /** Runs for every change of state, with `NAGIOS_*` in its environment; what it prints goes to `handler.log`. */
  readonly handlerCommand: readonly string[];
  /** More for the environment of the handler. */
  readonly handlerEnv?: Readonly<Record<string, string>>;
}

/** A running Nagios. */
export interface NagiosServer {
  readonly pid: number;
  /** What Nagios wrote about checks, states and handlers. */
  log(): string;
  /** What the event handlers printed. */
  handlerLog(): string;
  /** Ends Nagios and its workers. Idempotent. */
  stop(): Promise<void>;
}

interface Servers {
  readonly nagios4?: string;
  readonly checkHttp?: string;
  readonly ldLibraryPath?: string;
  readonly missing?: Readonly<Record<string, string>>;
}

const READY_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 5_000;

function readServers(): Servers | undefined {
  const registry = new URL('../.cache/servers.json', import.meta.url);
  return existsSync(registry) ? (JSON.parse(readFileSync(registry, 'utf8')) as Servers) : undefined;
}

/** Why Nagios cannot run here; `undefined` when it can. */
export function whyNoNagios(): string | undefined {
  const servers = readServers();
  if (servers === undefined) return 'nobody looked for nagios4 yet: run `node tools/servers.mjs`';
  return servers.missing?.['nagios4'] ?? servers.missing?.['checkHttp'];
}

/**
 * Starts Nagios and waits until its event loop runs.
 *
 * @throws Error with the words of Nagios when it does not start within 20 s; ask {@link whyNoNagios} first.
 */
export async function startNagios(options: NagiosOptions): Promise<NagiosServer> {
  const { nagios4, checkHttp, ldLibraryPath = '' } = readServers() ?? {};
  if (nagios4 === undefined || checkHttp === undefined) throw new Error(whyNoNagios());
  const { dir } = options;
  for (const folder of ['spool', 'archives']) mkdirSync(join(dir, folder), { recursive: true });
  writeFileSync(join(dir, 'nagios.cfg'), mainConfig(dir));
  writeFileSync(join(dir, 'objects.cfg'), objectConfig(options, checkHttp));
  writeFileSync(join(dir, 'handler.sh'), handlerScript(options), { mode: 0o755 });

  const child = spawn(nagios4, [join(dir, 'nagios.cfg')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      ...(ldLibraryPath === '' ? {} : { LD_LIBRARY_PATH: ldLibraryPath }),
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = `${output}${chunk.toString()}`.slice(-4_000)));
  const log = (): string => read(join(dir, 'nagios.log'));
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      output += error.message;
      resolve();
    });
  });
  const stop = (): Promise<void> => stopChild(child, ended);
  await waitUntilReady(child, ended, log).catch(async (error: unknown) => {
    await stop();
    throw new Error(`nagios4 did not start: ${output}\n${log()}`, { cause: error });
  });
  return { pid: child.pid ?? 0, log, handlerLog: () => read(join(dir, 'handler.log')), stop };
}

async function waitUntilReady(child: ChildProcess, ended: Promise<void>, log: () => string): Promise<void> {
  const untilMs = performance.now() + READY_WITHIN_MS;
  const hasEnded = ended.then(() => 'ended' as const);
  while (!log().includes('Successfully launched command file worker')) {
    const pause = new Promise<'waited'>((resolve) => setTimeout(resolve, 50, 'waited'));
    if ((await Promise.race([hasEnded, pause])) === 'ended')
      throw new Error(`exit code ${String(child.exitCode)}`);
    if (performance.now() > untilMs) throw new Error(`not ready within ${READY_WITHIN_MS} ms`);
  }
}

async function stopChild(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await ended;
  clearTimeout(timer);
}

function read(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function mainConfig(dir: string): string {
  const user = userInfo();
  const settings = {
    cfg_file: join(dir, 'objects.cfg'),
    log_file: join(dir, 'nagios.log'),
    log_archive_path: join(dir, 'archives'),
    status_file: join(dir, 'status.dat'),
    object_cache_file: join(dir, 'objects.cache'),
    precached_object_file: join(dir, 'objects.precache'),
    state_retention_file: join(dir, 'retention.dat'),
    check_result_path: join(dir, 'spool'),
    temp_path: join(dir, 'spool'),
    temp_file: join(dir, 'nagios.tmp'),
    lock_file: join(dir, 'nagios.lock'),
    command_file: join(dir, 'nagios.cmd'),
    query_socket: join(dir, 'nagios.qh'),
    nagios_user: String(user.uid),
    nagios_group: String(user.gid),
    interval_length: 1,
    check_workers: 2,
    check_result_reaper_frequency: 1,
    cached_host_check_horizon: 0,
    cached_service_check_horizon: 0,
    host_inter_check_delay_method: 'n',
    service_inter_check_delay_method: 'n',
    max_host_check_spread: 1,
    max_service_check_spread: 1,
    check_external_commands: 1,
    enable_event_handlers: 1,
    // The event handler alone drives everything: nothing is notified.
    enable_notifications: 0,
    enable_environment_macros: 1,
    event_handler_timeout: 60,
    use_syslog: 0,
    log_event_handlers: 1,
    check_for_updates: 0,
    illegal_macro_output_chars: '`~$&|\'"<>',
  };
  return lines(Object.entries(settings).map(([name, value]) => `${name}=${value}`));
}

function objectConfig({ dir, hosts }: NagiosOptions, checkHttp: string): string {
  const check = `${checkHttp} -H 127.0.0.1 -p $ARG1$ -u /health -t 2`;
  return [
    define('timeperiod', { timeperiod_name: 'always', alias: 'always', ...everyDay() }),
    define('contact', {
      contact_name: 'nobody',
      host_notifications_enabled: 0,
      service_notifications_enabled: 0,
      host_notification_period: 'always',
      service_notification_period: 'always',
      host_notification_options: 'n',
      service_notification_options: 'n',
      host_notification_commands: 'handle',
      service_notification_commands: 'handle',
    }),
    define('command', { command_name: 'check_health', command_line: check }),
    define('command', { command_name: 'handle', command_line: join(dir, 'handler.sh') }),
    ...hosts.flatMap((host) => [hostDefinition(host), serviceDefinition(host)]),
  ].join('');
}

const CHECKING = {
  check_interval: 1,
  retry_interval: 1,
  max_check_attempts: 3,
  check_period: 'always',
  event_handler: 'handle',
  event_handler_enabled: 1,
  contacts: 'nobody',
  notifications_enabled: 0,
};

function hostDefinition(host: NagiosHost): string {
  return define('host', {
    host_name: host.name,
    address: '127.0.0.1',
    check_command: `check_health!${host.port}`,
    active_checks_enabled: 1,
    ...CHECKING,
    _INSTANCE_ID: host.instanceId,
    _SERVICE_NAME: host.service,
    _REGION: host.region,
    _ENVIRONMENT: host.environment,
    ...(host.account === undefined ? {} : { _ACCOUNT: host.account }),
    ...(host.incidentKey === undefined ? {} : { _INCIDENT_KEY: host.incidentKey }),
  });
}

function serviceDefinition(host: NagiosHost): string {
  return define('service', {
    host_name: host.name,
    service_description: 'healthcheck',
    check_command: `check_health!${host.port}`,
    ...CHECKING,
  });
}

/** Every directive on a line of its own, as Nagios wants it. */
function define(kind: string, directives: Readonly<Record<string, string | number>>): string {
  const body = Object.entries(directives).map(([name, value]) => `  ${name} ${value}`);
  return lines([`define ${kind} {`, ...body, '}']);
}

function everyDay(): Record<string, string> {
  const days = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
  return Object.fromEntries(days.map((day) => [day, '00:00-24:00']));
}

/** Nagios throws the output of handlers away, so a script keeps it. The libraries of Nagios are not for the handler. */
function handlerScript({ dir, handlerCommand, handlerEnv = {} }: NagiosOptions): string {
  const exports = Object.entries(handlerEnv).map(([name, value]) => `export ${name}=${quoted(value)}`);
  const command = handlerCommand.map(quoted).join(' ');
  return lines([
    '#!/bin/sh',
    'unset LD_LIBRARY_PATH',
    ...exports,
    `exec ${command} >> ${quoted(join(dir, 'handler.log'))} 2>&1`,
  ]);
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function lines(texts: readonly string[]): string {
  return `${texts.join('\n')}\n`;
}

import { createApi } from '@lazarus/api';
import type { ApiPorts, LiveObserver } from '@lazarus/api';
import type { DecisionRecord } from '@lazarus/core';
import { createSystemClock } from '@lazarus/core';
import type { RolloutView } from '@lazarus/core/config';
import type { DryRunView, LateVoteRecord } from '@lazarus/core/ports';
import type { LiveEntry } from '@lazarus/core/stream';
import { createMemoryPauses } from '@lazarus/core/memory';
import {
  createFakeAuditLog,
  createFakeFleet,
  createFakeStream,
  createFakeWorkflowEngine,
  silentLogger,
} from '@lazarus/testing';
import { createIntake } from '@lazarus/sensors-http';
import { serve } from '@hono/node-server';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { run, wantsColor } from '../src/index.ts';
import { aRecord } from './fixture.ts';

const A_ROLLOUT: RolloutView = {
  profile: 'stateless',
  status: 'stopped',
  wave: 1,
  waves: 3,
  services: { reached: 2, total: 40 },
  outcomes: { total: 4, failed: 2 },
  since: '2026-01-01T00:00:00.000Z',
  because: '2 of 4 outcomes went wrong, at most 10 % may',
};

/** A real server with the intake and the API of a node, over fakes of what lies behind them. */
export async function startNode(options: { readonly tokens?: readonly string[] } = {}) {
  const clock = createSystemClock();
  const audit = createFakeAuditLog();
  const engine = createFakeWorkflowEngine({ clock });
  const fleet = createFakeFleet({ clock });
  const observers = new Set<LiveObserver>();
  const planned: unknown[] = [];
  const received: unknown[] = [];
  let planAnswer: DecisionRecord = aRecord();
  let intakeStatus: number | undefined;
  let dryRun: DryRunView | undefined;
  let lateVotes: readonly LateVoteRecord[] = [];
  const ports: ApiPorts = {
    clock,
    log: silentLogger,
    audit: { ...audit, lateVotes: async () => lateVotes },
    engine,
    fleet,
    dryRuns: { of: () => dryRun },
    controller: {
      snapshot: undefined,
      plan: async (event) => {
        planned.push(event);
        return planAnswer;
      },
    },
    pauses: createMemoryPauses({ clock }),
    rollouts: {
      list: async () => [A_ROLLOUT],
      act: async (profile) => profile === A_ROLLOUT.profile,
    },
    live: {
      subscribe: (observer) => {
        observers.add(observer);
        return { unsubscribe: () => void observers.delete(observer) };
      },
    },
    checks: [
      { name: 'audit', check: () => 'writable' },
      { name: 'quorum', check: () => ({ degraded: '2 of 3 nodes can be asked' }) },
    ],
  };
  const api = createApi(
    { node: { name: 'a', region: 'us-east-1', version: '0.1.0' }, auth: { tokens: options.tokens ?? [] } },
    ports,
  );
  const stream = createFakeStream({ clock });
  const deposit: typeof stream.deposit = async (event) => {
    received.push(event);
    return stream.deposit(event);
  };
  const intake = createIntake({}, { clock, log: silentLogger, stream: { deposit } });
  const refuse = (): Response => {
    const error = {
      code: 'x',
      message: 'the event was refused',
      issues: [{ path: 'service', message: 'is missing' }],
    };
    return Response.json({ error }, { status: intakeStatus ?? 400 });
  };
  const route = (request: Request) => {
    if (new URL(request.url).pathname !== '/v1/events') return api.fetch(request);
    return intakeStatus === undefined ? intake.fetch(request) : refuse();
  };
  const server = serve({ fetch: route, hostname: '127.0.0.1', port: 0 });
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    audit,
    engine,
    fleet,
    planned,
    received,
    answerPlan: (record: DecisionRecord) => void (planAnswer = record),
    answerDryRun: (view: DryRunView | undefined) => void (dryRun = view),
    answerLateVotes: (late: readonly LateVoteRecord[]) => void (lateVotes = late),
    answerIntake: (status: number | undefined) => void (intakeStatus = status),
    push: (entry: LiveEntry) => observers.forEach((observer) => observer.next(entry)),
    close: () =>
      new Promise<void>((resolve) => {
        api.close();
        server.close(() => resolve());
      }),
  };
}

/** How a child process ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** Starts the command as a process of its own, with an environment of its own. */
export function startLazarus(words: readonly string[], options: Surroundings = {}) {
  const child = spawn(process.execPath, ['--conditions=@lazarus/source', MAIN, ...words], {
    env: { PATH: '', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, out, err })));
  return {
    ended,
    interrupt: () => child.kill('SIGINT'),
    stopReading: () => void child.stdout.destroy(),
    /** Resolves when the output contains a text. */
    async sees(text: string): Promise<void> {
      while (!out.includes(text)) {
        if (child.exitCode !== null) throw new Error(`ended without ${text}: ${out}${err}`);
        await new Promise((resolve) => child.stdout.once('data', resolve));
      }
    },
  };
}

/** Runs the command as a process of its own, to its end. */
export function lazarusProcess(words: readonly string[], options: Surroundings = {}): Promise<Ended> {
  return startLazarus(words, options).ended;
}

/** Runs the same command line in this process, which is quicker. */
export async function lazarus(words: readonly string[], options: Surroundings = {}): Promise<Ended> {
  let out = '';
  let err = '';
  const env = options.env ?? {};
  const code = await run(words, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    readInput: async () => options.input ?? '',
    env,
    color: wantsColor(env, false),
    now: () => Date.now(),
    newId: () => randomUUID(),
    signal: new AbortController().signal,
  });
  return { code, out, err };
}

interface Surroundings {
  readonly env?: Record<string, string>;
  readonly input?: string;
}

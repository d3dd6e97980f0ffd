import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { idempotencyKey, openSqliteJournal } from '../src/index.ts';
import { temporaryFolder } from './support/bench.ts';

const CHILD = fileURLToPath(new URL('./support/crash-child.ts', import.meta.url));
const NODE_OPTIONS = [
  '--conditions=@lazarus/source',
  '--disable-warning=ExperimentalWarning',
  '--experimental-strip-types',
];

interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}

function run(folder: string, killAt: number, bodies: string): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...NODE_OPTIONS, CHILD, folder, String(killAt), bodies], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Hundreds of processes load the same modules.
      env: { ...process.env, NODE_COMPILE_CACHE: join(folder, '..', 'compiled') },
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.on('close', (_code, signal) => resolve({ signal, output, errors }));
  });
}

const lines = (file: string): readonly string[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];

/** Attempts whose result was durable when the process died, and those whose intent was. */
async function durable(
  folder: string,
): Promise<{ readonly done: ReadonlySet<string>; readonly intents: ReadonlySet<string> }> {
  if (!existsSync(join(folder, 'runs.db'))) return { done: new Set(), intents: new Set() };
  const journal = await openSqliteJournal({ file: join(folder, 'runs.db') });
  const entries = (await journal.load('run-1'))?.entries ?? [];
  await journal.close();
  return {
    done: new Set(entries.flatMap((entry) => (entry.kind === 'done' ? [entry.key] : []))),
    intents: new Set(
      entries.flatMap((entry) => (entry.kind === 'intent' ? [entry.key.split('#')[0] ?? ''] : [])),
    ),
  };
}

/** Kills a process at one boundary, lets another one finish, and checks what the provider saw. */
async function killAndResume(folder: string, killAt: number): Promise<boolean> {
  const first = await run(folder, killAt, 'bodies-1.log');
  if (first.signal === null) {
    expect(first.errors).toBe('');
    return false;
  }
  const where = `${killAt}: ${lines(join(folder, 'killed.log')).at(-1) ?? ''}`;
  const before = await durable(folder);
  const steps = new Map([...before.intents].map((step) => [idempotencyKey('run-1', step), step]));
  for (const line of lines(join(folder, 'calls.log'))) {
    const { key } = JSON.parse(line) as { key: string };
    if (key !== '')
      expect({ where, line, hasIntent: steps.has(key) }).toEqual({ where, line, hasIntent: true });
  }
  const second = await run(folder, 0, 'bodies-2.log');
  expect({ where, errors: second.errors, signal: second.signal }).toEqual({
    where,
    errors: '',
    signal: null,
  });
  const { points: _points, ...result } = JSON.parse(second.output) as Record<string, unknown>;
  expect({ where, result }).toEqual({
    where,
    result: { status: 'succeeded', page: 'resolved', error: null },
  });
  const repeated = lines(join(folder, 'bodies-2.log')).filter((key) => before.done.has(key));
  expect({ where, repeated }).toEqual({ where, repeated: [] });
  expect({ where, launched: readdirSync(join(folder, 'launched')).length }).toEqual({ where, launched: 1 });
  const state = (part: string, name: string): string => readFileSync(join(folder, part, name), 'utf8');
  expect({
    where,
    old: state('in-service', 'i-old'),
    replacement: state('in-service', 'i-new1'),
    forensics: state('lifecycle', 'i-old'),
    page: state('page', 'status'),
  }).toEqual({ where, old: 'no', replacement: 'yes', forensics: 'forensics', page: 'resolved' });
  return true;
}

describe('a controller killed with SIGKILL', () => {
  it('is continued by the next process at every boundary: no second launch, no completed step repeated', async () => {
    const folder = temporaryFolder();
    let killAt = 1;
    for (let goesOn = true; goesOn;) {
      const batch = [killAt, killAt + 1].map((at) => {
        const own = join(folder, String(at));
        mkdirSync(own);
        return killAndResume(own, at);
      });
      goesOn = (await Promise.all(batch)).every(Boolean);
      killAt += 2;
    }
    expect(killAt).toBeGreaterThan(40);
  }, 1_200_000);
});

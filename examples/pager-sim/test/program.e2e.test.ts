import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientOf, until } from './pager-fixture.ts';
import type { TestPager } from './pager-fixture.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

interface Program {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<number | NodeJS.Signals | null>;
  readonly output: { out: string; err: string };
}

const programs: Program[] = [];
let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pager-sim-'));
  file = join(directory, 'pager.json');
});
afterEach(async () => {
  for (const { child, ended } of programs.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
  await rm(directory, { recursive: true, force: true });
});

function run(...flags: string[]): Program {
  const child = spawn(process.execPath, ['--conditions=@lazarus/source', MAIN, ...flags]);
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.err += chunk.toString()));
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  const program = { child, ended, output };
  programs.push(program);
  return program;
}

async function ready(program: Program): Promise<TestPager> {
  await until(
    'the ready line',
    () => program.output.out.includes('\n') || program.child.exitCode !== null,
    20_000,
  );
  expect(program.output.err).toBe('');
  const { endpoint } = JSON.parse(program.output.out) as { endpoint: string };
  return clientOf({ endpoint } as TestPager);
}

describe('the program', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 on %s', async (signal) => {
    const program = run('--state', file);
    await ready(program);
    program.child.kill(signal);
    expect(await program.ended).toBe(0);
  });

  it('ends with its parent when it is told to', async () => {
    const program = run('--until-stdin-ends');
    await ready(program);
    program.child.stdin.end();
    expect(await program.ended).toBe(0);
  });

  it('keeps what it confirmed through a SIGKILL, at the same address, and its clocks run on', async () => {
    const first = run('--state', file, '--escalate-after-ms', '1500');
    const before = await ready(first);
    expect((await before.enqueue('kept')).status).toBe(202);
    await before.enqueue('held');
    expect((await before.enqueue('held', 'acknowledge')).status).toBe(202);
    first.child.kill('SIGKILL');
    await first.ended;

    const after = await ready(run('--state', file, '--escalate-after-ms', '1500'));
    expect(after.endpoint).toBe(before.endpoint);
    expect((await after.incident('held')).status).toBe('acknowledged');
    await until('the escalation', async () => (await after.incident('kept')).escalation_level === 2);
  });
});

describe('a start that cannot work', () => {
  it('says which port is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const program = run('--port', String(port), '--state', file);
    expect(await program.ended).toBe(1);
    expect(program.output.err).toContain(`port ${port} is taken`);
    server.close();
  });

  it('says that the state file is in use', async () => {
    await ready(run('--state', file));
    const second = run('--state', file);
    expect(await second.ended).toBe(1);
    expect(second.output.err).toContain('is in use by process');
  });

  it.each([
    ['{"version":7}', 'has version 7'],
    ['nonsense', 'is not JSON'],
  ])('says that the state %s is of no use', async (text, message) => {
    await writeFile(file, text);
    const program = run('--state', file);
    expect(await program.ended).toBe(1);
    expect(program.output.err).toContain(message);
    expect(program.output.err).not.toContain('    at ');
  });

  it.each([
    [['--escalate-after-ms', 'soon'], 'escalateAfterMs'],
    [['--prot', '1'], "'--prot'"],
  ])('explains bad arguments %j with exit 2', async (flags, message) => {
    const program = run(...flags);
    expect(await program.ended).toBe(2);
    expect(program.output.err).toContain(message);
    expect(program.output.err).not.toContain('    at ');
  });
});

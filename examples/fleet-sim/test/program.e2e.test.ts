import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RegionView } from '../src/index.ts';
import { instanceNamed, isRunning, until } from './region-fixture.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const SERVICES = ['--services', '[{"name":"web","hosts":2}]', '--health-ms', '50', '--boot-ms', '50'];

interface Program {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<number | NodeJS.Signals | null>;
  readonly output: { out: string; err: string };
}

const programs: Program[] = [];
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fleet-sim-'));
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

async function ready(program: Program): Promise<{ endpoint: string; loadBalancers: Record<string, string> }> {
  await until(
    'the ready line',
    () => program.output.out.includes('\n') || program.child.exitCode !== null,
    20_000,
  );
  expect(program.output.err).toBe('');
  return JSON.parse(program.output.out) as { endpoint: string; loadBalancers: Record<string, string> };
}

async function view(endpoint: string): Promise<RegionView> {
  return (await (await fetch(`${endpoint}/_sim/state`)).json()) as RegionView;
}

const pidsOf = (region: RegionView): number[] => region.instances.flatMap(({ pid }) => pid ?? []);

describe('the program', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 on %s and leaves no process', async (signal) => {
    const program = run('--state', directory, ...SERVICES);
    const pids = pidsOf(await view((await ready(program)).endpoint));
    expect(pids).toHaveLength(2);
    program.child.kill(signal);
    expect(await program.ended).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);
  });

  it('takes its hosts along when it is killed with SIGKILL, also a frozen one', async () => {
    const program = run(...SERVICES);
    const { endpoint } = await ready(program);
    await fetch(`${endpoint}/_sim/hosts/web-1/kill`, { method: 'POST', body: '{"signal":"SIGSTOP"}' });
    const pids = pidsOf(await view(endpoint));
    expect(pids).toHaveLength(2);
    program.child.kill('SIGKILL');
    await program.ended;
    await until('no host runs', () => !pids.some(isRunning));
  });

  it('ends with its parent when it is told to', async () => {
    const program = run(...SERVICES, '--until-stdin-ends');
    const pids = pidsOf(await view((await ready(program)).endpoint));
    program.child.stdin.end();
    expect(await program.ended).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);
  });

  it('takes the region up again after a SIGKILL: same addresses, ids and dead hosts', async () => {
    const first = run('--state', directory, ...SERVICES);
    const { endpoint, loadBalancers } = await ready(first);
    await fetch(`${endpoint}/_sim/hosts/web-2/kill`, { method: 'POST' });
    const before = await view(endpoint);
    first.child.kill('SIGKILL');
    await first.ended;

    const again = await ready(run('--state', directory, ...SERVICES));
    expect(again).toMatchObject({ endpoint, loadBalancers });
    const after = await view(endpoint);
    expect(after.launches).toBe(before.launches);
    expect(after.instances.map(({ id, health_url }) => [id, health_url])).toEqual(
      before.instances.map(({ id, health_url }) => [id, health_url]),
    );
    expect(instanceNamed(after, 'web-1')).toMatchObject({ process: 'on', target_health: { web: 'healthy' } });
    expect(instanceNamed(after, 'web-2')).toMatchObject({ process: 'crashed', state: 'running' });
    expect((await fetch(loadBalancers['web']!)).status).toBe(200);
  });
});

describe('a start that cannot work', () => {
  it('says which port is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const program = run(...SERVICES, '--port', String(port));
    expect(await program.ended).toBe(1);
    expect(program.output.err).toContain(`port ${port} for the API endpoint is taken`);
    server.close();
  });

  it('says that the state directory is in use', async () => {
    await ready(run('--state', directory, ...SERVICES));
    const second = run('--state', directory, ...SERVICES);
    expect(await second.ended).toBe(1);
    expect(second.output.err).toContain('is in use by process');
  });

  it.each([
    ['{"version":7}', 'has version 7'],
    ['nonsense', 'is not JSON'],
  ])('says that the state %s is of no use', async (text, message) => {
    await writeFile(join(directory, 'region.json'), text);
    const program = run('--state', directory);
    expect(await program.ended).toBe(1);
    expect(program.output.err).toContain(message);
    expect(program.output.err).not.toContain('    at ');
  });

  it.each([
    [['--services', '[{"name":"Web","hosts":2}]'], 'services[0].name'],
    [['--services', 'web'], '--services is not JSON'],
    [['--boot-ms', 'soon'], 'bootMs'],
    [['--bot-ms', '1'], "'--bot-ms'"],
  ])('explains bad arguments %j with exit 2', async (flags, message) => {
    const program = run(...flags);
    expect(await program.ended).toBe(2);
    expect(program.output.err).toContain(message);
    expect(program.output.err).not.toContain('    at ');
  });

  it('prints its flags for --help', async () => {
    const program = run('--help');
    expect(await program.ended).toBe(0);
    expect(program.output.out).toContain('--services JSON');
  });
});

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compareFencingTokens } from '@lazarus/core/gates';
import type { FencingToken } from '@lazarus/core/ports';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedisServer } from '../../../tools/redis-server.ts';
import { startRedis, whyNoRedis, withRedis } from '../../../tools/redis-server.ts';

interface Line {
  readonly ready?: boolean;
  readonly service?: string;
  readonly granted?: boolean;
  readonly heldBy?: string;
  readonly token?: FencingToken;
  readonly lost?: boolean;
  readonly remainingMs?: number;
}

interface NodeProcess {
  readonly child: ChildProcess;
  readonly lines: Line[];
  take(service: string, ttlMs: number): void;
  said(wanted: (line: Line) => boolean): Promise<Line>;
  stop(): Promise<void>;
}

let server: RedisServer;
const running: NodeProcess[] = [];

async function startNode(holder: string): Promise<NodeProcess> {
  const file = fileURLToPath(new URL('lock-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@lazarus/source', file, server.url, holder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: Line[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Line));
  const node: NodeProcess = {
    child,
    lines,
    take: (service, ttlMs) => child.stdin.write(`${JSON.stringify({ service, ttlMs })}\n`),
    said: async (wanted) => {
      await expect.poll(() => lines.find(wanted), { timeout: 15_000, interval: 20 }).toBeDefined();
      return lines.find(wanted)!;
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await exited;
    },
  };
  running.push(node);
  await node.said((line) => line.ready === true);
  return node;
}

describe.skipIf(whyNoRedis() !== undefined)(withRedis('two processes and one Redis'), () => {
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(async () => {
    await Promise.all(running.map((node) => node.stop()));
    await server.stop();
  });

  it('give each of 50 locks to exactly one process (S4)', async () => {
    const nodes = [await startNode('d1'), await startNode('d2')];
    for (let at = 0; at < 50; at += 1) for (const node of nodes) node.take(`s${at}`, 30_000);
    for (let at = 0; at < 50; at += 1) {
      const answers = await Promise.all(
        nodes.map((node) => node.said(({ service }) => service === `s${at}`)),
      );
      expect(answers.filter(({ granted }) => granted === true).length).toBe(1);
    }
  });

  it('a process that is stopped for longer than the TTL finds its lease lost when it goes on (S4, L3)', async () => {
    const [stopped, other] = [await startNode('d3'), await startNode('d4')];
    stopped.take('paused', 1_000);
    const first = await stopped.said(({ granted }) => granted === true);
    stopped.child.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    other.take('paused', 30_000);
    const second = await other.said(({ service }) => service === 'paused');
    expect(second.granted).toBe(true);
    expect(compareFencingTokens(second.token!, first.token!)).toBeGreaterThan(0);
    stopped.child.kill('SIGCONT');
    expect(await stopped.said(({ lost }) => lost === true)).toMatchObject({ remainingMs: 0 });
  });
});

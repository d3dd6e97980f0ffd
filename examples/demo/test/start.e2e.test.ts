import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runProgram } from './program.ts';

const TIMEOUT_MS = 120_000;
const directories: string[] = [];

function stateDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'lazarus-start-'));
  directories.push(path);
  return join(path, 'state');
}

afterEach(() => {
  for (const path of directories.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** Starts, waits for the invitation, and presses Ctrl-C. */
function startAndStop(args: readonly string[]) {
  return runProgram('start', args, {
    onOutput: (stdout, stop) => {
      if (stdout.includes('Ctrl-C stops everything')) stop();
    },
  });
}

/** Listens on a port; undefined when somebody else does. */
function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

/** Takes a port whose two neighbors, which the region and the pager get, are free. */
async function takePort(): Promise<{ readonly server: Server; readonly port: number }> {
  for (;;) {
    const server = await listen(0);
    const { port } = server?.address() as AddressInfo;
    const neighbors = await Promise.all([listen(port + 1), listen(port + 2)]);
    for (const neighbor of neighbors) neighbor?.close();
    if (server !== undefined && !neighbors.includes(undefined)) return { server, port };
    server?.close();
  }
}

/** Addresses that a start printed and that still answer. */
async function stillAnswering(stdout: string): Promise<readonly string[]> {
  const urls = [...new Set([...stdout.matchAll(/http:\/\/127\.0\.0\.1:\d+/g)].map(([url]) => url))];
  const answers = await Promise.all(
    urls.map((url) =>
      fetch(url).then(
        () => [url],
        () => [],
      ),
    ),
  );
  return answers.flat();
}

describe('npm start', () => {
  it(
    'says what to try, ends with exit 0 on Ctrl-C, and continues from its state the second time',
    { timeout: TIMEOUT_MS },
    async () => {
      const state = stateDirectory();
      const first = await startAndStop(['--port', '0', '--state', state]);
      expect(first.stderr).toBe('');
      expect(first.stdout).toMatch(/Try this, in another terminal/);
      expect(first.stdout).not.toMatch(/continuing from/);
      expect(first.code).toBe(0);
      expect(await stillAnswering(first.stdout)).toEqual([]);
      const second = await startAndStop(['--port', '0', '--state', state]);
      expect(second.stderr).toBe('');
      expect(second.stdout).toMatch(/continuing from/);
      expect(second.code).toBe(0);
    },
  );

  it(
    'says which port is taken and what to do, with exit code 1 and nothing left running',
    { timeout: TIMEOUT_MS },
    async () => {
      const { server, port } = await takePort();
      const ended = await startAndStop(['--port', String(port), '--state', stateDirectory()]);
      server.close();
      expect(ended.code).toBe(1);
      expect(ended.stderr).toContain(`port ${port} on 127.0.0.1 is taken`);
      expect(ended.stderr).not.toMatch(/\n\s+at /);
    },
  );

  it('refuses a port that is none with exit code 2', async () => {
    const ended = await startAndStop(['--port', 'http']);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/--port http is no port/);
  });
});

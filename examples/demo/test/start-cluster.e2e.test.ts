import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DecisionRecord } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import { afterEach, describe, expect, it } from 'vitest';
import { whyNoRedis, withRedis } from '../../../tools/redis-server.ts';
import { whyNoRestate, withRestate } from '../../../tools/restate-server.ts';
import { requestJson } from '../src/world/http.ts';
import { runProgram } from './program.ts';
import { until } from './support/stage.ts';

const TIMEOUT_MS = 240_000;
const directories: string[] = [];

afterEach(() => {
  for (const path of directories.splice(0)) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
});

function stateDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'lazarus-cluster-start-'));
  directories.push(path);
  return join(path, 'state');
}

/** What the invitation says about one node. */
function nodeOf(stdout: string, id: string): { readonly url: string; readonly pid: number } {
  const found = new RegExp(`node ${id} +(?<url>http://\\S+) +process (?<pid>\\d+)`).exec(stdout)?.groups;
  return { url: found?.['url'] ?? '', pid: Number(found?.['pid']) };
}

/** Kills a host, waits for the decision, kills the node that made it, and waits for the end of the run at another. */
async function playTheInvitation(
  stdout: string,
): Promise<{ readonly run: RunView; readonly coordinator: string }> {
  const region = /region +(http:\/\/[^/\s]+)\/_sim/.exec(stdout)?.[1] ?? '';
  await requestJson(`${region}/_sim/hosts/web-1/kill`, { body: {} });
  const record = await until('a decision to act', async () => {
    const { url } = nodeOf(stdout, 'b');
    const reply = await requestJson<{ readonly decisions: readonly DecisionRecord[] }>(
      `${url}/v1/decisions?service=web&limit=20`,
    );
    return reply.decisions.find(
      ({ decision, gates }) => decision.kind === 'remediate' && gates.some(({ gate }) => gate === 'run'),
    );
  });
  const runId = record.decision.kind === 'remediate' ? record.decision.run_id : '';
  const other = record.coordinator === 'b' ? 'c' : 'b';
  const look = () => requestJson<RunView>(`${nodeOf(stdout, other).url}/v1/runs/${runId}`);
  // From its first effect on a run is carried to its end; before that it would ask the node of the host's zone again.
  await until('the launch of the replacement', async () =>
    (await look()).steps.find(({ step, status }) => step === 'clone' && status === 'succeeded'),
  );
  process.kill(nodeOf(stdout, record.coordinator).pid, 'SIGKILL');
  const run = await until('the end of the run', async () => {
    const now = await look();
    return now.status === 'running' ? undefined : now;
  });
  return { run, coordinator: record.coordinator };
}

describe('npm run start:cluster', () => {
  describe.skipIf(whyNoRedis() !== undefined || whyNoRestate() !== undefined)(
    withRestate(withRedis('on this machine')),
    () => {
      it(
        'S10, S12: runs go on when the node that runs them is killed, and Ctrl-C leaves nothing running',
        { timeout: TIMEOUT_MS },
        async () => {
          let playing: ReturnType<typeof playTheInvitation> | undefined;
          const ended = await runProgram('start-cluster', ['--port', '0', '--state', stateDirectory()], {
            onOutput: (stdout, stop) => {
              if (!stdout.includes('Ctrl-C stops everything')) return;
              playing ??= playTheInvitation(stdout);
              void playing.finally(stop).catch(() => undefined);
            },
          });
          expect(ended.stderr).toBe('');
          expect(ended.code).toBe(0);
          const played = await playing;
          expect(played?.run, JSON.stringify(played?.run.error)).toMatchObject({
            status: 'succeeded',
            page: 'resolved',
          });
          expect(ended.stdout).toContain(`node-${played?.coordinator} has ended`);
          const urls = new Set(ended.stdout.match(/http:\/\/127\.0\.0\.1:\d+/g));
          const answering = await Promise.all(
            [...urls].map((url) =>
              fetch(url).then(
                () => [url],
                () => [],
              ),
            ),
          );
          expect(answering.flat()).toEqual([]);
        },
      );
    },
  );

  it(
    'says how to get a redis-server when there is none, with exit code 1',
    { timeout: TIMEOUT_MS },
    async () => {
      const ended = await runProgram('start-cluster', ['--servers', join(stateDirectory(), 'none.json')]);
      expect(ended.code).toBe(1);
      expect(ended.stderr).toMatch(/need a redis-server, and there is none.*apt-get install redis-server/s);
      expect(ended.stderr).not.toMatch(/\n\s+at /);
    },
  );

  it('refuses an engine that does not exist with exit code 2', { timeout: TIMEOUT_MS }, async () => {
    const ended = await runProgram('start-cluster', ['--engine', 'steam']);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/--engine steam is none, expected restate or embedded/);
  });
});

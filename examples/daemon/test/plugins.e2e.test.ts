import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { run } from '@lazarus/cli';
import { startDaemon, readSettings } from '@lazarus/example-daemon';
import type { Daemon } from '@lazarus/example-daemon';
import { createPager } from '@lazarus/example-pager-sim';
import { createRegion } from '@lazarus/example-fleet-sim';
import { createRecordingLogger, silentLogger } from '@lazarus/testing';
import { afterEach, describe, expect, it } from 'vitest';

const TIMEOUT_MS = 60_000;
const NOBODY = 'http://127.0.0.1:9';
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A module with a check and three actions; two of them cannot be asked what they would do. */
const PLUGIN = `import { definePrecondition } from '@lazarus/core';
import { defineAction } from '@lazarus/dag';
import { z } from 'zod';
const action = (name: string, dry: any): unknown => defineAction({
  name, version: 1, summary: 'Does ' + name + '.', idempotent: true,
  input: z.strictObject({ host: z.string() }), output: z.unknown(), dry, run: async () => null,
});
export const preconditions: unknown[] = [definePrecondition({
  name: 'RackIsPowered', summary: 'The rack has power.', params: z.strictObject({ rack: z.string() }),
  check: ({ params }) => params.rack === 'r1' ? { verdict: 'pass' } : { verdict: 'fail', reason: params.rack + ' is dark' },
})];
export const actions: unknown[] = [
  action('rack.reset', ({ host }: { host: string }) => ({ summary: 'resets the port of ' + host, changes: { host } })),
  action('rack.hang', () => { for (;;); }),
  action('rack.throw', () => { throw new TypeError('a secret'); }),
];
`;

const WORKFLOW = `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: rack.revive, version: 1 }
inputs: { host: { type: string, required: true }, incident_key: { type: string } }
steps:
  reset: { uses: rack.reset@1, with: { host: '\${{ inputs.host }}' } }
  hang: { uses: rack.hang@1, needs: [reset], with: { host: '\${{ inputs.host }}' } }
  throw: { uses: rack.throw@1, needs: [hang], with: { host: '\${{ inputs.host }}' } }
  resolve: { uses: pager.resolve@1, needs: [throw], with: { incident: '\${{ inputs.incident_key }}' } }
on_error:
  steps:
    escalate: { uses: pager.escalate@1, with: { incident: '\${{ inputs.incident_key }}', reason: broken } }
`;

const RULE = `name: rack_host_down
description: a host of a rack is down
criteria: { event_type: HealthcheckDown, service: web }
prechecks:
  - checkName: RackIsPowered
    params: { rack: r1 }
hold_down: 0s
workflow: { name: rack.revive }
mode: notify
`;

function writePlace(region: string, pager: string, plugins: string): { path: string; settings: string } {
  const path = mkdtempSync(join(tmpdir(), 'lazarus-daemon-plugins-'));
  cleanups.push(() => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
  const put = (file: string, text: string): void => {
    mkdirSync(join(path, file, '..'), { recursive: true });
    writeFileSync(join(path, file), text);
  };
  put('token', 'a-token-for-the-pager\n');
  put('plugins/rack.ts', PLUGIN);
  symlinkSync(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(path, 'node_modules'));
  put('config/workflows/revive.yaml', WORKFLOW);
  put('config/rules/rack.yaml', RULE);
  put(
    'lazarus.yaml',
    `region: us-east-1
listen: { port: 0 }
nodes: [{ id: a, zone: us-east-1a }, { id: b, zone: us-east-1b }, { id: c, zone: us-east-1c }]
provider: { endpoint: '${region}' }
pager: { url: '${pager}', from: lazarus@example.com, responders: [lazarus], token_file: token }
plugins: ${plugins}
`,
  );
  return { path, settings: join(path, 'lazarus.yaml') };
}

async function startWorld(log = silentLogger): Promise<{ readonly daemon: Daemon; readonly path: string }> {
  const region = await createRegion({ services: [{ name: 'web', hosts: 3 }] });
  cleanups.push(() => region.close());
  const pager = await createPager();
  cleanups.push(() => pager.close());
  const { path, settings } = writePlace(region.endpoint, pager.endpoint, '[./plugins/rack.ts]');
  const daemon = await startDaemon(readSettings(settings), log);
  cleanups.push(() => daemon.close());
  return { daemon, path };
}

/** A command line, in this process. */
async function lazarus(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await run(words, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    readInput: async () => '',
    env: {},
    color: false,
    isTty: false,
    now: () => Date.now(),
    newId: () => `e${Math.random()}`,
    signal: new AbortController().signal,
  });
  return { code, out: stripVTControlCharacters(out), err };
}

const FLAGS = ['--type', 'HealthcheckDown', '--service', 'web', '--host', 'web-1'];
const PLACE = ['--region', 'us-east-1', '--environment', 'stage'];

describe('a daemon with plugins', () => {
  it(
    'S13: votes with a check from YAML, plans what its actions would do, says which cannot tell, and goes on',
    { timeout: TIMEOUT_MS },
    async () => {
      const { daemon } = await startWorld();
      const planned = await lazarus('plan', ...FLAGS, ...PLACE, '--url', daemon.url);
      expect(planned.err).toBe('');
      expect(planned.code).toBe(4);
      expect(planned.out).toContain('rule rack_host_down is in mode notify');
      expect(planned.out).toMatch(/yes {2}.*RackIsPowered ok/);
      const [, steps = ''] = planned.out.split('if it acted, it would run rack.revive:\n');
      expect(
        steps
          .split('\n')
          .slice(0, 4)
          .map((line) => line.trim().replaceAll(/ {2,}/g, ' ')),
      ).toEqual([
        expect.stringMatching(/^1 reset rack\.reset@1 resets the port of i-\w+$/),
        '2 hang rack.hang@1 Does rack.hang.; its dry run did not end within 100 ms',
        '3 throw rack.throw@1 Does rack.throw.; its dry run threw TypeError',
        '4 resolve pager.resolve@1 touches no page: the event names none',
      ]);
      expect(planned.out).not.toContain('a secret');
      expect((await fetch(`${daemon.url}/livez`)).status).toBe(200);
    },
  );

  it(
    'explains a shadowed decision with what would have been done, and records nothing of that',
    { timeout: TIMEOUT_MS },
    async () => {
      const { daemon } = await startWorld();
      const emitted = await lazarus('emit', ...FLAGS, ...PLACE, '--url', daemon.url);
      expect(emitted).toMatchObject({ code: 0, err: '' });
      const id = emitted.out.trim();
      const explained = () => lazarus('explain', id, '--url', daemon.url);
      await expect.poll(async () => (await explained()).code, { timeout: 30_000 }).toBe(0);
      expect((await explained()).out).toContain('if it acted, it would run rack.revive:');
      const record = await (await fetch(`${daemon.url}/v1/decisions/${id}`)).text();
      expect(record).not.toContain('resets the port');
    },
  );

  it(
    'S15: has the digest that validate computes with the same plugins, names them, and another with other code',
    { timeout: TIMEOUT_MS },
    async () => {
      const log = createRecordingLogger();
      const { daemon, path } = await startWorld(log);
      const config = (await (await fetch(`${daemon.url}/v1/config`)).json()) as {
        digest: string;
        plugins: readonly unknown[];
      };
      expect(config.plugins).toEqual([
        { name: 'rack.ts', version: expect.stringMatching(/^sha256-[0-9a-f]{64}$/) as string },
      ]);
      const validated = await lazarus(
        'validate',
        join(path, 'config'),
        '--plugins',
        join(path, 'plugins/rack.ts'),
        '-o',
        'json',
      );
      expect(JSON.parse(validated.out)).toMatchObject({ digest: config.digest });

      writeFileSync(join(path, 'plugins/rack.ts'), `${PLUGIN}\n// another node has this\n`);
      expect(await daemon.reload()).toBe(true);
      expect(daemon.snapshot.digest).toBe(config.digest);
      expect(JSON.stringify(log.lines)).toContain('the code of plugins was changed');
      const other = await startDaemon(
        { ...readSettings(join(path, 'lazarus.yaml')), state_dir: join(path, 'other') },
        silentLogger,
      );
      cleanups.push(() => other.close());
      expect(other.snapshot.digest).not.toBe(config.digest);
    },
  );

  it('starts not at all when one is missing, and says which and where it was looked for', async () => {
    const { settings, path } = writePlace(
      NOBODY,
      NOBODY,
      '[./plugins/rack.ts, ./plugins/gone.mjs, acme-checks]',
    );
    await expect(startDaemon(readSettings(settings), silentLogger)).rejects.toThrow(
      new RegExp(
        `the plugins were refused: 2 problems\\n {2}./plugins/gone.mjs is not there: ${path}/plugins/gone.mjs is no file\\n {2}acme-checks is neither a file`,
      ),
    );
  });

  it('starts not at all without the token of the pager, and says which setting names the file', async () => {
    const { settings, path } = writePlace(NOBODY, NOBODY, '[]');
    rmSync(join(path, 'token'));
    await expect(startDaemon(readSettings(settings), silentLogger)).rejects.toThrow(
      `pager.token_file of the settings cannot be read: ${path}/token: there is no such file`,
    );
  });

  it('refuses settings that name one twice', () => {
    const { settings } = writePlace(NOBODY, NOBODY, '[./plugins/rack.ts, ./plugins/rack.ts]');
    expect(() => readSettings(settings)).toThrow(
      /lazarus\.yaml:6:\d+ plugins\[1\] \.\/plugins\/rack\.ts is named twice/,
    );
  });
});

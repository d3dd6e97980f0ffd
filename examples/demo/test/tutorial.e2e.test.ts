import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { poll } from '../src/world/http.ts';
import { createViews } from '../src/world/views.ts';
import { startWorld } from '../src/world/world.ts';
import type { World } from '../src/world/world.ts';

const TIMEOUT_MS = 180_000;
const TUTORIAL = new URL('../../../docs/tutorial/README.md', import.meta.url);
const CLI = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url));
const opened: { world: World; path: string }[] = [];

afterEach(async () => {
  for (const { world, path } of opened.splice(0)) {
    await world.close();
    rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  }
});

/** The commands of the tutorial, in order; `npm start` is what the test itself does. */
function commands(): string[] {
  const text = readFileSync(TUTORIAL, 'utf8');
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)]
    .flatMap(([, block]) => (block ?? '').trim().split('\n'))
    .filter((line) => line !== 'npm start');
}

/** The same command against this test's world: its ports, and the sources instead of the build. */
function here(command: string, world: World): string {
  return command
    .replace(
      'npx lazarus',
      `"${process.execPath}" --conditions=@lazarus/source "${CLI}" --url ${world.controller.url}`,
    )
    .replaceAll('http://127.0.0.1:7400', world.controller.url)
    .replaceAll('http://127.0.0.1:7401', world.region.url);
}

function runShell(command: string): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    execFile('sh', ['-c', command], { env: { ...process.env, NO_COLOR: '1' } }, (error, stdout, stderr) => {
      resolve({
        code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1,
        output: stdout + stderr,
      });
    });
  });
}

describe('the tutorial', () => {
  it(
    'says what happens: every command works, in order, on a world as npm start makes it',
    { timeout: TIMEOUT_MS },
    async () => {
      const path = mkdtempSync(join(tmpdir(), 'lazarus-tutorial-'));
      const world = await startWorld({ stateDir: path, port: 0 });
      opened.push({ world, path });
      const views = createViews(world);
      const outputs = new Map<string, string>();
      for (const command of commands()) {
        const { code, output } = await runShell(here(command, world));
        expect(code, `${command}\n${output}`).toBe(0);
        outputs.set(command, output);
        if (command.endsWith('/web-2/kill')) await untilResolved(views);
      }
      expect(outputs.size).toBeGreaterThanOrEqual(9);
      expect(outputs.get('npx lazarus forensics --service web')).toContain('web-2');

      const [record] = await views.decisions('web');
      const explained = await runShell(here(`npx lazarus explain ${record?.event_id ?? ''}`, world));
      expect(explained.code, explained.output).toBe(0);
      expect(explained.output).toContain('region breaker');
    },
  );
});

async function untilResolved(views: ReturnType<typeof createViews>): Promise<void> {
  const resolved = await poll(
    async () => ((await views.pages()).some(({ status }) => status === 'resolved') ? true : undefined),
    { withinMs: 60_000 },
  );
  expect(resolved).toBe(true);
}

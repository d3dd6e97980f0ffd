import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const INSTALL_TIMEOUT_MS = 240_000;
const repository = join(import.meta.dirname, '..', '..');

interface Finished {
  readonly code: number;
  readonly output: string;
}

function run(command: string, args: readonly string[], cwd: string): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env: { ...process.env, NO_COLOR: '1' } }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, output: stdout + stderr });
    });
  });
}

/** The first `ts` block of a readme: the example a reader copies. */
function readmeExample(file: string): string | undefined {
  return /```ts[^\n]*\n([\s\S]*?)```/.exec(readFileSync(join(repository, file), 'utf8'))?.[1];
}

/** An empty project into which the packed tarballs of every package are installed, as a user would get them. */
let project: string;
const packages = readdirSync(join(repository, 'packages'));

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'lazarus-consumer-'));
  const tarballs = join(project, 'tarballs');
  mkdirSync(tarballs);
  const workspaces = packages.flatMap((name) => ['-w', join('packages', name)]);
  const packed = await run(
    'npm',
    ['pack', '--loglevel=error', '--ignore-scripts', '--pack-destination', tarballs, ...workspaces],
    repository,
  );
  expect(packed.output).toContain('.tgz');
  const dependencies = Object.fromEntries(
    readdirSync(tarballs).map((file) => {
      const name = packages.find((candidate) => new RegExp(`^lazarus-${candidate}-\\d`).test(file));
      return [`@lazarus/${name ?? file}`, `file:tarballs/${file}`];
    }),
  );
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module', dependencies }),
  );
  const installed = await run(
    'npm',
    ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', '--omit=optional'],
    project,
  );
  expect(installed, installed.output).toMatchObject({ code: 0 });
}, INSTALL_TIMEOUT_MS);

afterAll(() => {
  rmSync(project, { recursive: true, force: true });
});

describe('packed packages in an empty project', () => {
  it('load every public entry point of core, without any peer', async () => {
    const manifest = JSON.parse(
      readFileSync(join(repository, 'packages', 'core', 'package.json'), 'utf8'),
    ) as { exports: Record<string, unknown> };
    const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith('.json'));
    const script = entries
      .map((entry) => `await import(${JSON.stringify(`@lazarus/core${entry.slice(1)}`)});`)
      .join('\n');
    writeFileSync(join(project, 'load.mjs'), script);
    const loaded = await run(process.execPath, ['load.mjs'], project);
    expect(loaded, loaded.output).toMatchObject({ code: 0 });
    expect(entries.length).toBeGreaterThan(1);
  });

  it.each(packages)('load @lazarus/%s', async (name) => {
    writeFileSync(join(project, `load-${name}.mjs`), `await import('@lazarus/${name}');\n`);
    const loaded = await run(process.execPath, [`load-${name}.mjs`], project);
    expect(loaded, loaded.output).toMatchObject({ code: 0 });
  });

  it('run the example of the readme of core', async () => {
    const example = readmeExample('packages/core/README.md');
    expect(example).toBeDefined();
    writeFileSync(join(project, 'example.ts'), example ?? '');
    const ran = await run(process.execPath, ['example.ts'], project);
    expect(ran, ran.output).toMatchObject({ code: 0 });
  });
});

import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const repository = join(import.meta.dirname, '..', '..');

let clone: string;

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'lazarus-bootstrap-'));
  cpSync(join(repository, 'tools', 'bootstrap.mjs'), join(clone, 'tools', 'bootstrap.mjs'));
  write('package-lock.json', lock({ rxjs: '7.8.2', zod: '4.6.7' }, ['native-for-another-platform']));
});

afterEach(() => {
  rmSync(clone, { recursive: true, force: true });
});

function write(file: string, text: string): void {
  mkdirSync(dirname(join(clone, file)), { recursive: true });
  writeFileSync(join(clone, file), text);
}

function lock(versions: Record<string, string>, optional: readonly string[] = []): string {
  const entries = Object.entries(versions).map(([name, version]) => [`node_modules/${name}`, { version }]);
  const platform = optional.map((name) => [`node_modules/${name}`, { version: '1.0.0', optional: true }]);
  return JSON.stringify({ packages: Object.fromEntries([...entries, ...platform]) as object });
}

function installed(versions: Record<string, string>): void {
  write('node_modules/.package-lock.json', lock(versions));
  write('node_modules/.bin/node', '');
}

/** Runs the bootstrap with an npm that writes down how it was called, prints `output` and ends with `code`. */
function bootstrap(npm = { code: 0, output: '' }): Promise<{ code: number; output: string }> {
  write(
    'npm-cli.cjs',
    `require('node:fs').writeFileSync('npm-calls.txt', process.argv.slice(2).join(' '));
     process.stderr.write(${JSON.stringify(npm.output)});
     process.exitCode = ${npm.code};`,
  );
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(clone, 'tools', 'bootstrap.mjs')],
      { cwd: clone, env: { ...process.env, npm_execpath: join(clone, 'npm-cli.cjs') } },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, output: stdout + stderr });
      },
    );
  });
}

function npmCalls(): string | undefined {
  const file = join(clone, 'npm-calls.txt');
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

describe('bootstrap', () => {
  it('installs exactly the lockfile in a fresh clone and says so in 1 line', async () => {
    const { code, output } = await bootstrap();
    expect(code).toBe(0);
    expect(output).toContain('because nothing is installed yet');
    expect(npmCalls()).toMatch(/^ci /);
  });

  it('does and prints nothing when what is installed matches the lockfile', async () => {
    installed({ rxjs: '7.8.2', zod: '4.6.7' });
    expect(await bootstrap()).toEqual({ code: 0, output: '' });
    expect(npmCalls()).toBeUndefined();
  });

  it('installs again when the lockfile names another version', async () => {
    installed({ rxjs: '7.8.1', zod: '4.6.7' });
    expect((await bootstrap()).output).toContain('because rxjs does not match the lockfile');
    expect(npmCalls()).toMatch(/^ci /);
  });

  it('installs again after an install that did not finish', async () => {
    write('node_modules/.package-lock.json', lock({ rxjs: '7.8.2', zod: '4.6.7' }));
    expect((await bootstrap()).output).toContain('the last install did not finish');
  });

  it('says that the registry cannot be reached when the machine is offline', async () => {
    const { code, output } = await bootstrap({
      code: 1,
      output: 'npm error code ENOTFOUND\nnpm error network request failed\n',
    });
    expect(code).toBe(1);
    expect(output).toContain('The package registry cannot be reached. Connect to the network');
  });
});

import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const repository = join(import.meta.dirname, '..', '..');

let clone: string;

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'lazarus-ci-'));
  cpSync(join(repository, '.ci', 'run'), join(clone, '.ci', 'run'));
  mkdirSync(join(clone, 'bin'));
});

afterEach(() => {
  rmSync(clone, { recursive: true, force: true });
});

/** Runs the script with an npm whose two commands do what the shell code says. */
function ci(commands: { test: string; verify: string }): Promise<{ code: number; lines: string[] }> {
  const npm = join(clone, 'bin', 'npm');
  const script = `#!/usr/bin/env bash\ncase "$1 \${2:-}" in\n'test ') ${commands.test};;\n'run verify') ${commands.verify};;\nesac\n`;
  writeFileSync(npm, script);
  chmodSync(npm, 0o755);
  return new Promise((resolve) => {
    execFile(
      'bash',
      [join(clone, '.ci', 'run')],
      { env: { PATH: `${join(clone, 'bin')}:${process.env['PATH'] ?? ''}` } },
      (error, stdout) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, lines: stdout.trimEnd().split('\n') });
      },
    );
  });
}

const totals = 'tests: 12 passed, 0 failed, 1 skipped';

describe('CI script', () => {
  it('passes when tests and checks pass, and ends with the totals of the tests', async () => {
    const { code, lines } = await ci({ test: `echo '${totals}'`, verify: 'echo checked' });
    expect(lines).toEqual([totals, 'checked', totals]);
    expect(code).toBe(0);
  });

  it('fails when a check fails, and still ends with the totals', async () => {
    const { code, lines } = await ci({ test: `echo '${totals}'`, verify: 'exit 1' });
    expect(lines.at(-1)).toBe(totals);
    expect(code).toBe(1);
  });

  it('fails when a test fails, although the checks pass', async () => {
    const failed = 'tests: 11 passed, 1 failed, 1 skipped';
    const { code, lines } = await ci({ test: `echo '${failed}'; exit 1`, verify: 'true' });
    expect(lines.at(-1)).toBe(failed);
    expect(code).toBe(1);
  });

  it('fails when the tests end without totals', async () => {
    const { code, lines } = await ci({ test: 'true', verify: 'true' });
    expect(lines.at(-1)).toBe('The tests did not run to their end.');
    expect(code).toBe(1);
  });
});

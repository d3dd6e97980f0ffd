import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const repository = join(import.meta.dirname, '..', '..');

let copy: string;

/** A small work tree with the real rules and manifests, and sources that import nothing. */
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'lazarus-boundaries-'));
  for (const file of ['dependency-rules.cjs', '.dependency-cruiser.cjs', 'package.json']) {
    cpSync(join(repository, file), join(copy, file));
  }
  mkdirSync(join(copy, 'node_modules', '@lazarus'), { recursive: true });
  symlinkSync(join(repository, 'node_modules', 'rxjs'), join(copy, 'node_modules', 'rxjs'));
  for (const name of readdirSync(join(repository, 'packages'))) {
    mkdirSync(join(copy, 'packages', name, 'src'), { recursive: true });
    cpSync(join(repository, 'packages', name, 'package.json'), join(copy, 'packages', name, 'package.json'));
    write(`packages/${name}/src/index.ts`, 'export const here = true;\n');
    symlinkSync(join(copy, 'packages', name), join(copy, 'node_modules', '@lazarus', name));
  }
});

afterEach(() => {
  rmSync(copy, { recursive: true, force: true });
});

function write(file: string, text: string): void {
  mkdirSync(dirname(join(copy, file)), { recursive: true });
  writeFileSync(join(copy, file), text);
}

function check(): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(repository, 'tools', 'check-boundaries.mjs'), copy],
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, output: stdout + stderr });
      },
    );
  });
}

describe('boundary gate', () => {
  it('passes a work tree that keeps every rule', async () => {
    write('packages/dag/src/index.ts', "import { here } from '@lazarus/core';\nexport const there = here;\n");
    write('packages/core/src/stream/index.ts', "export { Observable } from 'rxjs';\n");
    write('packages/core/src/digest.ts', "export { createHash } from 'node:crypto';\n");
    const { code, output } = await check();
    expect(output).toContain('no dependency violations found');
    expect(code).toBe(0);
  });

  it.each([
    {
      rule: 'core-imports',
      file: 'packages/core/src/a.ts',
      text: "export { here } from '@lazarus/dag';\n",
    },
    {
      rule: 'audit-imports',
      file: 'packages/audit/src/a.ts',
      text: "import type { here } from '@lazarus/notify';\nexport type Here = typeof here;\n",
    },
    {
      rule: 'core-has-no-io',
      file: 'packages/core/src/a.ts',
      text: "export { readFileSync } from 'node:fs';\n",
    },
    { rule: 'core-has-no-io', file: 'packages/core/src/a.ts', text: "export { connect } from 'net';\n" },
    {
      rule: 'rxjs-in-stream-folders',
      file: 'packages/core/src/decision/a.ts',
      text: "import type { Observable } from 'rxjs';\nexport type O = Observable<number>;\n",
    },
    {
      rule: 'no-cycles',
      file: 'packages/core/src/a.ts',
      text: "import { here } from './index.ts';\nexport const a = here;\n",
      also: {
        file: 'packages/core/src/index.ts',
        text: "import { a } from './a.ts';\nexport const here = a;\n",
      },
    },
    {
      rule: 'public-entries-only',
      file: 'packages/dag/src/a.ts',
      text: "export { secret } from '../../core/src/secret.ts';\n",
      also: { file: 'packages/core/src/secret.ts', text: 'export const secret = 1;\n' },
    },
    {
      rule: 'by-name',
      file: 'packages/dag/src/a.ts',
      text: "export { here } from '../../core/src/index.ts';\n",
    },
    {
      rule: 'packages-know-no-examples',
      file: 'packages/cli/src/a.ts',
      text: "export { x } from '../../../examples/demo/src/x.ts';\n",
      also: { file: 'examples/demo/src/x.ts', text: 'export const x = 1;\n' },
    },
    { rule: 'resolvable', file: 'packages/notify/src/a.ts', text: "export { x } from './gone.ts';\n" },
    {
      rule: 'declared-dependencies',
      file: 'packages/notify/src/stream/a.ts',
      text: "export { of } from 'rxjs';\n",
    },
  ])('refuses a violation of $rule in $file', async ({ rule, file, text, also }) => {
    write(file, text);
    if (also !== undefined) write(also.file, also.text);
    const { code, output } = await check();
    expect(output).toContain(`error ${rule}`);
    expect(code).toBe(1);
  });

  it('refuses a package without a row in the table', async () => {
    write('packages/newcomer/src/index.ts', 'export {};\n');
    const { code, output } = await check();
    expect(output).toContain('packages/newcomer has no row');
    expect(code).toBe(1);
  });

  it('refuses a work tree in which there is nothing to look at', async () => {
    rmSync(join(copy, 'packages'), { recursive: true });
    expect((await check()).code).toBe(1);
  });
});

import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const repository = join(import.meta.dirname, '..', '..');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lazarus-gates-'));
  execFileSync('git', ['init', '-q'], { cwd: folder });
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

function gate(tool: string, ...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(repository, 'tools', tool), ...args],
      { cwd: folder },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, output: stdout + stderr });
      },
    );
  });
}

describe('lockfile gate', () => {
  function lockfile(packages: object): void {
    write('package-lock.json', JSON.stringify({ packages }));
  }

  it('passes when each platform package has an entry, at the root or nested', async () => {
    lockfile({
      '': { optionalDependencies: { one: '1' } },
      'node_modules/one': { version: '1', optionalDependencies: { two: '1', three: '1' } },
      'node_modules/two': { version: '1' },
      'node_modules/one/node_modules/three': { version: '1' },
    });
    expect((await gate('check-lockfile.mjs')).code).toBe(0);
  });

  it('refuses a platform package without an entry of its own', async () => {
    lockfile({
      'node_modules/one': { version: '1', optionalDependencies: { 'one-darwin-arm64': '1' } },
      'node_modules/other/node_modules/one-darwin-arm64': { version: '1' },
    });
    const { code, output } = await gate('check-lockfile.mjs');
    expect(output).toContain('node_modules/one names one-darwin-arm64@1, which has no entry of its own');
    expect(code).toBe(1);
  });

  it('refuses a manifest that the lockfile disagrees with', async () => {
    lockfile({ 'packages/a': { dependencies: { rxjs: '7.8.1' } } });
    write('packages/a/package.json', '{ "dependencies": { "rxjs": "7.8.2" } }');
    const { code, output } = await gate('check-lockfile.mjs');
    expect(output).toContain('packages/a/package.json and the lockfile disagree about rxjs');
    expect(code).toBe(1);
  });

  it('refuses an entry that names a registry host', async () => {
    lockfile({ 'node_modules/one': { version: '1', resolved: 'https://packages.example/one-1.tgz' } });
    expect(await gate('check-lockfile.mjs')).toMatchObject({ code: 1 });
  });
});

describe('hygiene gate', () => {
  it('passes a clean work tree', async () => {
    write('src/a.ts', "export const health = '/health';\nexport const route = '/v1/work/items';\n");
    expect(await gate('check-hygiene.mjs')).toEqual({ code: 0, output: '' });
  });

  it.each([
    {
      what: 'the path of one machine',
      file: 'docs/a.md',
      text: ['cd /home', 'someone', 'lazarus'].join('/'),
    },
    { what: 'a focused test', file: 'test/a.test.ts', text: ['it', "only('x', () => {});"].join('.') },
    { what: 'a conflict mark', file: 'a.json', text: `${'<'.repeat(7)} HEAD\n` },
  ])('refuses $what', async ({ file, text }) => {
    write(file, text);
    const { code, output } = await gate('check-hygiene.mjs');
    expect(output).toContain(`${file}:1 `);
    expect(code).toBe(1);
  });
});

describe('invariant gate', () => {
  const names = [
    ...Array.from({ length: 18 }, (_, index) => `S${index + 1}`),
    ...Array.from({ length: 5 }, (_, index) => `L${index + 1}`),
  ];

  function architecture(rows: readonly string[]): void {
    write('ARCHITECTURE.md', ['| | invariant | test |', '|-|-|-|', ...rows, ''].join('\n'));
  }

  const rowOf = (name: string): string => `| **${name}** | holds | \`test/all.test.ts\` |`;

  it('passes when each of the 23 invariants names a test that cites it', async () => {
    architecture(names.map(rowOf));
    write('test/all.test.ts', `// ${names.join(' ')}\n`);
    expect((await gate('check-invariants.mjs')).code).toBe(0);
  });

  it('refuses a missing row, a missing file and a test that does not cite its invariant', async () => {
    architecture([...names.slice(1, -1).map(rowOf), '| L5 | holds | `test/gone.test.ts` |']);
    write('test/all.test.ts', `// ${names.filter((name) => name !== 'S18').join(' ')}\n`);
    const { code, output } = await gate('check-invariants.mjs');
    expect(output.trim().split('\n')).toEqual([
      'ARCHITECTURE.md has no row for S1',
      'test/all.test.ts does not cite S18',
      'L5 names test/gone.test.ts, which does not exist',
    ]);
    expect(code).toBe(1);
  });
});

describe('document gate', () => {
  beforeEach(() => {
    cpSync(join(repository, 'tsconfig.base.json'), join(folder, 'tsconfig.base.json'));
    write('package.json', '{ "type": "module" }\n');
    write('.gitignore', '.cache\nnode_modules\n');
    symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
  });

  const fence = '```';

  it('passes documents whose blocks compile and run', async () => {
    write(
      'README.md',
      `${fence}ts\nconst a: number = 1;\nconsole.log(a);\n${fence}\n${fence}sh runnable\ntrue\n${fence}\n`,
    );
    const { code, output } = await gate('check-docs.mjs', '--run');
    expect(output).toContain('1 TypeScript blocks checked, 1 blocks marked runnable');
    expect(code).toBe(0);
  });

  it('refuses a ts block that does not compile and names document and line', async () => {
    write('docs/guide.md', `# Guide\n\n${fence}ts\nconst a: number = 'one';\n${fence}\n`);
    const { code, output } = await gate('check-docs.mjs');
    expect(output).toContain('docs-guide-md-line-3.ts');
    expect(code).toBe(1);
  });

  it('refuses a runnable block that fails', async () => {
    write('README.md', `${fence}sh runnable\necho nope\nexit 3\n${fence}\n`);
    const { code, output } = await gate('check-docs.mjs', '--run');
    expect(output).toContain('README.md:1 ended with 3:\nnope');
    expect(code).toBe(1);
  });
});

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

const cli = fileURLToPath(new URL('..', import.meta.url));

/** The package as a fresh clone has it: nothing is built. */
function cloned(oldestNode = '>=22.13'): { readonly folder: string; readonly bin: string } {
  const folder = mkdtempSync(join(tmpdir(), 'lazarus-bin-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { bin } = JSON.parse(readFileSync(join(cli, 'package.json'), 'utf8')) as {
    readonly bin: { readonly lazarus: string };
  };
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ type: 'module', engines: { node: oldestNode } }),
  );
  cpSync(join(cli, bin.lazarus), join(folder, bin.lazarus));
  return { folder, bin: join(folder, bin.lazarus) };
}

it('links the command before anything is built, and the command says what is missing', async () => {
  const { bin } = cloned();
  await expect(promisify(execFile)(process.execPath, [bin])).rejects.toMatchObject({
    code: 1,
    stderr: 'lazarus: this checkout is not built yet; run `npm run build`, or `npm start` once\n',
  });
});

it('runs what was built', async () => {
  const { folder, bin } = cloned();
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'dist/main.js'), 'console.log(process.argv.slice(2).join(" "))');
  const { stdout } = await promisify(execFile)(process.execPath, [bin, 'decisions', '--follow']);
  expect(stdout).toBe('decisions --follow\n');
});

it('says which Node is needed when it runs on an older one, and runs nothing', async () => {
  const { folder, bin } = cloned('>=999.5');
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'dist/main.js'), 'console.log("ran")');
  await expect(promisify(execFile)(process.execPath, [bin])).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: `lazarus: Node 999.5 or later is needed, this is ${process.versions.node}; in a checkout \`npx lazarus\` brings its own\n`,
  });
});

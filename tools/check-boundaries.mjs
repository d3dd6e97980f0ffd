// Checks every import of the repository against dependency-rules.cjs. Usage: node tools/check-boundaries.mjs [folder]
// The folder is another work tree to check (a test plants violations in one).
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { root, runCommand, toolPath } from './run-command.mjs';

const folder = resolve(process.argv[2] ?? root);
process.chdir(folder);

const require = createRequire(import.meta.url);
const { tableMismatches } = require(join(folder, 'dependency-rules.cjs'));
const mismatches = tableMismatches();
for (const mismatch of mismatches) console.log(mismatch);

const targets = ['packages', 'examples'].filter((name) => existsSync(name) && readdirSync(name).length > 0);
const { code, output } = await runCommand(
  process.execPath,
  [
    toolPath('dependency-cruiser/bin/dependency-cruiser.mjs'),
    '--config',
    '.dependency-cruiser.cjs',
    '--output-type',
    'err-long',
    ...targets,
  ],
  { cwd: folder },
);
console.log(output.trim());

// Fails closed: a run that looked at nothing proves nothing.
const sawModules = /\((?:no violations found|)?.*?(\d+) modules/.exec(output) ?? /(\d+) modules/.exec(output);
const empty = Number(sawModules?.[1] ?? 0) === 0;
if (empty) console.log('No module was looked at.');
process.exitCode = code !== 0 || mismatches.length > 0 || empty ? 1 : 0;

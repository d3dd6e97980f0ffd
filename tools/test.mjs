// `npm test`: servers, build, every test of the repository, and one last line with the totals.
// Arguments go to vitest: `npm test -- packages/core` runs the tests of one package.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, root, runCommand, toolPath } from './run-command.mjs';
import { ensureServers } from './servers.mjs';
import { exitCodeOf, testTotals, totalsLine } from './test-totals.mjs';

/** A test that never returns must not hold a terminal or a CI machine for ever. */
const LONGEST_RUN_MS = 25 * 60_000;
const reportFile = join(root, '.cache', 'test-report.json');

async function runTests(args) {
  mkdirSync(join(root, '.cache'), { recursive: true });
  rmSync(reportFile, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  const { code } = await runCommand(
    process.execPath,
    [toolPath('vitest/vitest.mjs'), 'run', ...reporters, ...args],
    { echo: true, timeoutMs: LONGEST_RUN_MS },
  );
  return testTotals(existsSync(reportFile) ? JSON.parse(readFileSync(reportFile, 'utf8')) : undefined, code);
}

const servers = await ensureServers();
for (const [name, reason] of Object.entries(servers.missing)) {
  console.log(`Tests that need ${name} are skipped: ${reason}.`);
}

let totals = { passed: 0, failed: 1, skipped: 0 };
const built = await build('build');
if (built.code === 0) {
  totals = await runTests(process.argv.slice(2));
} else {
  console.log(built.output);
  console.log('The build failed, so no test ran.');
}
console.log(totalsLine(totals));
process.exitCode = exitCodeOf(totals);

// `npm test`: servers, build, every test of the repository, and one last line with the totals.
// Arguments go to vitest: `npm test -- packages/core` runs the tests of one package.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, root, runCommand, toolPath } from './run-command.mjs';
import { ensureServers } from './servers.mjs';

const reportFile = join(root, '.cache', 'test-report.json');

/** Totals of one vitest run. A file that broke before its first test, and a run that broke otherwise, count as failed. */
function totals(exitCode) {
  if (!existsSync(reportFile)) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(readFileSync(reportFile, 'utf8'));
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function finish({ passed, failed, skipped }) {
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
  console.log(`tests: ${passed} passed, ${failed} failed, ${skipped} skipped`);
}

const servers = await ensureServers();
for (const [name, reason] of Object.entries(servers.missing)) {
  console.log(`Tests that need ${name} are skipped: ${reason}.`);
}

const built = await build('build');
if (built.code !== 0) {
  console.log(built.output);
  console.log('The build failed, so no test ran.');
  finish({ passed: 0, failed: 1, skipped: 0 });
} else {
  mkdirSync(join(root, '.cache'), { recursive: true });
  rmSync(reportFile, { force: true });
  const { code } = await runCommand(
    process.execPath,
    [
      toolPath('vitest/vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportFile}`,
      ...process.argv.slice(2),
    ],
    { echo: true },
  );
  finish(totals(code));
}

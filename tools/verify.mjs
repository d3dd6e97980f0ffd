// `npm run verify`: everything that can be said about the work tree without running its tests, one line per check.
// Names select checks: `npm run verify -- lint types`.
import { join } from 'node:path';
import { build, root, runCommand, toolPath } from './run-command.mjs';

const script =
  (file, ...args) =>
  () =>
    runCommand(process.execPath, [file, ...args]);
const tool = (file, ...args) => script(toolPath(file), ...args);
const own = (file, ...args) => script(join(root, 'tools', file), ...args);

/** In this order; the ones after `build` look at what it made. */
const checks = [
  { name: 'format', run: tool('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.') },
  { name: 'lockfile', run: own('check-lockfile.mjs') },
  { name: 'hygiene', run: own('check-hygiene.mjs') },
  { name: 'boundaries', run: own('check-boundaries.mjs') },
  { name: 'lint', run: tool('eslint/bin/eslint.js', '.', '--max-warnings', '0') },
  // One program for the whole repository: 15 s where one per package took 200 s. The build checks each one alone.
  { name: 'types', run: tool('typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.all.json') },
  { name: 'unused', run: tool('knip/bin/knip.js', '--no-progress') },
  { name: 'schemas', run: script('--conditions=@lazarus/source', join(root, 'tools', 'schemas.mjs')) },
  { name: 'invariants', run: own('check-invariants.mjs') },
  { name: 'build', run: () => build('build') },
  { name: 'api', run: own('api.mjs') },
  { name: 'packages', run: own('check-packages.mjs') },
  { name: 'docs', run: own('check-docs.mjs', '--run') },
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !checks.some((check) => check.name === name));
if (unknown.length > 0) {
  console.error(
    `There is no check ${unknown.join(', ')}; there are ${checks.map(({ name }) => name).join(', ')}.`,
  );
  process.exit(2);
}

const failures = [];
for (const { name, run } of checks.filter((check) => wanted.length === 0 || wanted.includes(check.name))) {
  const startedAt = performance.now();
  const { code, output } = await run();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(12)} ${seconds.padStart(6)} s`);
  if (code === 0) continue;
  failures.push(name);
  console.log(`${output.trimEnd()}\n`);
}
console.log(failures.length === 0 ? 'verify: all checks pass' : `verify: ${failures.join(', ')} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;

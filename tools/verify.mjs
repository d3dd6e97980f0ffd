// `npm run verify`: everything that can be said about the work tree without running its tests, one line per check.
// Names select checks: `npm run verify -- lint types`.
import { root, runCommand, toolPath } from './run-command.mjs';
import { join } from 'node:path';

const script =
  (file, ...args) =>
  () =>
    runCommand(process.execPath, [file, ...args]);
const tool = (file, ...args) => script(toolPath(file), ...args);
const own = (file, ...args) => script(join(root, 'tools', file), ...args);
const nx = (target) =>
  tool('nx/dist/bin/nx.js', 'run-many', '-t', target, '--output-style=stream', '--parallel=2');
const tsc = (project) => tool('typescript/bin/tsc', '--noEmit', '-p', project);

/** In this order; the ones after `build` look at what it made. */
const checks = [
  { name: 'format', run: tool('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.') },
  { name: 'lockfile', run: own('check-lockfile.mjs') },
  { name: 'hygiene', run: own('check-hygiene.mjs') },
  { name: 'boundaries', run: own('check-boundaries.mjs') },
  { name: 'lint', run: tool('eslint/bin/eslint.js', '.', '--max-warnings', '0') },
  { name: 'types', run: inTurn(nx('typecheck'), tsc('tools')) },
  { name: 'unused', run: tool('knip/bin/knip.js', '--no-progress') },
  { name: 'schemas', run: script('--conditions=@lazarus/source', join(root, 'tools', 'schemas.mjs')) },
  { name: 'invariants', run: own('check-invariants.mjs') },
  { name: 'build', run: nx('build') },
  { name: 'api', run: own('api.mjs') },
  { name: 'packages', run: own('check-packages.mjs') },
  { name: 'docs', run: own('check-docs.mjs', '--run') },
];

/** One check of several commands: the first that fails is its result. */
function inTurn(...commands) {
  return async () => {
    let result;
    for (const command of commands) {
      result = await command();
      if (result.code !== 0) break;
    }
    return result;
  };
}

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

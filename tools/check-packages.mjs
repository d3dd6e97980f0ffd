// Checks what would be published, on the packed tarballs: content, manifest (publint) and types (attw).
// Needs a build. Usage: node tools/check-packages.mjs
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packAll, publishedPackages } from './packages.mjs';
import { root, runCommand, toolPath } from './run-command.mjs';

const problems = [];

/** A tarball has its license and readme, what its manifest promises, and nothing of the work tree besides. */
function checkContent({ name, files }, manifest) {
  for (const required of ['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'dist/index.d.ts']) {
    if (!files.includes(required)) problems.push(`${name}: ${required} is not packed`);
  }
  const promised = new Set(['LICENSE', 'README.md', 'package.json', 'CHANGELOG.md', ...manifest.files]);
  for (const file of files.filter((path) => !promised.has(path.split('/')[0]))) {
    problems.push(`${name}: ${file} is packed by accident`);
  }
}

/** Every file that the exports name is there: some are found by their place at run time, and no import would miss them. */
function checkTargets({ name, files }, { exports = {} }) {
  const targets = Object.values(exports).flatMap((target) =>
    typeof target === 'string'
      ? [target]
      : Object.entries(target).flatMap(([condition, path]) =>
          condition === '@lazarus/source' ? [] : [path],
        ),
  );
  for (const target of targets.filter((path) => !path.includes('*') && !files.includes(path.slice(2))))
    problems.push(`${name}: ${target} is exported and not packed`);
}

/** What the built engine says when it opens: it warns when it does not find the code of its journal's thread. */
const OPEN_ENGINE = `
import { createSystemClock } from '@lazarus/core';
import { createActionRegistry, createEmbeddedEngine } from '@lazarus/dag';
const log = { debug() {}, info() {}, warn: console.log, error: console.log };
const engine = await createEmbeddedEngine({
  file: process.argv[1],
  actions: createActionRegistry([]),
  workflows: [],
  ports: {},
  clock: createSystemClock(),
  ids: { next: () => 'one' },
  random: { next: () => 0 },
  log,
});
await engine.close();
`;

async function checkJournalThread() {
  const folder = mkdtempSync(join(tmpdir(), 'lazarus-packages-'));
  const file = join(folder, 'runs.db');
  const { code, output } = await runCommand(process.execPath, [
    '--input-type=module',
    '-e',
    OPEN_ENGINE,
    file,
  ]);
  rmSync(folder, { recursive: true, force: true });
  const said = output.trim();
  if (code !== 0 || said !== '')
    problems.push(`@lazarus/dag: the built engine does not open quietly: ${said}`);
}

async function checkTool(name, command, args) {
  const { code, output } = await runCommand(process.execPath, [toolPath(command), ...args]);
  if (code !== 0) problems.push(`${name}: ${output.trim()}`);
}

const manifests = new Map(publishedPackages().map(({ name, manifest }) => [name, manifest]));
const packed = await packAll(join(root, '.cache', 'packs'));
if (packed.length !== manifests.size)
  problems.push(`${packed.length} of ${manifests.size} packages were packed`);

for (const tarball of packed) {
  checkContent(tarball, manifests.get(tarball.name));
  checkTargets(tarball, manifests.get(tarball.name));
  await Promise.all([
    checkTool(tarball.name, 'publint/src/cli.js', ['run', tarball.file, '--strict']),
    checkTool(tarball.name, '@arethetypeswrong/cli/dist/index.js', [
      tarball.file,
      '--profile',
      'esm-only',
      '--no-color',
      '--no-emoji',
    ]),
  ]);
}

await checkJournalThread();

if (problems.length > 0) console.log(problems.join('\n\n'));
else console.log(`${packed.length} tarballs are sound`);
process.exitCode = problems.length > 0 ? 1 : 0;

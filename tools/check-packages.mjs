// Checks what would be published, on the packed tarballs: content, manifest (publint) and types (attw).
// Needs a build. Usage: node tools/check-packages.mjs
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

if (problems.length > 0) console.log(problems.join('\n\n'));
else console.log(`${packed.length} tarballs are sound`);
process.exitCode = problems.length > 0 ? 1 : 0;

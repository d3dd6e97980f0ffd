// Writes a changeset without asking: npm run change -- core minor "Say what changed, for those who use it."
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const bumps = ['patch', 'minor', 'major'];
const [name, bump, summary] = process.argv.slice(2);
if (summary === undefined || !bumps.includes(bump ?? '')) {
  console.error('Usage: npm run change -- <package> patch|minor|major "What changed, for those who use it."');
  process.exit(2);
}
if (!existsSync(join('packages', name, 'package.json'))) {
  console.error(`There is no package packages/${name}.`);
  process.exit(1);
}

const words =
  summary
    .toLowerCase()
    .match(/[a-z0-9]+/g)
    ?.slice(0, 6)
    .join('-') ?? 'change';
const digest = createHash('sha256').update(`${name} ${bump} ${summary}`).digest('hex').slice(0, 6);
const file = join('.changeset', `${words}-${digest}.md`);
writeFileSync(file, `---\n'@lazarus/${name}': ${bump}\n---\n\n${summary.trim()}\n`);
console.log(`Wrote ${file}.`);

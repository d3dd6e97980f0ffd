// Every invariant of ARCHITECTURE.md (S1 to S18, L1 to L5) names a test file that exists and cites it.
// A row of the table looks like: | S4 | at most one run per lock key … | `packages/core/test/lock.property.test.ts` |
// Usage, in the folder to check: node tools/check-invariants.mjs
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The work tree to check. */
const root = process.cwd();
const invariants = [
  ...Array.from({ length: 18 }, (_, index) => `S${index + 1}`),
  ...Array.from({ length: 5 }, (_, index) => `L${index + 1}`),
];
const document = join(root, 'ARCHITECTURE.md');
const text = existsSync(document) ? readFileSync(document, 'utf8') : '';
const problems = text === '' ? ['ARCHITECTURE.md does not exist'] : invariants.flatMap(problemsOf);

function problemsOf(invariant) {
  const row = text.split('\n').find((line) => new RegExp(`^\\|\\s*\\**${invariant}\\**\\s*\\|`).test(line));
  if (row === undefined) return [`ARCHITECTURE.md has no row for ${invariant}`];
  const files = [...row.matchAll(/`([^`]+\.test\.ts)`/g)].map((match) => match[1]);
  if (files.length === 0) return [`${invariant} names no test file`];
  return files.flatMap((file) => {
    if (!existsSync(join(root, file))) return [`${invariant} names ${file}, which does not exist`];
    const cited = new RegExp(`\\b${invariant}\\b`).test(readFileSync(join(root, file), 'utf8'));
    return cited ? [] : [`${file} does not cite ${invariant}`];
  });
}

if (problems.length > 0) console.log(problems.join('\n'));
else console.log(`${invariants.length} invariants, each with its test`);
process.exitCode = problems.length > 0 ? 1 : 0;

// Starts a decision record with the next number: npm run decision -- "Keep the journal in SQLite"
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const title = process.argv.slice(2).join(' ').trim();
const slug = title
  .toLowerCase()
  .match(/[a-z0-9]+/g)
  ?.join('-');
if (slug === undefined) {
  console.error('Usage: npm run decision -- "Title of the decision"');
  process.exit(2);
}

const folder = join('docs', 'decisions');
mkdirSync(folder, { recursive: true });
const numbers = readdirSync(folder).map((name) => Number(/^(\d{4})-/.exec(name)?.[1] ?? 0));
const number = String(Math.max(0, ...numbers) + 1).padStart(4, '0');
const file = join(folder, `${number}-${slug}.md`);

const sections = {
  Status: 'Proposed.',
  Context: 'What forces the decision, with numbers.',
  Options: 'Each option, and why it was rejected.',
  Decision: 'What we do.',
  Consequences: 'What becomes easier, what becomes harder.',
  'Revisit when': 'The observation that would change this.',
};
const body = Object.entries(sections).map(([heading, text]) => `## ${heading}\n\n${text}\n`);
writeFileSync(file, `# ${number}. ${title}\n\n${body.join('\n')}`);
console.log(`Wrote ${file}.`);

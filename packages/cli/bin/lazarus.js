#!/usr/bin/env node
// Stands outside of dist, so that npm finds something to link as a command before anything is built. Runs on any
// Node that has modules, so that an old one is told what it lacks instead of failing somewhere inside.
import { existsSync, readFileSync } from 'node:fs';

const program = new URL('../dist/main.js', import.meta.url);
const missing = whatIsMissing();
if (missing === undefined) {
  await import(program.href);
} else {
  process.stderr.write(`lazarus: ${missing}\n`);
  process.exitCode = 1;
}

function whatIsMissing() {
  if (!existsSync(program)) return 'this checkout is not built yet; run `npm run build`, or `npm start` once';
  const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const [needed, found] = [engines.node.replace('>=', ''), process.versions.node].map((version) =>
    version.split('.').map(Number),
  );
  const isOld = found[0] < needed[0] || (found[0] === needed[0] && found[1] < (needed[1] ?? 0));
  if (!isOld) return undefined;
  return `Node ${needed.join('.')} or later is needed, this is ${process.versions.node}; in a checkout \`npx lazarus\` brings its own`;
}

#!/usr/bin/env node
// Stands outside of dist, so that npm finds something to link as a command before anything is built.
import { existsSync } from 'node:fs';

const program = new URL('../dist/main.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  process.stderr.write('lazarus: this checkout is not built yet; run `npm run build`, or `npm start` once\n');
  process.exitCode = 1;
}

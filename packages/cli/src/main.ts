#!/usr/bin/env node
import { isMainThread } from 'node:worker_threads';
import { createProcessTerminal } from './process-terminal.ts';
import { run } from './run.ts';

if (isMainThread) {
  const terminal = createProcessTerminal(process);
  process.exitCode = await run(process.argv.slice(2), terminal);
  terminal.close();
} else {
  const { serveRound } = await import('./runbook-tests/test-round.ts');
  const { runRound } = await import('./verbs/test.ts');
  await serveRound(runRound);
}

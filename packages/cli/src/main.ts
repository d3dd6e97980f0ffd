#!/usr/bin/env node
import { createProcessTerminal } from './process-terminal.ts';
import { run } from './run.ts';

const terminal = createProcessTerminal(process);
process.exitCode = await run(process.argv.slice(2), terminal);
terminal.close();

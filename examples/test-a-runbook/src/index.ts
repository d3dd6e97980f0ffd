/** Runs the workflow once in virtual time, then once for every fault at every step. Needs no network. */
import { checkRunbook, runRunbook } from '@lazarus/testing/lab';
import { workflow } from './workflow.ts';

const { run, tookMs, trace } = await runRunbook(workflow, { unmocked: 'happy' });
console.log(trace.join('\n'));
console.log(`${run.status}, page ${run.page ?? 'open'}, after ${tookMs / 1_000} s that nobody waited for`);

const { scenarios, violations } = await checkRunbook(workflow);
console.log(`${scenarios} runs with faults, ${violations.length} broken promises`);
for (const { scenario, message } of violations) console.log(`${scenario}: ${message}`);

// A process whose one run hangs in its step: killed, and its run is entered again by the next process.
// Arguments: file, `submit` or `wait`.
import { createSystemClock } from '@lazarus/core';
import { createEmbeddedEngine } from '@lazarus/dag';
import { actions, requestOf, silent, workflowOf } from './workflow.mjs';

const [file, mode] = process.argv.slice(2);
const engine = await createEmbeddedEngine({
  file,
  actions: actions({ hang: () => process.stdout.write('in body\n') }),
  workflows: [workflowOf('bench.hang')],
  ports: {},
  clock: createSystemClock(),
  ids: { next: (prefix) => `${prefix}-${process.pid}` },
  random: { next: Math.random },
  log: silent,
});
process.stdout.write('ready\n');
if (mode === 'submit') await engine.submit(requestOf('run-1', 'bench.hang'));

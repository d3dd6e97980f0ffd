import { readFileSync } from 'node:fs';
import { builtinActions, createActionRegistry, loadWorkflow } from '@lazarus/dag';

const file = new URL('../src/flush-and-restart.yaml', import.meta.url);

/** The workflow under test, checked as a node would check it. */
export const workflow = loadWorkflow(readFileSync(file, 'utf8'), {
  file: 'flush-and-restart.yaml',
  actions: createActionRegistry(builtinActions),
});

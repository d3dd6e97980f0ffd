import { didYouMean } from '@lazarus/core/documents';
import { buildGraph } from '../graph/graph.ts';
import type { CheckInput, StepGroup } from './step-group.ts';
import { needsOf } from './step-group.ts';

/** Needs name other steps of the same part, and never go in a circle. */
export function checkGraphs({ groups, issues }: CheckInput): void {
  for (const group of groups) {
    if (group.phase === 'steps' && Object.keys(group.steps).length === 0)
      issues.add(group.path, 'found no step, expected at least one');
    const isComplete = checkNeeds(group, issues);
    if (!isComplete) continue;
    const nodes = Object.entries(group.steps).map(([id, step]) => ({ id, needs: needsOf(step) }));
    const checked = buildGraph(nodes);
    if (!checked.ok) {
      const first = checked.cycle[0] ?? '';
      issues.add(
        [...group.path, first, 'needs'],
        `the steps wait for each other in a circle: ${checked.cycle.join(' -> ')}`,
      );
    }
  }
}

function checkNeeds(group: StepGroup, issues: CheckInput['issues']): boolean {
  const ids = Object.keys(group.steps);
  let isComplete = true;
  for (const [id, step] of Object.entries(group.steps)) {
    for (const [index, need] of needsOf(step).entries()) {
      if (need.step !== id && ids.includes(need.step)) continue;
      isComplete = false;
      const message =
        need.step === id
          ? 'a step cannot need itself'
          : `found the unknown step ${JSON.stringify(need.step)}`;
      issues.add(
        [...group.path, id, 'needs', index],
        message,
        need.step === id ? undefined : didYouMean(need.step, ids),
      );
    }
  }
  return isComplete;
}

import { buildGraph } from '../graph/graph.ts';
import { hintFor } from './known-names.ts';
import type { CheckInput, StepGroup } from './step-group.ts';
import { needsOf } from './step-group.ts';

/** Needs name other steps of the same part, and never go in a circle. */
export function checkGraphs({ groups, issues }: CheckInput): void {
  for (const group of groups) {
    if (group.phase === 'steps' && Object.keys(group.steps).length === 0)
      issues.add(
        group.path,
        'found no step, expected at least one',
        'a: { uses: notify.send@1, with: { text: hello } }',
      );
    const isComplete = checkNeeds(group, issues);
    if (!isComplete) continue;
    const nodes = Object.entries(group.steps).map(([id, step]) => ({ id, needs: needsOf(step) }));
    const checked = buildGraph(nodes);
    if (!checked.ok) {
      const first = checked.cycle[0] ?? '';
      issues.add(
        [...group.path, first, 'needs'],
        `the steps wait for each other in a circle: ${checked.cycle.join(' -> ')}`,
        'take one of these needs out',
      );
    }
  }
}

function checkNeeds(group: StepGroup, issues: CheckInput['issues']): boolean {
  let isComplete = true;
  for (const [id, step] of Object.entries(group.steps)) {
    const needs = needsOf(step);
    for (const [index, need] of needs.entries()) {
      const path = [...group.path, id, 'needs', index];
      if (need.step === id) issues.add(path, 'a step cannot need itself', 'remove it');
      else if (!Object.hasOwn(group.steps, need.step))
        issues.add(
          path,
          `found the unknown step ${JSON.stringify(need.step)}`,
          hintFor(
            need.step,
            Object.keys(group.steps).filter((other) => other !== id),
          ),
        );
      else if (needs.findIndex(({ step: other }) => other === need.step) < index)
        issues.add(
          path,
          `found the step ${JSON.stringify(need.step)} twice`,
          'name its ends in one entry: on: […]',
        );
      else continue;
      isComplete = false;
    }
  }
  return isComplete;
}

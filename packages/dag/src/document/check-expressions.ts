import type { DocumentPath } from '@lazarus/core/documents';
import { WAIT_ACTION } from '../coordinator/limits.ts';
import { buildGraph } from '../graph/graph.ts';
import type { Graph } from '../graph/graph.ts';
import { ExpressionChecker } from './expression-checker.ts';
import type { Place } from './expression-checker.ts';
import { ERROR_SHAPE, resultShape } from './scopes.ts';
import type { CheckInput, StepGroup } from './step-group.ts';
import { needsOf } from './step-group.ts';
import type { StepDocument } from './workflow-schema.ts';

const NOBODY: ReadonlySet<string> = new Set();

/** Every expression parses, reads only what is there, and gives what is asked for. */
export function checkExpressions(input: CheckInput): void {
  const { document, groups } = input;
  const checker = new ExpressionChecker(input);
  const everyStep = new Set(Object.keys(document.steps));
  for (const group of groups) {
    const graph = graphOf(group);
    for (const [id, step] of Object.entries(group.steps)) {
      if (!hasTexts(step)) continue;
      const place: Place =
        group.phase === 'steps'
          ? { visible: graph?.ancestors(id) ?? NOBODY, certain: graph?.succeededBefore(id) ?? NOBODY }
          : { visible: everyStep, certain: NOBODY, extra: { error: ERROR_SHAPE } };
      checkStep(checker, [...group.path, id], id, step, place);
    }
  }
  const atTheEnd: Place = { visible: everyStep, certain: everyStep, mayBeMissing: true };
  for (const [name, text] of Object.entries(document.outputs))
    checker.text(['outputs', name], text, atTheEnd, 'dyn');
}

/** Most steps of a long workflow have nothing to look at. */
function hasTexts(step: StepDocument): boolean {
  const { when, poll, outputs } = step;
  return [when, poll, outputs].some((part) => part !== undefined) || JSON.stringify(step).includes('${{');
}

function graphOf(group: StepGroup): Graph | undefined {
  const checked = buildGraph(Object.entries(group.steps).map(([id, step]) => ({ id, needs: needsOf(step) })));
  return checked.ok ? checked.graph : undefined;
}

function checkStep(
  checker: ExpressionChecker,
  path: DocumentPath,
  id: string,
  step: StepDocument,
  place: Place,
): void {
  const result = resultShape(step, checker.actions);
  if (step.when !== undefined) checker.text([...path, 'when'], step.when, place, 'bool');
  for (const key of ['timeout', 'wait'] as const) {
    const value = step[key];
    if (typeof value === 'string') checker.duration([...path, key], value, place);
  }
  const pause = step.with?.['for'];
  if (step.uses === WAIT_ACTION && typeof pause === 'string')
    checker.duration([...path, 'with', 'for'], pause, place);
  else checker.call([...path, 'with'], step.uses, step.with ?? {}, place);
  if (step.poll !== undefined) {
    const extra = { ...place.extra, result };
    checker.text([...path, 'poll', 'until'], step.poll.until, { ...place, extra }, 'bool');
  }
  for (const [name, text] of Object.entries(step.outputs ?? {}))
    checker.output([...path, 'outputs', name], text, result, place);
  if (typeof step.compensate === 'object') {
    const own: Place = {
      ...place,
      visible: new Set([...place.visible, id]),
      certain: new Set([...place.certain, id]),
    };
    checker.call([...path, 'compensate', 'with'], step.compensate.uses, step.compensate.with, own);
  }
}

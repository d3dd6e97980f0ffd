import type { DecisionRecord } from '@lazarus/core';
import type { DryRunView, DryStepView } from '@lazarus/core/ports';
import { shortId } from './amounts.ts';
import { createPaint, oneLine } from './paint.ts';
import type { RenderOptions } from './paint.ts';

/** What a run would do, one line for each step; a step that could not be asked says so. */
export function renderDryRun(
  view: DryRunView,
  record: Pick<DecisionRecord, 'decision' | 'config_digest'>,
  options: RenderOptions,
): string {
  const paint = createPaint(options);
  const width = (of: (step: DryStepView) => string): number =>
    Math.max(0, ...view.steps.map((step) => of(step).length));
  const nameWidth = width(({ step }) => step);
  const usesWidth = width(({ uses }) => uses);
  const line = (step: DryStepView): string => {
    const place = step.section ?? String(step.wave);
    const names = `${oneLine(step.step).padEnd(nameWidth)}  ${paint.dim(oneLine(step.uses).padEnd(usesWidth))}`;
    const notes = [
      ...(step.destructive ? [paint.yellow('destructive')] : []),
      ...(step.only_if === undefined ? [] : [`only if ${oneLine(step.only_if)}`]),
    ];
    const note = notes.length === 0 ? '' : ` (${notes.join(', ')})`;
    const problem = step.problem === undefined ? '' : paint.red(`; ${oneLine(step.problem)}`);
    return `  ${place.padStart(PLACE_WIDTH)}  ${names}  ${oneLine(step.summary)}${note}${problem}`;
  };
  const wrong = view.problem === undefined ? [] : [paint.red(`  ${oneLine(view.problem)}`)];
  return [paint.bold(heading(view, record)), ...view.steps.map(line), ...wrong].join('\n');
}

const PLACE_WIDTH = 'finally'.length;

function heading(view: DryRunView, record: Pick<DecisionRecord, 'decision' | 'config_digest'>): string {
  const acts = record.decision.kind === 'remediate';
  const what = view.workflow === undefined ? 'a workflow' : oneLine(view.workflow);
  const isOther = view.config_digest !== undefined && view.config_digest !== record.config_digest;
  const told = isOther ? `, as configuration ${shortId(view.config_digest ?? '')} has it now` : '';
  return `${acts ? 'it would run' : 'if it acted, it would run'} ${what}${told}:`;
}

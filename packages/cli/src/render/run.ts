import type { RunView, StepView } from '@lazarus/core/ports';
import { humanBetween, plural, shortId } from './amounts.ts';
import { createPaint, oneLine } from './paint.ts';
import type { Paint, RenderOptions } from './paint.ts';

const STATUS_WIDTH = 'compensated'.length;

/** A run in one line. */
export function renderRunLine(run: RunView, options: RenderOptions): string {
  const paint = createPaint(options);
  const took = humanBetween(run.started_at, run.ended_at);
  const parts = [
    `run ${shortId(run.run_id)} of ${oneLine(run.workflow)}: ${statusColor(run.status, paint)(run.status)}`,
    ...(took === undefined ? [] : [`in ${took}`]),
  ];
  const page = run.page === undefined ? '' : `, page ${run.page.replaceAll('_', ' ')}`;
  return parts.join(' ') + page;
}

/** A run with its steps and its error, one line each. */
export function renderRun(run: RunView, options: RenderOptions): string {
  const paint = createPaint(options);
  const widest = Math.max(0, ...run.steps.map(({ step }) => step.length));
  const error = run.error === undefined ? [] : [paint.red(`  ${oneLine(errorText(run.error))}`)];
  return [
    renderRunLine(run, options),
    ...run.steps.map((step) => stepLine(step, widest, paint)),
    ...error,
  ].join('\n');
}

function errorText(error: NonNullable<RunView['error']>): string {
  const place = error.step === undefined ? '' : `step ${error.step}: `;
  return `${place}${error.code}: ${error.message}`;
}

function stepLine(step: StepView, widest: number, paint: Paint): string {
  const took = humanBetween(step.started_at, step.ended_at);
  const notes = [
    ...(step.attempts > 1 ? [plural(step.attempts, 'attempt')] : []),
    ...(took === undefined ? [] : [took]),
    ...(step.error === undefined ? [] : [paint.red(oneLine(`${step.error.code}: ${step.error.message}`))]),
  ];
  const name = `  ${oneLine(step.step).padEnd(widest)}`;
  const color = statusColor(step.status, paint);
  if (notes.length === 0) return `${name}  ${color(step.status)}`;
  return `${name}  ${color(step.status.padEnd(STATUS_WIDTH))}  ${notes.join(', ')}`;
}

function statusColor(status: RunView['status'] | StepView['status'], paint: Paint): (text: string) => string {
  if (status === 'succeeded') return paint.green;
  if (status === 'failed' || status === 'timed_out' || status === 'canceled') return paint.red;
  return status === 'running' ? paint.cyan : paint.dim;
}

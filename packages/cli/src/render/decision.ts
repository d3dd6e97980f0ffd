import { describeDecision } from '@lazarus/core';
import type { Decision, DecisionRecord } from '@lazarus/core';
import { createPaint, oneLine } from './paint.ts';
import type { Paint, RenderOptions } from './paint.ts';

/** One decision in one line: when, about what, what, why. */
export function renderDecision(record: DecisionRecord, options: RenderOptions): string {
  const paint = createPaint(options);
  const time = record.decided_at.slice(11, 19);
  return `${paint.dim(time)}  ${paint.bold(subjectOf(record))}  ${renderOutcome(record.decision, options)}`;
}

/** What was decided, as a sentence. */
export function renderOutcome(decision: Decision, options: RenderOptions): string {
  return colorOf(decision.kind, createPaint(options))(oneLine(describeDecision(decision)));
}

/** The kind of a decision in its color. */
export function renderKind(kind: Decision['kind'], options: RenderOptions): string {
  return colorOf(kind, createPaint(options))(kind);
}

/** `web web-1`, or what is known when the event could not be read. */
export function subjectOf({ service, host, event_id }: DecisionRecord): string {
  if (service === '') return oneLine(event_id);
  return oneLine(host === undefined ? service : `${service} ${host}`);
}

function colorOf(kind: Decision['kind'], paint: Paint): (text: string) => string {
  switch (kind) {
    case 'remediate':
      return paint.green;
    case 'escalate':
      return paint.red;
    case 'notify_only':
      return paint.yellow;
    case 'suppress':
      return paint.dim;
  }
}

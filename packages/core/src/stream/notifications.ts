import { describeDecision } from '../decision/decision.ts';
import type { DecisionRecord } from '../decision/record.ts';
import type { Notification } from '../ports/notifier.ts';
import type { RunView } from '../ports/workflow-engine.ts';

/** Group of those who look after Lazarus itself, for events that name no team. */
const DEFAULT_GROUP = 'lazarus';

/** What people are told about a decision; nothing for what was suppressed. */
export function notificationOf(record: DecisionRecord): readonly Notification[] {
  const kind = kindOf(record);
  if (kind === undefined) return [];
  const subject = record.host === undefined ? record.service : `${record.service} ${record.host}`;
  return [
    {
      kind,
      group: record.notification_group ?? DEFAULT_GROUP,
      service: record.service,
      eventId: record.event_id,
      ...(record.decision_id === undefined ? {} : { decisionId: record.decision_id }),
      text: `${subject}: ${describeDecision(record.decision)}`,
    },
  ];
}

function kindOf({ decision }: DecisionRecord): Notification['kind'] | undefined {
  switch (decision.kind) {
    case 'remediate':
      return 'acknowledged';
    case 'escalate':
      return 'escalated';
    case 'notify_only':
      return decision.would === 'remediate' ? 'would_have_remediated' : 'notify_only';
    case 'suppress':
      return undefined;
  }
}

/** What people are told about the end of a run. */
export function notificationOfRun(run: RunView): readonly Notification[] {
  const resolved = run.status === 'succeeded';
  const problem = run.error === undefined ? '' : `: ${run.error.step ?? 'run'} ${run.error.message}`;
  return [
    {
      kind: resolved ? 'resolved' : 'escalated',
      group: DEFAULT_GROUP,
      service: run.service,
      decisionId: run.run_id,
      text: `${run.service}: run ${run.run_id.slice(0, 12)} of ${run.workflow} ${run.status}${problem}`,
    },
  ];
}

import type { EffectiveRule, Snapshot } from '../config/snapshot.ts';
import { parseEvent } from '../events/parse-event.ts';
import type { LazarusEvent } from '../events/event.ts';
import type { LockTarget } from '../ports/locks.ts';
import type { RunRequest } from '../ports/workflow-engine.ts';
import type { DecisionRecord } from './record.ts';

/** What a run is asked for with: what the ladder has established. */
export interface RunParts {
  readonly runId: string;
  readonly event: LazarusEvent;
  readonly rule: EffectiveRule & { readonly workflow: NonNullable<EffectiveRule['workflow']> };
  readonly configDigest: string;
  readonly lock: LockTarget;
  readonly hostId: string | undefined;
  readonly incidentKey: string | undefined;
}

/** What the engine is asked for: the last gate submits it, and a dry run is told of the very same. */
export function runRequest(parts: RunParts): RunRequest {
  const { runId, event, rule, configDigest, lock, hostId, incidentKey } = parts;
  const { workflow, notificationGroup } = rule;
  return {
    runId,
    workflow: workflow.name,
    ...(workflow.digest === undefined ? {} : { workflowDigest: workflow.digest }),
    inputs: workflow.inputs,
    event,
    rule: rule.name,
    configDigest,
    service: event.service,
    lock,
    timeoutMs: workflow.timeoutMs,
    ...(hostId === undefined ? {} : { hostId }),
    ...(incidentKey === undefined ? {} : { incidentKey }),
    ...(notificationGroup === undefined ? {} : { notificationGroup }),
  };
}

/**
 * The run that a decision would have asked for if every gate had let it pass and its rule were in mode `act`; `undefined`
 * when no rule with a workflow is about the event. It is for a dry run and nothing else: what the walk did not find out
 * has a name in angle brackets in place of its value, and nobody has agreed to it. Keeps S13.
 *
 * @param record - What was decided, also when a gate stopped it.
 * @param snapshot - The configuration that the rule is looked up in.
 */
export function supposedRun(record: DecisionRecord, snapshot: Snapshot): RunRequest | undefined {
  const parsed = parseEvent(record.event);
  if (!parsed.ok) return undefined;
  const { event } = parsed;
  const rule = ruleOf(record, event, snapshot);
  if (rule?.workflow === undefined) return undefined;
  const { service, host } = event;
  const hostId = record.incarnation?.instanceId ?? (host === undefined ? undefined : `<id of ${host}>`);
  const isHost = rule.lock.type === 'host' && hostId !== undefined;
  return runRequest({
    runId: record.decision_id ?? '<decision id>',
    event,
    rule: { ...rule, workflow: rule.workflow },
    configDigest: snapshot.digest,
    lock: isHost ? { kind: 'host', service, host: hostId } : { kind: 'service', service },
    hostId,
    incidentKey: event.incident_key,
  });
}

/** The rule of the record, or the one that a gate before the sixth kept it from coming to. */
function ruleOf(
  { rule }: DecisionRecord,
  event: LazarusEvent,
  snapshot: Snapshot,
): EffectiveRule | undefined {
  if (rule !== undefined) return snapshot.rule(rule, event);
  const match = snapshot.match(event);
  return match.matched ? match.rule : undefined;
}

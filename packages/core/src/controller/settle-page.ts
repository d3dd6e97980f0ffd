import type { Decision } from '../decision/decision.ts';
import type { PageRecord } from '../decision/record.ts';
import type { Walk } from '../decision/walk.ts';
import { describeError } from '../errors/lazarus-error.ts';
import type { Answer } from '../ports/answer.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import { whenAnswered } from '../time/answered.ts';
import { withinDeadline } from '../time/within-deadline.ts';
import type { EscalateOnce } from './escalate-once.ts';

/** Longest wait for the pager when a page is handed on; after that it escalates by itself. */
const ESCALATE_TIMEOUT_MS = 5_000;
/** Longest wait for the audit log to say whether the page is ours; after that the event is delivered again. */
const AUDIT_TIMEOUT_MS = 10_000;

/**
 * Does to the page what the decision asks for. Escalating needs no successful call as long as nobody acknowledged the
 * page: it escalates by itself, and a failure ends in `left_alone`. A page that this event acknowledged before a crash is
 * another matter: then the call must succeed, or the event is delivered again. Keeps S10.
 *
 * @throws PortError `LZ_PAGER_UNAVAILABLE` when an acknowledged page could not be handed on.
 */
export function settlePage(
  walk: Walk,
  decision: Decision,
  ports: { readonly pager: Pick<EscalateOnce, 'handOn'>; readonly audit: Pick<AuditLog, 'byEvent'> },
): Answer<PageRecord> {
  if (decision.kind === 'remediate')
    return walk.resumes?.page ?? walk.page ?? { action: 'none', detail: 'the event names no page' };
  const incidentKey = walk.namedPage;
  if (incidentKey === undefined) return { action: 'none', detail: 'the event names no page' };
  const earlier = withinDeadline(walk.reads.clock, AUDIT_TIMEOUT_MS, undefined, () =>
    ports.audit.byEvent(walk.eventId),
  );
  return whenAnswered(earlier, (found) => {
    const isOurs = found !== undefined && !found.terminal;
    const wanted = wantedFor(decision);
    const isLeft = wanted.action === 'follows' || (wanted.action === 'left_alone' && !isOurs);
    if (isLeft) return { incident_key: incidentKey, ...wanted };
    return handOn(walk, incidentKey, wanted.detail, ports.pager, isOurs);
  });
}

function wantedFor(
  decision: Exclude<Decision, { kind: 'remediate' }>,
): Pick<PageRecord, 'action' | 'detail'> {
  switch (decision.kind) {
    case 'escalate':
      return { action: 'escalated', detail: `${decision.reason}: ${decision.detail}` };
    case 'notify_only':
      return decision.reason === 'rule'
        ? { action: 'escalated', detail: decision.detail }
        : { action: 'left_alone', detail: 'mode notify touches no page: it escalates by itself' };
    case 'suppress':
      if (decision.run_id !== undefined)
        return { action: 'follows', detail: `follows run ${decision.run_id.slice(0, 12)}` };
      return decision.reason === 'attached'
        ? { action: 'escalated', detail: decision.detail }
        : { action: 'left_alone', detail: `${decision.reason}: it escalates by itself` };
  }
}

async function handOn(
  walk: Walk,
  incidentKey: string,
  reason: string,
  pager: Pick<EscalateOnce, 'handOn'>,
  isOurs: boolean,
): Promise<PageRecord> {
  try {
    const result = await withinDeadline(walk.reads.clock, ESCALATE_TIMEOUT_MS, undefined, (call) =>
      pager.handOn({
        eventId: walk.eventId,
        isOurs,
        call: {
          incidentKey,
          reason,
          get signal() {
            return call.signal;
          },
        },
      }),
    );
    if (result.done) return { incident_key: incidentKey, action: 'escalated', detail: reason };
    const detail = `${result.reason.replaceAll('_', ' ')}; ${reason}`;
    return { incident_key: incidentKey, action: 'left_alone', detail };
  } catch (error) {
    if (isOurs) throw error;
    walk.reads.log.warn('the pager did not take an escalation; the page escalates by itself', {
      incident_key: incidentKey,
      error: describeError(error),
    });
    const detail = `the pager did not answer, the page escalates by itself; ${reason}`;
    return { incident_key: incidentKey, action: 'left_alone', detail };
  }
}

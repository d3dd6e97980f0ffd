/** Gate 14: is the page ours in time? The intent is durable before the page is taken. Keeps S10. */
import { describeError } from '../../errors/lazarus-error.ts';
import type { PageResult } from '../../ports/pager.ts';
import { withinDeadline } from '../../time/within-deadline.ts';
import { escalate, pass } from '../gate-outcome.ts';
import type { GateOutcome, Stopped } from '../gate-outcome.ts';
import { seconds } from '../phrases.ts';
import type { PageRecord } from '../record.ts';
import { isDry, known, remainingMs, slackMs } from '../walk.ts';
import type { Walk } from '../walk.ts';
import { recordOf } from '../write-record.ts';
import { lockLost, remediation } from './run.ts';

const PAGE_RETRY_MS = 500;

/** Gate 14. */
export async function acknowledge(walk: Walk): Promise<GateOutcome> {
  const leftMs = slackMs(walk);
  const evidence = { left_ms: leftMs };
  const tooLate = lateOrLockLost(walk);
  if (tooLate !== undefined) return tooLate;
  if (isDry(walk)) return pass('the page would be acknowledged', evidence);
  const incidentKey = walk.namedPage;
  const page: PageRecord =
    incidentKey === undefined
      ? { action: 'none', detail: 'the event names no page' }
      : { incident_key: incidentKey, action: 'acknowledged', detail: 'taken by Lazarus' };
  try {
    // S10: durable first, so that a crash right after the acknowledgement still ends in resolved or escalated.
    const { audit } = known(walk.effects);
    await withinDeadline(walk.reads.clock, leftMs, walk.signal, () =>
      audit.commitIntent(recordOf(walk, remediation(walk), page)),
    );
  } catch (error) {
    return auditUnavailable(error);
  }
  // L3, S4: writing it may have taken as long as the pager waits, or longer than the lock was held.
  const lateNow = lateOrLockLost(walk);
  if (lateNow !== undefined) return lateNow;
  const refused = incidentKey === undefined ? undefined : await acknowledgePage(walk, incidentKey);
  if (refused !== undefined) return refused;
  walk.page = page;
  if (incidentKey === undefined) return pass(page.detail, evidence);
  return pass(`page ${incidentKey} is ours, ${seconds(leftMs)} left`, evidence);
}

function auditUnavailable(error: unknown): Stopped {
  const detail = describeError(error);
  return escalate('audit_unavailable', `nothing is done without a durable record: ${detail}`, {
    error: detail,
  });
}

/** No time is left, or the lock that was taken in gate 11 is no longer ours. Keeps S4. */
function lateOrLockLost(walk: Walk): Stopped | undefined {
  const leftMs = slackMs(walk);
  if (leftMs > 0) return lockLost(walk);
  const detail = 'too late to acknowledge: the page escalates by itself';
  return escalate('deadline_passed', detail, { left_ms: 0, late_ms: -leftMs });
}

/** Acknowledges, looking again for a page that is opened a little after the event. */
async function acknowledgePage(walk: Walk, incidentKey: string): Promise<Stopped | undefined> {
  const { clock } = walk.reads;
  const { pager } = known(walk.effects);
  const untilMs = clock.monotonic() + Math.min(walk.settings.pageLookupMs, remainingMs(walk));
  for (;;) {
    let result: PageResult;
    try {
      result = await withinDeadline(clock, Math.max(1, remainingMs(walk)), walk.signal, (call) =>
        pager.acknowledge({ incidentKey, signal: call.signal }),
      );
    } catch (error) {
      const detail = describeError(error);
      const reason = `the pager did not take the acknowledgement: ${detail}`;
      return escalate('pager_refused', reason, { incident_key: incidentKey, error: detail });
    }
    if (result.done) return undefined;
    if (result.reason !== 'not_found' || clock.monotonic() >= untilMs) return notOurs(incidentKey, result);
    await clock.sleep(PAGE_RETRY_MS, { signal: walk.signal });
  }
}

/** The page is not ours to take. */
function notOurs(
  incidentKey: string,
  { reason, page }: Extract<PageResult, { readonly done: false }>,
): Stopped {
  const status = page === undefined ? '' : ` (${page.status})`;
  return escalate('pager_refused', `page ${incidentKey}: ${reason.replaceAll('_', ' ')}${status}`, {
    incident_key: incidentKey,
    refused: reason,
    page_status: page?.status ?? null,
  });
}

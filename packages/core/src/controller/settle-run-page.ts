import { describeError } from '../errors/lazarus-error.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Pager, PageResult } from '../ports/pager.ts';
import type { RunView } from '../ports/workflow-engine.ts';
import { withTimeout } from '../time/with-timeout.ts';
import type { Ending } from './handler-run-view.ts';

const TRIES = 3;
const RETRY_MS = 1_000;
const CALL_TIMEOUT_MS = 5_000;

interface PagePorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly pager: Pager;
}

/**
 * Ends the page of a run: resolved after a success, escalated otherwise, and escalated as well when it could not be
 * resolved. Never rejects; a pager that takes nothing leaves the page alone, and it escalates by itself. Keeps S10.
 */
export async function settleRunPage(
  run: RunView,
  ending: Ending,
  ports: PagePorts,
): Promise<NonNullable<RunView['page']>> {
  const { incident_key: incidentKey, run_id: runId } = run;
  if (incidentKey === undefined) return 'left_alone';
  const name = `run ${runId.slice(0, 12)}`;
  let reason = `${name} ${ending.status}: ${ending.error?.message ?? ''}`;
  if (ending.status === 'succeeded') {
    const note = `${name} succeeded`;
    const resolved = await insist(ports, (signal) => ports.pager.resolve({ incidentKey, note, signal }));
    // A person who took or closed the page has it.
    if (resolved !== undefined) return resolved.done ? 'resolved' : 'left_alone';
    reason = `${name} succeeded, but the page could not be resolved`;
  }
  const escalated = await insist(ports, (signal) => ports.pager.escalate({ incidentKey, reason, signal }));
  return escalated?.done === true ? 'escalated' : 'left_alone';
}

/** Tries several times; `undefined` when the pager never answered. */
async function insist(
  { clock, log }: PagePorts,
  call: (signal: AbortSignal) => Promise<PageResult>,
): Promise<PageResult | undefined> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await withTimeout(clock, CALL_TIMEOUT_MS, undefined, call);
    } catch (error) {
      log.warn('the pager did not answer at the end of a run', { tried, error: describeError(error) });
    }
    if (tried === TRIES) return undefined;
    await clock.sleep(RETRY_MS);
  }
}

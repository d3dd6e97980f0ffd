/**
 * The way out that needs nothing: no journal, no lock, no expression and no answer from anybody else. Keeps S10.
 *
 * 1. The page is escalated first; whatever else tells people goes out beside it and holds nothing up.
 * 2. Each try has its own time, so that a pager that hangs is asked again; it is asked for as long as the pages of a run
 *    may wait for a human.
 * 3. Escalating twice is harmless, so a run that is found broken again calls again.
 */
import { describeError } from '@lazarus/core';
import type { Clock, Logger, PageResult, RunRequest, RunView } from '@lazarus/core/ports';
import { isTimeout, withTimeout } from '@lazarus/core/time';
import type { ActionPorts } from '../actions/action.ts';

/** What calling for help needs; the pager and the notifier may be missing or broken. */
export interface HelpPorts {
  readonly ports: Pick<ActionPorts, 'pager' | 'notifier'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends the tries: the process is closing. */
  readonly signal: AbortSignal;
}

const TRY_MS = 5_000;
const TRIES = 10;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const MAX_TEXT = 500;

/** What became of a call for help. */
export interface HelpAnswer {
  readonly page: NonNullable<RunView['page']>;
  /** False when the run names a page and the pager never answered: nobody knows whether anybody was woken. */
  readonly isAnswered: boolean;
}

/** Wakes a human about a run that cannot go on; says how its page ended. Never rejects. */
export async function callForHelp(
  request: RunRequest,
  reason: string,
  help: HelpPorts,
): Promise<NonNullable<RunView['page']>> {
  return (await askForHelp(request, reason, help)).page;
}

/** As {@link callForHelp}, for whoever can call again: a pager that said no is told apart from one that never answered. */
export async function askForHelp(request: RunRequest, reason: string, help: HelpPorts): Promise<HelpAnswer> {
  const text = `run ${request.runId.slice(0, 12)} of ${request.workflow} cannot go on: ${reason}`.slice(
    0,
    MAX_TEXT,
  );
  const escalated = escalate(request, text, help);
  const told = tell(request, text, help);
  const [answer] = await Promise.all([escalated, told]);
  return answer;
}

async function escalate({ incidentKey }: RunRequest, text: string, help: HelpPorts): Promise<HelpAnswer> {
  const { pager } = help.ports;
  if (incidentKey === undefined || pager === undefined) return { page: 'left_alone', isAnswered: true };
  const result = await insist<PageResult>(
    'a page was not escalated; it escalates by itself',
    help,
    (signal) => pager.escalate({ incidentKey, reason: text, note: text, signal }),
  );
  return { page: result?.done === true ? 'escalated' : 'left_alone', isAnswered: result !== undefined };
}

async function tell(request: RunRequest, text: string, help: HelpPorts): Promise<void> {
  const { notifier } = help.ports;
  const { notificationGroup: group, service, runId } = request;
  if (group === undefined || notifier === undefined) return;
  await insist('an alarm was not delivered', help, (signal) =>
    notifier.send({ kind: 'alarm', group, service, decisionId: runId, text }, { signal }),
  );
}

async function insist<T>(
  message: string,
  { clock, log, signal }: HelpPorts,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  let pauseMs = FIRST_PAUSE_MS;
  for (let tries = 1; !signal.aborted; tries += 1) {
    try {
      return await withTimeout(clock, TRY_MS, signal, call);
    } catch (error) {
      log.error(message, { tries, hung: isTimeout(error), error: describeError(error) });
      if (tries >= TRIES) break;
    }
    await clock.sleep(pauseMs, { signal }).catch(() => undefined);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
  return undefined;
}

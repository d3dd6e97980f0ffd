import { PortError } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import { messageOf } from './restate-servers.ts';
import type { Answer } from './restate-servers.ts';

/** A run that Restate ended by itself: somebody killed it there, or it was refused. */
export interface KilledRun {
  /** What Restate says about it. */
  readonly killed: string;
}

/** What became of a run: its final view, that it goes on, that Restate ended it, or that Restate does not have it. */
export type RunOutcome = RunView | 'running' | KilledRun | undefined;

const NOT_READY = 470;

/** Reads the answer to a look at a run. @throws PortError `LZ_JOURNAL_UNAVAILABLE`. */
export function outcomeOf(answer: Answer): RunOutcome {
  if (answer.status === 200) return answer.body as RunView;
  if (answer.status === NOT_READY) return 'running';
  if (answer.status === 404) return undefined;
  if (isOfInvocation(answer)) return { killed: `${answer.status} ${messageOf(answer)}` };
  throw refused('a look at a run', answer);
}

export function isKilled(outcome: RunOutcome): outcome is KilledRun {
  return typeof outcome === 'object' && 'killed' in outcome;
}

/** The status is that of the run, not of the server. */
export function isOfInvocation({ body }: Answer): boolean {
  return (body as { readonly source?: unknown } | null)?.source === 'invocation';
}

/** A server said no; whether asking again may help is for the status to say. */
export const refused = (what: string, answer: Answer): PortError =>
  new PortError({
    code: 'LZ_JOURNAL_UNAVAILABLE',
    message: `${answer.url} did not accept ${what}: ${answer.status} ${messageOf(answer)}`,
    retryable: answer.status >= 500 || answer.status === 429,
  });

import { parseEvent } from '@lazarus/core';
import type { Issue, LazarusEvent } from '@lazarus/core';
import type { EventTypes } from '@lazarus/core/config';
import { didYouMean } from '@lazarus/core/documents';
import type { Reading } from '../reading.ts';
import type { Candidates } from './candidates.ts';

/** One event that was judged: it can go into the stream, or there is a reason why it does not. */
export type Judged = AcceptedEvent | Exclude<Reading, { readonly event: LazarusEvent }>;

/** An event that fits, and what its sender should know all the same. */
export interface AcceptedEvent {
  readonly event: LazarusEvent;
  readonly warnings: readonly Issue[];
}

/** How strictly to judge. */
export interface JudgeOptions {
  readonly types: EventTypes;
  readonly knownTypesOnly: boolean;
}

/** Judges what a request carries. Positions of issues are those of the body that was sent. */
export function judgeCandidate(candidate: Candidates['items'][number], options: JudgeOptions): Judged {
  if ('invalid' in candidate) return candidate;
  const { payload, pathOf = (path: string) => path } = candidate;
  const parsed = parseEvent(payload, options);
  if (!parsed.ok) return { invalid: parsed.issues.map((issue) => ({ ...issue, path: pathOf(issue.path) })) };
  return accept(parsed.event, options.types, pathOf);
}

/** Judges what an adapter read: it is held to the same rules as everybody. */
export function judgeReading(reading: Reading, options: JudgeOptions): Judged {
  if (!('event' in reading)) return reading;
  const parsed = parseEvent(reading.event, options);
  return parsed.ok ? accept(parsed.event, options.types) : { invalid: parsed.issues };
}

function accept(
  event: LazarusEvent,
  types: EventTypes,
  pathOf = (path: string): string => path,
): AcceptedEvent {
  if (types.find(event.event_type) !== undefined) return { event, warnings: [] };
  const hint = didYouMean(event.event_type, types.names);
  const message = 'is no registered event type; only a rule that names it will match';
  return {
    event,
    warnings: [{ path: pathOf('event_type'), message, ...(hint === undefined ? {} : { hint }) }],
  };
}

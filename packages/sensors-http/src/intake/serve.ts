import type { Logger, Meter } from '@lazarus/core/ports';
import { RETRY_AFTER_SECONDS, problemResponse } from '../problem.ts';
import type { IntakeProblem } from '../problem.ts';
import type { Admission } from '../access/admission.ts';
import { readBytes } from './body.ts';
import type { Read } from './body.ts';
import type { Deposit, Deposits } from './deposits.ts';
import type { Judged } from './judge.ts';
import { verdictResponse } from './verdicts.ts';
import type { Verdict } from './verdicts.ts';

/** One way in: who may use it, what it can read, how it reads it. */
export interface Entrance {
  /** For metrics: `events` or the name of an adapter. */
  readonly name: string;
  readonly maxBytes: number;
  readonly maxEvents: number;
  readonly admission: Admission;
  /** Answer when there is no room: 429, or 503 for senders that would give up on 429. */
  readonly busyCode: 'too_many_requests' | 'unavailable';
  readonly isReadable: (headers: Headers) => boolean;
  readonly read: (
    headers: Headers,
    body: Uint8Array,
  ) => Read<{ readonly items: readonly Judged[]; readonly isList: boolean }>;
}

/** What serving a request needs. */
export interface ServePorts {
  readonly deposits: Deposits;
  readonly log: Logger;
  readonly meter?: Meter | undefined;
}

/**
 * Serves one request in the order in which it can be refused most cheaply: credentials, media type, size, signature,
 * content, room, stream. Events only ever go to the stream.
 */
export async function serve(request: Request, entrance: Entrance, ports: ServePorts): Promise<Response> {
  const { headers } = request;
  const refused = entrance.admission.refuseByHeaders(headers) ?? refuseMediaType(entrance, headers);
  if (refused !== undefined) return problemResponse(refused);
  const body = await readBytes(request, entrance.maxBytes);
  if (!body.ok) return problemResponse(body.problem);
  const admitted = entrance.admission.admit(headers, body.value);
  if ('refusal' in admitted) return problemResponse(admitted.refusal);
  let response: Response | undefined;
  try {
    response = await answer(entrance, headers, body.value, ports);
    return response;
  } finally {
    if (response === undefined || response.status >= 429) admitted.undo();
  }
}

function refuseMediaType(entrance: Entrance, headers: Headers): IntakeProblem | undefined {
  if (entrance.isReadable(headers)) return undefined;
  const found = JSON.stringify((headers.get('content-type') ?? '').slice(0, 60));
  return { code: 'unsupported_media_type', message: `send application/json, found ${found}` };
}

async function answer(
  entrance: Entrance,
  headers: Headers,
  body: Uint8Array,
  { deposits, log, meter }: ServePorts,
): Promise<Response> {
  const read = entrance.read(headers, body);
  if (!read.ok) return problemResponse(read.problem);
  const { items, isList } = read.value;
  const events = items.flatMap((item) => ('event' in item ? [item.event] : []));
  if ((isList ? items : events).length > entrance.maxEvents) {
    const message = `found more than ${entrance.maxEvents} events, which is the most for one request`;
    return problemResponse({ code: 'too_large', message });
  }
  const outcomes = deposits.deposit(events);
  if (outcomes === undefined) {
    const message = 'too many deposits are under way';
    return problemResponse({ code: entrance.busyCode, message, retryAfterSeconds: RETRY_AFTER_SECONDS });
  }
  const verdicts = verdictsOf(items, await outcomes);
  for (const { status } of verdicts)
    meter?.count('lazarus_intake_events_total', { entrance: entrance.name, status });
  const invalid = verdicts.find((verdict) => verdict.status === 'invalid');
  // A monitoring system does not read the answer, so its operator looks here; one line a request is enough to find it.
  if (invalid !== undefined)
    log.warn('an event was refused', { entrance: entrance.name, issues: invalid.issues.slice(0, 3) });
  return verdictResponse(verdicts, isList);
}

/** One verdict for each item; `outcomes` are those of the items with an event, in the same order. */
function verdictsOf(items: readonly Judged[], outcomes: readonly Deposit[]): readonly Verdict[] {
  const rest = outcomes.values();
  return items.map((item, index): Verdict => {
    if ('ignored' in item) return { index, status: 'ignored', reason: item.ignored, detail: item.detail };
    if ('invalid' in item) return { index, status: 'invalid', issues: item.invalid };
    const outcome = rest.next().value;
    const id = outcome?.id ?? '';
    if (outcome?.done !== true) return { index, status: 'failed', id };
    return { index, status: 'accepted', id, ...(item.warnings.length > 0 && { warnings: item.warnings }) };
  });
}

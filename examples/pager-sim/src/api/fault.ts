import { z } from 'zod';

/** Names of the operations, for faults and for the call counters. */
export const OPERATIONS = [
  'enqueue',
  'list_incidents',
  'get_incident',
  'update_incidents',
  'update_incident',
  'create_note',
  'list_notes',
  'list_log_entries',
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** A fault as `POST /_sim/faults` takes it: which calls of which operation, and what happens to them. */
export const faultOrder = z
  .strictObject({
    /** `*` means every operation. */
    operation: z.enum([...OPERATIONS, '*']),
    /** The first call it hits, counted from now; 1 is the next one. */
    on_call: z.number().int().min(1).default(1),
    times: z.union([z.number().int().min(1), z.literal('always')]).default(1),
    /** Answers with this status; nothing happens. */
    status: z.number().int().min(400).max(599).optional(),
    /** With status 429: seconds in the header `ratelimit-reset`; without it the header is absent. */
    ratelimit_reset: z.number().int().min(0).optional(),
    /** Body of the answer, of any type, in place of the usual error document. */
    body: z.string().optional(),
    /** Waits before the call takes effect. */
    delay_ms: z.number().int().min(0).max(600_000).optional(),
    /** The call takes effect, then the connection is cut instead of a reply. */
    drop_reply: z.boolean().optional(),
    /** Never answers: without the effect, or with it. */
    hang: z.enum(['before_effect', 'after_effect']).optional(),
  })
  .refine(
    ({ status, delay_ms, drop_reply, hang }) =>
      [status, delay_ms, drop_reply, hang].some((effect) => effect !== undefined),
    'a fault needs at least one effect: status, delay_ms, drop_reply, hang',
  );

export type FaultOrder = z.input<typeof faultOrder>;
export type FaultEffects = Partial<Omit<z.output<typeof faultOrder>, 'operation' | 'on_call' | 'times'>>;

export interface Fault {
  readonly id: number;
  readonly order: z.output<typeof faultOrder>;
  /** Calls of its operation since it was posted. */
  readonly seen: number;
}

/** Which faults a call of `operation` meets, and the faults with their new counts. */
export function countCall(
  faults: readonly Fault[],
  operation: Operation,
): { faults: Fault[]; effects: FaultEffects } {
  let met: FaultEffects = {};
  const counted = faults.map((fault) => {
    const { operation: wanted, on_call, times, ...effects } = fault.order;
    if (wanted !== operation && wanted !== '*') return fault;
    const seen = fault.seen + 1;
    const end = times === 'always' ? Number.POSITIVE_INFINITY : on_call + times;
    if (seen >= on_call && seen < end) met = { ...met, ...effects };
    return { ...fault, seen };
  });
  return { faults: counted, effects: met };
}

/** The faults in force and the counts of all calls. */
export class FaultList {
  #faults: Fault[] = [];
  #lastId = 0;
  readonly #calls: Record<string, number> = {};

  /** @throws ZodError when the order is malformed. */
  add(order: unknown): Fault {
    const fault: Fault = { id: ++this.#lastId, order: faultOrder.parse(order), seen: 0 };
    this.#faults.push(fault);
    return fault;
  }

  list(): readonly Fault[] {
    return this.#faults;
  }

  clear(): void {
    this.#faults = [];
  }

  calls(): Record<string, number> {
    return { ...this.#calls };
  }

  /** Counts a call and tells what happens to it. */
  take(operation: Operation): FaultEffects {
    this.#calls[operation] = (this.#calls[operation] ?? 0) + 1;
    const { faults, effects } = countCall(this.#faults, operation);
    this.#faults = faults;
    return effects;
  }
}

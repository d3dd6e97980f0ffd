import { z } from 'zod';

/** What an injected fault does to a call. Several can be joined in one fault. */
const effects = {
  /** Refuses the call with this error; nothing happens. */
  error: z
    .strictObject({
      code: z.string().min(1),
      status: z.number().int().min(400).max(599).default(400),
      message: z.string().optional(),
    })
    .optional(),
  /** Waits before the call takes effect. */
  delay_ms: z.number().int().min(0).max(600_000).optional(),
  /** The call takes effect, then the connection is cut instead of a reply. */
  drop_reply: z.boolean().optional(),
  /** Describe calls see the region as it was this long ago. */
  describe_lag_ms: z.number().int().min(0).optional(),
  /** RunInstances: the instances never leave `pending`. */
  stuck_pending: z.boolean().optional(),
  /** RunInstances: the hosts answer unhealthy from the start. */
  boots_unhealthy: z.boolean().optional(),
  /** DeregisterTargets: the targets drain this long. */
  drain_ms: z.number().int().min(0).optional(),
};

/** A fault as `POST /_sim/faults` takes it: an action of the API, which of its calls, and what happens to them. */
export const faultOrder = z
  .strictObject({
    /** Name of the action, such as RunInstances; `*` means every action. */
    action: z.string().min(1),
    /** The first call it hits, counted from now; 1 is the next one. The SDK's own retries count. */
    on_call: z.number().int().min(1).default(1),
    /** How many calls it hits from there on. */
    times: z.union([z.number().int().min(1), z.literal('always')]).default(1),
    ...effects,
  })
  .refine(
    (order) => Object.keys(effects).some((effect) => order[effect as keyof typeof effects] !== undefined),
    `a fault needs at least one effect: ${Object.keys(effects).join(', ')}`,
  );

export type FaultOrder = z.input<typeof faultOrder>;

/** What all faults that hit one call do together. */
export type FaultEffects = Partial<Pick<z.output<typeof faultOrder>, keyof typeof effects>>;

/** A fault in force, with the number of matching calls seen so far. */
export interface Fault {
  readonly id: number;
  readonly order: z.output<typeof faultOrder>;
  readonly seen: number;
}

/** The faults in force; every call of the API passes through {@link FaultList.take}. */
export class FaultList {
  #faults: Fault[] = [];
  #lastId = 0;

  /** @throws z.ZodError when the order is malformed. */
  add(order: unknown): Fault {
    const fault: Fault = { id: ++this.#lastId, order: faultOrder.parse(order), seen: 0 };
    this.#faults.push(fault);
    return fault;
  }

  list(): readonly Fault[] {
    return this.#faults;
  }

  /** Withdraws one fault, or all. */
  clear(id?: number): void {
    this.#faults = id === undefined ? [] : this.#faults.filter((fault) => fault.id !== id);
  }

  /** Counts a call of `action` and tells what happens to it. */
  take(action: string): FaultEffects {
    const hits = countCall(this.#faults, action);
    this.#faults = hits.faults;
    return hits.effects;
  }
}

/** Pure core of the list: which faults a call of `action` meets, and the faults with their new counts. */
export function countCall(
  faults: readonly Fault[],
  action: string,
): { faults: Fault[]; effects: FaultEffects } {
  let met: FaultEffects = {};
  const counted = faults.map((fault) => {
    const { order } = fault;
    if (order.action !== action && order.action !== '*') return fault;
    const seen = fault.seen + 1;
    const end = order.times === 'always' ? Number.POSITIVE_INFINITY : order.on_call + order.times;
    if (seen >= order.on_call && seen < end) met = { ...met, ...effectsOf(order) };
    return { ...fault, seen };
  });
  return { faults: counted, effects: met };
}

function effectsOf(order: z.output<typeof faultOrder>): FaultEffects {
  const names = Object.keys(effects).filter((name) => order[name as keyof typeof effects] !== undefined);
  return Object.fromEntries(names.map((name) => [name, order[name as keyof typeof effects]]));
}

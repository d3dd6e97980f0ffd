/** One record between its arrival and its end. */
export interface WindowRecord {
  readonly sequence: string;
  readonly data: Uint8Array;
  readonly arrivedAtMs: number | undefined;
}

/** A record that is being handled. */
export interface WindowEntry extends WindowRecord {
  /** How often it was given back. */
  readonly nacks: number;
}

interface Slot extends WindowRecord {
  nacks: number;
  state: 'waiting' | 'out' | 'done';
  /** Monotonic time before which it is not handed out again. */
  dueAtMs: number;
}

/**
 * The records of one shard in flight, in order. The checkpoint moves over the longest run of finished records from the
 * front: it never passes one that is not finished. Keeps S11.
 */
export interface ShardWindow {
  /** Records that are not finished, whether handed out or not. */
  readonly unfinished: number;
  /** Records that are handed out now. */
  readonly handedOut: number;
  /** Last sequence up to which everything is finished; `undefined` before the first one. */
  readonly checkpoint: string | undefined;
  /** Arrival of the oldest unfinished record, when it is known. */
  readonly oldestArrivalMs: number | undefined;
  add(records: readonly WindowRecord[]): void;
  /** Hands out up to `max` records that are due, oldest first. */
  take(max: number, nowMs: number): readonly WindowEntry[];
  /** Ends a record; false when it was not in flight. */
  finish(sequence: string): boolean;
  /** Takes a handed-out record back, to be due again at `dueAtMs`; returns how often that happened, 0 when it was not out. */
  giveBack(sequence: string, dueAtMs: number): number;
  /** Changes when a record that waits is handed out again. */
  postpone(sequence: string, dueAtMs: number): void;
}

/** Makes an empty window. */
export function createShardWindow(): ShardWindow {
  let slots: Slot[] = [];
  const bySequence = new Map<string, Slot>();
  let checkpoint: string | undefined;
  let handedOut = 0;

  const advance = (): void => {
    const stop = slots.findIndex((slot) => slot.state !== 'done');
    const done = stop < 0 ? slots : slots.slice(0, stop);
    checkpoint = done.at(-1)?.sequence ?? checkpoint;
    slots = stop < 0 ? [] : slots.slice(stop);
  };

  return {
    get unfinished() {
      return bySequence.size;
    },
    get handedOut() {
      return handedOut;
    },
    get checkpoint() {
      return checkpoint;
    },
    get oldestArrivalMs() {
      return slots[0]?.arrivedAtMs;
    },
    add: (records) => {
      for (const record of records) {
        const slot: Slot = { ...record, nacks: 0, state: 'waiting', dueAtMs: -Infinity };
        slots.push(slot);
        bySequence.set(record.sequence, slot);
      }
    },
    take: (max, nowMs) => {
      const due = slots.filter((slot) => slot.state === 'waiting' && slot.dueAtMs <= nowMs).slice(0, max);
      for (const slot of due) slot.state = 'out';
      handedOut += due.length;
      return due.map(({ sequence, data, arrivedAtMs, nacks }) => ({ sequence, data, arrivedAtMs, nacks }));
    },
    finish: (sequence) => {
      const slot = bySequence.get(sequence);
      if (slot === undefined) return false;
      if (slot.state === 'out') handedOut -= 1;
      slot.state = 'done';
      bySequence.delete(sequence);
      advance();
      return true;
    },
    giveBack: (sequence, dueAtMs) => {
      const slot = bySequence.get(sequence);
      if (slot?.state !== 'out') return 0;
      handedOut -= 1;
      slot.nacks += 1;
      slot.state = 'waiting';
      slot.dueAtMs = dueAtMs;
      return slot.nacks;
    },
    postpone: (sequence, dueAtMs) => {
      const slot = bySequence.get(sequence);
      if (slot?.state === 'waiting') slot.dueAtMs = dueAtMs;
    },
  };
}

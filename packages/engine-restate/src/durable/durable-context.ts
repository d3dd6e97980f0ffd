import type { Json } from '@lazarus/core/ports';

/** Something that will be durable once it has happened. */
export interface Durable {
  readonly name: string;
}

/** What {@link DurableContext.first} answers. */
export type First =
  | { readonly durable: Durable; readonly value: Json }
  /** The run was asked to stop. Each request is told once, whatever is waited for. */
  | 'canceled';

/**
 * The part of a Restate context that a run uses: the SDK's own, or one that only reads a recorded journal.
 *
 * 1. The calls of a run are the same, in the same order, each time it is repeated from its journal.
 * 2. A value is handed out only after it is durable.
 */
export interface DurableContext {
  /** Runs `body` unless its result is known; it must not throw. It starts when something is waited for. */
  run(name: string, body: () => Promise<Json>): Durable;
  /** A timer of the server; milliseconds from now. */
  sleep(name: string, ms: number): Durable;
  /** A value that somebody else gives the run. */
  promise(name: string): Durable;
  /** The same as it is now; null when nobody gave it. */
  peek(name: string): Durable;
  /** The first of them that happened; the same one on replay. */
  first(durables: readonly Durable[]): Promise<First>;
  /** Aborts when this execution is over, whether the run has ended or goes on elsewhere. */
  readonly ended: AbortSignal;
}

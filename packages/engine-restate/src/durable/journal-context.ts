import { InvariantError } from '@lazarus/core';
import type { Json } from '@lazarus/core/ports';
import type { Durable, DurableContext, First } from './durable-context.ts';

/** One line of the journal that Restate keeps of a run. */
export type RecordedEntry =
  | {
      readonly kind: 'command';
      readonly call: 'run' | 'sleep' | 'promise' | 'peek';
      readonly name: string;
      readonly id: number;
    }
  /** The run was asked to stop. */
  | { readonly kind: 'canceled' }
  /** The command with this id has happened. */
  | { readonly kind: 'completion'; readonly id: number; readonly value: Json };

interface Recorded extends Durable {
  readonly id: number | undefined;
}

/**
 * A context that repeats what a journal says and does nothing: it stands still where the journal ends. With it a run of
 * another process can be looked at, and a recorded journal shows whether the code still repeats itself.
 */
export class JournalContext implements DurableContext {
  readonly ended = new AbortController().signal;
  readonly #commands: readonly Extract<RecordedEntry, { kind: 'command' }>[];
  /** In the order in which they became durable, which decides every race. */
  readonly #happened: Exclude<RecordedEntry, { kind: 'command' }>[];
  readonly #known = new Map<number, Json>();
  #cursor = 0;
  #stop: () => void = () => undefined;
  /** Resolves when the run stands at the end of the journal. */
  readonly exhausted = new Promise<void>((resolve) => {
    this.#stop = resolve;
  });

  constructor(entries: readonly RecordedEntry[]) {
    this.#commands = entries.filter((entry) => entry.kind === 'command');
    this.#happened = entries.filter((entry) => entry.kind !== 'command');
  }

  run(name: string): Durable {
    return this.#next('run', name);
  }

  sleep(name: string): Durable {
    return this.#next('sleep', name);
  }

  promise(name: string): Durable {
    return this.#next('promise', name);
  }

  peek(name: string): Durable {
    return this.#next('peek', name);
  }

  async first(durables: readonly Durable[]): Promise<First> {
    const wanted = durables as readonly Recorded[];
    for (;;) {
      const durable = wanted.find(({ id }) => id !== undefined && this.#known.has(id));
      if (durable?.id !== undefined) return { durable, value: this.#known.get(durable.id) ?? null };
      const next = this.#happened.shift();
      if (next === undefined) break;
      if (next.kind === 'canceled') return 'canceled';
      this.#known.set(next.id, next.value);
    }
    this.#stop();
    return new Promise(() => undefined);
  }

  #next(call: 'run' | 'sleep' | 'promise' | 'peek', name: string): Recorded {
    const command = this.#commands[this.#cursor];
    if (command === undefined) return { name, id: undefined };
    if (command.call !== call || command.name !== name)
      throw new InvariantError({
        message: `the journal does not fit: found ${command.call} ${command.name}, expected ${call} ${name}`,
      });
    this.#cursor += 1;
    return { name, id: command.id };
  }
}

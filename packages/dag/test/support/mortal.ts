import type { ActionPorts, Journal } from '../../src/index.ts';

/** The life of a simulated process: it ends at one of its points, and from then on nothing that it does has an effect. */
export class Life {
  readonly #endAt: number;
  #points = 0;
  readonly trail: string[] = [];
  #isOver = false;

  /** @param endAt - number of the point at which it ends; `Infinity` lives on. */
  constructor(endAt: number) {
    this.#endAt = endAt;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get points(): number {
    return this.#points;
  }

  /** A place where the process can die: from there on it never comes back. */
  async point(name: string): Promise<void> {
    if (!this.#isOver) {
      this.#points += 1;
      this.trail.push(name);
      this.#isOver = this.#points >= this.#endAt;
    }
    if (this.#isOver) await new Promise(() => undefined);
  }
}

/** A journal whose process can die before and after each commit. */
export function mortalJournal(journal: Journal, life: Life): Journal {
  return new Proxy(journal, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== 'function') return member;
      if (key === 'close') return async () => undefined;
      return async (...args: unknown[]) => {
        if (life.isOver) await new Promise(() => undefined);
        const isWrite = key === 'commit';
        if (isWrite)
          await life.point(
            `before commit of ${(args[0] as readonly { kind: string }[]).map(({ kind }) => kind).join('+')}`,
          );
        const result: unknown = await Reflect.apply(member as (...all: unknown[]) => unknown, target, args);
        if (isWrite) await life.point('after commit');
        return result;
      };
    },
  });
}

/** Ports whose process can die before and after each call. */
export function mortalPorts(ports: ActionPorts, life: Life): ActionPorts {
  return Object.fromEntries(
    Object.entries(ports).map(([name, port]) => [name, mortalPort(name, port as object, life)]),
  );
}

function mortalPort(port: string, target: object, life: Life): object {
  return new Proxy(target, {
    get: (object, key) => {
      const member: unknown = Reflect.get(object, key);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]) => {
        await life.point(`before ${port}.${String(key)}`);
        const result: unknown = await Reflect.apply(member as (...all: unknown[]) => unknown, object, args);
        await life.point(`after ${port}.${String(key)}`);
        return result;
      };
    },
  });
}

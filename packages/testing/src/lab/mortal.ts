import type { Clock } from '@lazarus/core/ports';

/** Whether a simulated process lives. */
export interface Life {
  readonly isDead: boolean;
}

/** What a process that has died waits for. */
export const NEVER = new Promise<never>(() => undefined);

/** A promise that never settles when the process has died, and `promise` otherwise. */
export function whileAlive<T>(life: Life, promise: Promise<T> | T): Promise<T> {
  const settled = Promise.resolve(promise);
  if (life.isDead) {
    // Nobody is left who could handle its failure.
    settled.catch(() => undefined);
    return NEVER;
  }
  return settled.then(
    (value) => (life.isDead ? NEVER : value),
    (error: unknown) => (life.isDead ? NEVER : Promise.reject(error as Error)),
  );
}

/**
 * A port as a process has it that can die: nothing that it calls afterwards has an effect, and what it waits for never
 * comes. `alive` names methods that answer all the same, such as `close`.
 */
export function mortalPort<T extends object>(port: T, life: Life, alive: readonly string[] = []): T {
  const methods = new Map<string | symbol, { readonly of: unknown; readonly mortal: unknown }>();
  return new Proxy(port, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== 'function') return member;
      const known = methods.get(key);
      if (known?.of === member) return known.mortal;
      const mortal = alive.includes(String(key))
        ? (...args: unknown[]): unknown => Reflect.apply(member, target, args)
        : (...args: unknown[]): unknown => {
            if (life.isDead) return NEVER;
            const result: unknown = Reflect.apply(member, target, args);
            return result instanceof Promise ? whileAlive(life, result) : result;
          };
      methods.set(key, { of: member, mortal });
      return mortal;
    },
  });
}

/** A clock whose sleeps never end in a process that has died; the time goes on. */
export function mortalClock(clock: Clock, life: Life): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    sleep: (ms, options) => whileAlive(life, clock.sleep(ms, options)),
  };
}

/** One call of a recorded port. */
export interface RecordedCall {
  readonly port: string;
  readonly method: string;
  readonly args: readonly unknown[];
  /** `pending` until a promise settles. */
  outcome: 'pending' | 'returned' | 'threw';
  /** What was returned (or what the promise resolved to), or what was thrown. */
  value: unknown;
}

/** A port whose whole conversation is kept. */
export interface Recorder<T extends object> {
  /** The same port; give this one to the code under test. */
  readonly port: T;
  readonly calls: readonly RecordedCall[];
  /** The conversation as a table: one `port.method` per call, in order. */
  names(): readonly string[];
}

/**
 * Wraps a port so that every call is logged, in order, with its arguments and its outcome. Pass the same `calls` array to
 * several recorders to get one conversation over all ports; a dry run is proven by its silence.
 */
export function createRecorder<T extends object>(
  port: T,
  options: { readonly name?: string; readonly calls?: RecordedCall[] } = {},
): Recorder<T> {
  const calls = options.calls ?? [];
  const name = options.name ?? 'port';
  const recorded = new Proxy(port, {
    get: (target, key, receiver) => {
      const member: unknown = Reflect.get(target, key, receiver);
      if (typeof member !== 'function' || typeof key !== 'string') return member;
      return (...args: unknown[]): unknown => {
        const call: RecordedCall = { port: name, method: key, args, outcome: 'pending', value: undefined };
        calls.push(call);
        return record(call, () => Reflect.apply(member, target, args) as unknown);
      };
    },
  });
  return { port: recorded, calls, names: () => calls.map((call) => `${call.port}.${call.method}`) };
}

function record(call: RecordedCall, run: () => unknown): unknown {
  const settle = (outcome: 'returned' | 'threw', value: unknown): void => {
    call.outcome = outcome;
    call.value = value;
  };
  try {
    const result = run();
    if (!(result instanceof Promise)) {
      settle('returned', result);
      return result;
    }
    return result.then(
      (value: unknown) => {
        settle('returned', value);
        return value;
      },
      (error: unknown) => {
        settle('threw', error);
        throw error;
      },
    );
  } catch (error) {
    settle('threw', error);
    throw error;
  }
}

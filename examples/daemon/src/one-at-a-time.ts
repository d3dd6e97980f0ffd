/**
 * Runs one at a time what may be asked for at any time. Who asks while one runs gets one that begins after it; all who ask
 * until then share that one, because it begins after each of them asked. So the last one asked for is the last to read.
 */
export function oneAtATime<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> | undefined;
  let waiting: Promise<T> | undefined;

  function begin(): Promise<T> {
    const mine = work().finally(() => {
      if (running === mine) running = undefined;
    });
    running = mine;
    return mine;
  }

  function beginNext(): Promise<T> {
    waiting = undefined;
    return begin();
  }

  return () => {
    if (waiting !== undefined) return waiting;
    if (running === undefined) return begin();
    waiting = running.then(beginNext, beginNext);
    return waiting;
  };
}

/** Measures contestants side by side: rounds of all of them in turn, the order turning with the round. */

export const quantile = (numbers, share) =>
  [...numbers].sort((left, right) => left - right)[Math.floor(numbers.length * share)];

export const round = (number) => Number(number.toPrecision(3));

/** Keeps results alive, so that nothing measured is thrown away by the compiler. */
export const sink = { sum: 0 };

/**
 * Nanoseconds per call: many short rounds, of which the fastest tenth counts, because other programs on the machine can
 * only ever make a round slower.
 */
export async function race(contestants, { rounds = 101, targetMs = 2 } = {}) {
  const names = Object.keys(contestants);
  const calls = {};
  for (const name of names) {
    let count = 1;
    for (;;) {
      const elapsedMs = await timed(contestants[name], count);
      if (elapsedMs > targetMs / 4) {
        calls[name] = Math.max(1, Math.round((count * targetMs) / elapsedMs));
        break;
      }
      count *= 4;
    }
  }
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let turn = 0; turn < rounds * names.length; turn += 1) {
    const name = names[(turn + Math.floor(turn / names.length)) % names.length];
    times[name].push(((await timed(contestants[name], calls[name])) * 1e6) / calls[name]);
  }
  return Object.fromEntries(names.map((name) => [name, quantile(times[name], 0.1)]));
}

async function timed(run, count) {
  const started = performance.now();
  if (run.constructor.name === 'AsyncFunction')
    for (let at = 0; at < count; at += 1) sink.sum += await run(at);
  else for (let at = 0; at < count; at += 1) sink.sum += run(at);
  return performance.now() - started;
}

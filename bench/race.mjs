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
export async function race(contestants, options) {
  const times = await rounds(contestants, options);
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, quantile(list, 0.1)]));
}

/** Nanoseconds per call of each contestant in each round: those of one round were measured right after each other. */
export async function rounds(contestants, { rounds: count = 101, targetMs = 2 } = {}) {
  const names = Object.keys(contestants);
  const calls = {};
  for (const name of names) calls[name] = await callsFor(contestants[name], targetMs);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let turn = 0; turn < count * names.length; turn += 1) {
    const name = names[(turn + Math.floor(turn / names.length)) % names.length];
    times[name].push(((await timed(contestants[name], calls[name])) * 1e6) / calls[name]);
  }
  return times;
}

/** How often to call a contestant in a round, found once it is warm: compiled code is what is measured. */
async function callsFor(run, targetMs) {
  let count = 1;
  for (let spentMs = 0; ;) {
    const elapsedMs = await timed(run, count);
    spentMs += elapsedMs;
    if (elapsedMs < targetMs / 4) count *= 4;
    else if (spentMs >= WARM_UP_MS) return Math.max(1, Math.round((count * targetMs) / elapsedMs));
  }
}

const WARM_UP_MS = 60;

async function timed(run, count) {
  const started = performance.now();
  if (run.constructor.name === 'AsyncFunction')
    for (let at = 0; at < count; at += 1) sink.sum += await run(at);
  else for (let at = 0; at < count; at += 1) sink.sum += run(at);
  return performance.now() - started;
}

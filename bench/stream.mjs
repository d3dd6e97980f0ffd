/**
 * What memory costs when those who should take something away stand still: one million events offered to a pipeline whose
 * decisions never end, and one million notifications for a notifier that hangs, side by side with the operators that RxJS
 * has for it. Growth is measured after a full garbage collection, at its peak over the run.
 *
 * Run with `npm run bench:stream`. The last line is JSON.
 */
import { Subject, concatMap, mergeMap } from 'rxjs';
import { setImmediate } from 'node:timers';
import { createSystemClock } from '@lazarus/core';
import { createIntake, createPipeline, shedMap } from '@lazarus/core/stream';
import { round } from './race.mjs';

const OFFERED = 1_000_000;
/** What RxJS keeps is measured with fewer, so that the bench itself does not run out of memory. */
const OFFERED_TO_RXJS = 200_000;
const LOOKS = 20;

const eventOf = (at) => ({
  id: `e-${at}`,
  event_type: 'NagiosHostAlarm',
  source: 'nagios/eu-1',
  time: '2026-01-31T12:00:00Z',
  region: 'eu-west-1',
  environment: 'prod',
  account: '123456789012',
  service: `service-${at % 20_000}`,
  host: `i-0abc${at}`,
  incident_key: `service-${at}/host-down`,
  summary: 'CRITICAL - host does not answer, rta nan, lost 100%',
  attributes: { host_state: 'DOWN', host_state_type: 'HARD', host_attempt: 3, address: '10.20.30.40' },
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function heapBytes() {
  globalThis.gc?.();
  await turn();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Calls `offer` with each number; returns the most that the heap grew by, in MB, and the time of the first and last part. */
async function growthOf(count, offer) {
  const before = await heapBytes();
  const part = count / LOOKS;
  let peak = 0;
  const partMs = [];
  for (let look = 0; look < LOOKS; look += 1) {
    const started = performance.now();
    for (let at = look * part; at < (look + 1) * part; at += 1) offer(at);
    partMs.push(performance.now() - started);
    await turn();
    peak = Math.max(peak, (await heapBytes()) - before);
  }
  return { megabytes: peak / 1e6, slowdown: partMs.at(-1) / Math.min(...partMs) };
}

const table = [];
const results = {};
const note = (name, what, value, target) => {
  results[name] = round(value);
  table.push({ what, value: round(value), target });
};
if (globalThis.gc === undefined) throw new Error('run it with --expose-gc');

const stands = () => new Promise(() => undefined);
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const clock = createSystemClock();

// Events ---------------------------------------------------------------------------------------------------------------
{
  const intake = createIntake({ maxEvents: 10_000 });
  const pipeline = createPipeline(
    {},
    {
      lanes: [{ sensor: intake, controller: { decide: stands, close() {} } }],
      outcomes: { onSettled: () => () => undefined },
      clock,
      log: silent,
    },
  );
  let accepted = 0;
  let refused = 0;
  const { megabytes, slowdown } = await growthOf(OFFERED, (at) => {
    if (intake.offer(eventOf(at)).accepted) accepted += 1;
    else refused += 1;
  });
  if (accepted + refused !== OFFERED || intake.refused !== refused || intake.held !== accepted)
    throw new Error('an event was neither accepted nor counted as refused');
  note(
    'intake_1m_heap_mb',
    '1 000 000 events offered to a stalled pipeline, heap growth, MB',
    megabytes,
    '<= 32',
  );
  note('intake_held', 'of these held', accepted);
  note('intake_refused', 'of these refused and counted', refused);
  note('intake_slowdown', 'last part of the offers / fastest part', slowdown);
  await pipeline.close();
}

// Notifications --------------------------------------------------------------------------------------------------------
{
  let dropped = 0;
  const source$ = new Subject();
  const watching = source$
    .pipe(shedMap({ maxInFlight: 1, maxWaiting: 1_000, onDropped: () => (dropped += 1) }, stands))
    .subscribe();
  const { megabytes } = await growthOf(OFFERED, (at) => source$.next(eventOf(at)));
  if (dropped !== OFFERED - 1_001) throw new Error('a drop was not counted');
  note('shed_map_1m_heap_mb', '1 000 000 values for shedMap, heap growth, MB', megabytes, '<= 32');
  watching.unsubscribe();
}

for (const [name, operator] of [
  ['concat_map', concatMap(stands)],
  ['merge_map_8', mergeMap(stands, 8)],
]) {
  const source$ = new Subject();
  const watching = source$.pipe(operator).subscribe();
  const { megabytes } = await growthOf(OFFERED_TO_RXJS, (at) => source$.next(eventOf(at)));
  note(`${name}_200k_heap_mb`, `${OFFERED_TO_RXJS} values for RxJS ${name}, heap growth, MB`, megabytes);
  results[`${name}_vs_shed_map_per_value`] = round(
    megabytes / OFFERED_TO_RXJS / Math.max(results.shed_map_1m_heap_mb / OFFERED, 1e-9),
  );
  watching.unsubscribe();
}

console.table(table);
console.log(JSON.stringify({ bench: 'stream', node: process.version, ...results }));
process.exit(0);

// The embedded engine against a bare group-commit journal and against one fsync per step: 7 steps, one parallel pair,
// actions that do nothing, every result durable. Rounds are interleaved; trust the ratios, not the absolute numbers.
//
//   node --conditions=@lazarus/source bench/journal.mjs [--rounds 5] [--runs 1000]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers';
import { parseArgs } from 'node:util';
import { createSystemClock } from '@lazarus/core';
import { createActionRegistry, createEmbeddedEngine, defineAction, loadWorkflow } from '@lazarus/dag';
import { z } from 'zod';
import { benchRestate } from './journal/restate.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    runs: { type: 'string', default: '1000' },
    finished: { type: 'string', default: '0' },
  },
});
const rounds = Number(values.rounds);
const runs = Number(values.runs);
const SEQUENTIAL = 100;
const CONCURRENT = 50;
/** The steps of a run, wave by wave. */
const WAVES = [['s1'], ['s2', 's3'], ['s4'], ['s5'], ['s6'], ['s7']];

const noop = defineAction({
  name: 'bench.noop',
  version: 1,
  summary: 'Does nothing.',
  input: z.strictObject({}),
  output: z.strictObject({ done: z.boolean() }),
  idempotent: true,
  run: async () => ({ done: true }),
});
const escalate = defineAction({
  name: 'pager.escalate',
  version: 1,
  summary: 'Does nothing.',
  input: z.looseObject({}),
  output: z.unknown(),
  idempotent: true,
  run: async () => null,
});
const actions = createActionRegistry([noop, escalate]);
const workflow = loadWorkflow(
  `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: bench.seven, version: 1 }
steps:
  s1: { uses: bench.noop@1 }
  s2: { uses: bench.noop@1, needs: [s1] }
  s3: { uses: bench.noop@1, needs: [s1] }
  s4: { uses: bench.noop@1, needs: [s2, s3] }
  s5: { uses: bench.noop@1, needs: [s4] }
  s6: { uses: bench.noop@1, needs: [s5] }
  s7: { uses: bench.noop@1, needs: [s6] }
`,
  { file: 'bench.yaml', actions },
);
const event = {
  id: 'e',
  event_type: 'Bench',
  source: 'bench',
  time: '2026-01-01T00:00:00Z',
  region: 'r',
  environment: 'test',
  service: 'web',
  attributes: {},
};
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Opens a contestant in a folder of its own: `one()` runs one workflow to its durable end. */
const contestants = {
  async embedded(folder) {
    let count = 0;
    let ids = 0;
    const waiting = new Map();
    const engine = await createEmbeddedEngine({
      file: join(folder, 'runs.db'),
      actions,
      workflows: [workflow],
      ports: {},
      clock: createSystemClock(),
      ids: { next: (prefix) => `${prefix}-${(ids += 1)}` },
      random: { next: Math.random },
      log: silent,
    });
    engine.onFinished((run) => waiting.get(run.run_id)?.());
    return {
      one: async () => {
        const runId = `run-${(count += 1)}`;
        const ended = new Promise((resolve) => waiting.set(runId, resolve));
        await engine.submit({
          runId,
          workflow: 'bench.seven',
          inputs: {},
          event,
          rule: 'r',
          configDigest: 'd',
          service: 'web',
          lock: { kind: 'service', service: 'web' },
          timeoutMs: 60_000,
        });
        await ended;
        waiting.delete(runId);
      },
      commits: () => engine.commits,
      close: () => engine.close(),
    };
  },
  async 'bare group commit'(folder) {
    const database = openBare(folder);
    let queue = [];
    let commits = 0;
    const flush = () => {
      const batch = queue;
      queue = [];
      database.begin();
      for (const { run, step } of batch) database.insert(run, step);
      database.commit();
      commits += 1;
      for (const { resolve } of batch) resolve();
    };
    const write = (run, step) =>
      new Promise((resolve) => {
        if (queue.push({ run, step, resolve }) === 1) setImmediate(flush);
      });
    let count = 0;
    return {
      one: async () => {
        const run = `run-${(count += 1)}`;
        await write(run, 'start');
        for (const wave of WAVES) await Promise.all(wave.map((step) => write(run, step)));
      },
      commits: () => commits,
      close: async () => database.close(),
    };
  },
  async 'fsync per step'(folder) {
    const database = openBare(folder);
    let commits = 0;
    let count = 0;
    const write = async (run, step) => {
      database.begin();
      database.insert(run, step);
      database.commit();
      commits += 1;
    };
    return {
      one: async () => {
        const run = `run-${(count += 1)}`;
        await write(run, 'start');
        for (const wave of WAVES) await Promise.all(wave.map((step) => write(run, step)));
      },
      commits: () => commits,
      close: async () => database.close(),
    };
  },
};

function openBare(folder) {
  const database = new DatabaseSync(join(folder, 'bare.db'));
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE step (run TEXT, step TEXT, output TEXT, PRIMARY KEY (run, step)) WITHOUT ROWID',
  );
  const statement = database.prepare('INSERT INTO step VALUES (?, ?, ?)');
  return {
    begin: () => database.exec('BEGIN IMMEDIATE'),
    insert: (run, step) => statement.run(run, step, '{"done":true}'),
    commit: () => database.exec('COMMIT'),
    close: () => database.close(),
  };
}

async function measure(name) {
  const folder = mkdtempSync(join(tmpdir(), 'lazarus-bench-'));
  const openedAt = performance.now();
  const contestant = await contestants[name](folder);
  const readyMs = performance.now() - openedAt;
  for (let warm = 0; warm < 20; warm += 1) await contestant.one();
  const before = contestant.commits();
  const times = [];
  for (let index = 0; index < SEQUENTIAL; index += 1) {
    const startedAt = performance.now();
    await contestant.one();
    times.push(performance.now() - startedAt);
  }
  const commitsPerRun = (contestant.commits() - before) / SEQUENTIAL;
  for (let index = 0; index < Number(values.finished); index += CONCURRENT)
    await Promise.all(Array.from({ length: CONCURRENT }, contestant.one));
  let left = runs;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: CONCURRENT }, async () => {
      while (left > 0) {
        left -= 1;
        await contestant.one();
      }
    }),
  );
  const runsPerSecond = runs / ((performance.now() - startedAt) / 1_000);
  await contestant.close();
  rmSync(folder, { recursive: true, force: true });
  return { runsPerSecond, p50Ms: median(times), commitsPerRun, readyMs };
}

const median = (numbers) =>
  [...numbers].sort((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? NaN;

const results = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
for (let round = 0; round < rounds; round += 1) {
  for (const name of Object.keys(contestants)) results[name].push(await measure(name));
}

const middle = (name, field) => median(results[name].map((result) => result[field]));
console.log('contestant           runs/s (50 at once)   p50 ms (one by one)   commits/run   ready ms');
for (const name of Object.keys(contestants)) {
  const cells = ['runsPerSecond', 'p50Ms', 'commitsPerRun', 'readyMs'].map((field) =>
    middle(name, field).toFixed(1),
  );
  console.log(
    [
      name.padEnd(20),
      cells[0].padStart(19),
      cells[1].padStart(21),
      cells[2].padStart(13),
      cells[3].padStart(10),
    ].join(' '),
  );
}
const ratio = (field, other) =>
  median(results.embedded.map((result, round) => result[field] / results[other][round][field]));
console.log(
  JSON.stringify({
    bench: 'journal',
    rounds,
    embedded_vs_bare_group_commit: { ratio: ratio('runsPerSecond', 'bare group commit'), at_least: 0.35 },
    embedded_vs_fsync_per_step: { ratio: ratio('runsPerSecond', 'fsync per step'), at_least: 3 },
    commits_per_run: { value: middle('embedded', 'commitsPerRun'), at_most: 8 },
    ready_ms: { value: middle('embedded', 'readyMs'), at_most: 150 },
    ...(await benchRestate({ rounds: 21, runs: 100 })),
  }),
);

// The embedded engine against a bare group-commit journal and against one fsync per step: 7 steps, one parallel pair,
// actions that do nothing, every result durable. Rounds are interleaved; trust the ratios, not the absolute numbers.
// Also: what a thread of its own for the journal costs and gives, a run of 200 steps, 10 000 finished runs in the file, a
// process that is killed (resume), and one that is frozen (takeover); those run the build, as a program that was installed
// does.
//
//   node --conditions=@lazarus/source bench/journal.mjs [--rounds 5] [--runs 1000] [--finished 10000] [--takeover]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createSystemClock } from '@lazarus/core';
import { createEmbeddedEngine } from '@lazarus/dag';
import { actions, requestOf, silent, workflowOf } from './journal/workflow.mjs';
import { benchRestate } from './journal/restate.mjs';
import { build } from '../tools/run-command.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    runs: { type: 'string', default: '1000' },
    finished: { type: 'string', default: '10000' },
    takeover: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const runs = Number(values.runs);
const SEQUENTIAL = 100;
const CONCURRENT = 50;
/** The steps of a run, wave by wave. */
const WAVES = [['s1'], ['s2', 's3'], ['s4'], ['s5'], ['s6'], ['s7']];
const registry = actions();
const workflows = ['bench.seven', 'bench.two_hundred'].map(workflowOf);

async function openEmbedded(folder, thread) {
  let count = 0;
  let ids = 0;
  const waiting = new Map();
  const engine = await createEmbeddedEngine({
    file: join(folder, 'runs.db'),
    thread,
    actions: registry,
    workflows,
    ports: {},
    clock: createSystemClock(),
    ids: { next: (prefix) => `${prefix}-${(ids += 1)}` },
    random: { next: Math.random },
    log: silent,
  });
  engine.onFinished((run) => waiting.get(run.run_id)?.());
  return {
    one: async (workflow = 'bench.seven') => {
      const runId = `run-${(count += 1)}`;
      const ended = new Promise((resolve) => waiting.set(runId, resolve));
      await engine.submit(requestOf(runId, workflow));
      await ended;
      waiting.delete(runId);
    },
    commits: () => engine.commits,
    close: () => engine.close(),
  };
}

/** Opens a contestant in a folder of its own: `one()` runs one workflow to its durable end. */
const contestants = {
  embedded: (folder) => openEmbedded(folder, 'worker'),
  'embedded, one thread': (folder) => openEmbedded(folder, 'main'),
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

async function timed(contestant, count) {
  const times = [];
  for (let index = 0; index < count; index += 1) {
    const startedAt = performance.now();
    await contestant.one();
    times.push(performance.now() - startedAt);
  }
  return times;
}

/** Runs per second with 50 at once, and what the event loop of this thread felt. */
async function atOnce(contestant, count) {
  let left = count;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpu = process.threadCpuUsage?.();
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: CONCURRENT }, async () => {
      while (left > 0) {
        left -= 1;
        await contestant.one();
      }
    }),
  );
  const ms = performance.now() - startedAt;
  const used = cpu === undefined ? { user: NaN, system: NaN } : process.threadCpuUsage(cpu);
  delay.disable();
  return {
    runsPerSecond: count / (ms / 1_000),
    delayP99Ms: delay.percentile(99) / 1e6,
    cpuMsPerRun: (used.user + used.system) / 1_000 / count,
  };
}

async function measure(name) {
  const folder = mkdtempSync(join(tmpdir(), 'lazarus-bench-'));
  const openedAt = performance.now();
  const contestant = await contestants[name](folder);
  const readyMs = performance.now() - openedAt;
  await timed(contestant, 20);
  const before = contestant.commits();
  const times = await timed(contestant, SEQUENTIAL);
  const commitsPerRun = (contestant.commits() - before) / SEQUENTIAL;
  const result = await atOnce(contestant, runs);
  await contestant.close();
  rmSync(folder, { recursive: true, force: true });
  return { ...result, p50Ms: median(times), commitsPerRun, readyMs };
}

const median = (numbers) =>
  [...numbers].sort((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? NaN;

/** Time per step of a run of 200 steps, as a multiple of that of a run of 7; one wave per step in both. */
async function longRuns() {
  const folder = mkdtempSync(join(tmpdir(), 'lazarus-bench-'));
  const contestant = await openEmbedded(folder, 'worker');
  await timed(contestant, 20);
  const ratios = [];
  for (let round = 0; round < rounds; round += 1) {
    const short = median(await timed(contestant, 30)) / WAVES.length;
    const startedAt = performance.now();
    await contestant.one('bench.two_hundred');
    ratios.push((performance.now() - startedAt) / 200 / short);
  }
  await contestant.close();
  rmSync(folder, { recursive: true, force: true });
  return median(ratios);
}

/** Runs per second with many finished runs in the file, as a share of that with few; two files side by side. */
async function fullFile() {
  const folders = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'lazarus-bench-')));
  const [empty, full] = await Promise.all(folders.map((folder) => openEmbedded(folder, 'worker')));
  await atOnce(empty, 200);
  await atOnce(full, Number(values.finished));
  const ratios = [];
  for (let round = 0; round < rounds; round += 1) {
    const few = await atOnce(empty, 200);
    const many = await atOnce(full, 200);
    ratios.push(many.runsPerSecond / few.runsPerSecond);
  }
  await Promise.all([empty.close(), full.close()]);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  return median(ratios);
}

const LIFE = fileURLToPath(new URL('./journal/life.mjs', import.meta.url));

function live(file, mode) {
  const child = spawn(process.execPath, [LIFE, file, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'lazarus-bench-compiled') },
  });
  let seen = '';
  const said = (text) =>
    new Promise((resolve) => {
      if (seen.includes(text)) resolve();
      child.stdout.on('data', () => {
        if (seen.includes(text)) resolve();
      });
    });
  child.stdout.on('data', (chunk) => (seen += chunk));
  return { child, said };
}

/** From the start of the next process to the step that was in flight: after SIGKILL, and after SIGSTOP. */
async function nextLife(signal) {
  const folder = mkdtempSync(join(tmpdir(), 'lazarus-bench-'));
  const file = join(folder, 'runs.db');
  const first = live(file, 'submit');
  await first.said('in body');
  let next = signal === 'SIGSTOP' ? live(file, 'wait') : undefined;
  await next?.said('ready');
  first.child.kill(signal);
  const startedAt = performance.now();
  next ??= live(file, 'wait');
  await next.said('in body');
  const ms = performance.now() - startedAt;
  for (const { child } of [first, next]) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  return ms;
}

/** Time of a Node that does nothing: the part of a resume that is nobody's. */
async function startOfNode() {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--eval', '0'], { stdio: 'ignore' });
  await new Promise((resolve) => child.on('exit', resolve));
  return performance.now() - startedAt;
}

const built = await build('bundle', ['@lazarus/dag']);
if (built.code !== 0) throw new Error(built.output);
const results = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
for (let round = 0; round < rounds; round += 1) {
  for (const name of Object.keys(contestants)) results[name].push(await measure(name));
}
const resumes = [];
const starts = [];
for (let round = 0; round < rounds + 1; round += 1) {
  resumes.push(await nextLife('SIGKILL'));
  starts.push(await startOfNode());
}
const stepRatio = await longRuns();
const fullRatio = await fullFile();
const takeoverMs = values.takeover ? await nextLife('SIGSTOP') : undefined;

const middle = (name, field) => median(results[name].map((result) => result[field]));
const COLUMNS = [
  ['runs/s (50 at once)', 'runsPerSecond', 1],
  ['p50 ms (one by one)', 'p50Ms', 1],
  ['commits/run', 'commitsPerRun', 1],
  ['ready ms', 'readyMs', 1],
  ['loop delay p99 ms', 'delayP99Ms', 1],
  ['main thread ms/run', 'cpuMsPerRun', 3],
];
console.log(['contestant'.padEnd(22), ...COLUMNS.map(([title]) => title)].join('   '));
for (const name of Object.keys(contestants)) {
  const cells = COLUMNS.map(([title, field, digits]) =>
    middle(name, field).toFixed(digits).padStart(title.length),
  );
  console.log([name.padEnd(22), ...cells].join('   '));
}
const ratio = (field, other) =>
  median(results.embedded.map((result, round) => result[field] / results[other][round][field]));
console.log(
  JSON.stringify({
    bench: 'journal',
    rounds,
    embedded_vs_bare_group_commit: { ratio: ratio('runsPerSecond', 'bare group commit'), at_least: 0.35 },
    embedded_vs_fsync_per_step: { ratio: ratio('runsPerSecond', 'fsync per step'), at_least: 3 },
    embedded_vs_one_thread: { ratio: ratio('runsPerSecond', 'embedded, one thread') },
    loop_delay_p99_vs_one_thread: { ratio: ratio('delayP99Ms', 'embedded, one thread'), at_most: 1 },
    commits_per_run: { value: middle('embedded', 'commitsPerRun'), at_most: 8 },
    ready_ms: { value: middle('embedded', 'readyMs'), at_most: 150 },
    resume_ms: { value: median(resumes.slice(1)), at_most: 500, start_of_node_ms: median(starts) },
    ...(takeoverMs === undefined ? {} : { takeover_ms: { value: takeoverMs, at_most: 11_000 } }),
    step_of_200_vs_step_of_7: { ratio: stepRatio, at_most: 1.2 },
    with_finished_runs_vs_without: {
      ratio: fullRatio,
      finished: Number(values.finished),
      at_least: 0.8,
    },
    ...(await benchRestate({ rounds: 21, runs: 100 })),
  }),
);

// The embedded engine, the engine on Restate, and a workflow written by hand for Restate: 7 steps, one parallel pair,
// actions that do nothing. One server for all rounds. The rounds are many and short, the contestants take
// turns, and only ratios within a round count, so that other work on the machine meets all of them alike.
// Both on Restate are submitted and waited for in the same way: a durable submission, then a wait for the durable end.
//
//   node --conditions=@lazarus/source bench/journal/restate.mjs [--rounds 21] [--runs 100]
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createSystemClock } from '@lazarus/core';
import { createActionRegistry, createEmbeddedEngine, defineAction, loadWorkflow } from '@lazarus/dag';
import { createRestateEngine } from '@lazarus/engine-restate';
import * as restate from '@restatedev/restate-sdk';
import { z } from 'zod';
import { startRestate, whyNoRestate } from '../../tools/restate-server.ts';

const SEQUENTIAL = 15;
const WARM = 300;
const CONCURRENT = 50;
const DAY_MS = 86_400_000;

const noop = async () => ({ done: true });
const define = (name, input) =>
  defineAction({
    name,
    version: 1,
    summary: 'Does nothing.',
    input,
    output: z.unknown(),
    idempotent: true,
    run: noop,
  });
const actions = createActionRegistry([
  define('bench.noop', z.strictObject({})),
  define('pager.escalate', z.looseObject({})),
]);
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

let count = 0;

function enginePorts() {
  return {
    actions,
    workflows: [workflow],
    ports: {},
    clock: createSystemClock(),
    ids: { next: (prefix) => `${prefix}-${(count += 1)}` },
    random: { next: Math.random },
    log: { debug() {}, info() {}, warn() {}, error: console.error },
  };
}

const request = (runId) => ({
  runId,
  workflow: 'bench.seven',
  inputs: {},
  event: {
    id: 'e',
    event_type: 'Bench',
    source: 'bench',
    time: '2026-01-01T00:00:00Z',
    region: 'r',
    environment: 'test',
    service: 'web',
    attributes: {},
  },
  rule: 'r',
  configDigest: 'd',
  service: 'web',
  lock: { kind: 'service', service: 'web' },
  timeoutMs: 60_000,
});

/** Runs one workflow to its durable end. */
function runOn(engine) {
  const waiting = new Map();
  engine.onFinished((run) => waiting.get(run.run_id)?.());
  return async () => {
    const runId = `run-${(count += 1)}`;
    const ended = new Promise((resolve) => waiting.set(runId, resolve));
    await engine.submit(request(runId));
    await ended;
    waiting.delete(runId);
  };
}

async function openEmbedded() {
  const folder = mkdtempSync(join(tmpdir(), 'lazarus-bench-'));
  const engine = await createEmbeddedEngine({ ...enginePorts(), file: join(folder, 'runs.db') });
  const close = async () => {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { one: runOn(engine), close };
}

async function openAdapter({ ingressUrl, adminUrl }) {
  const options = { servers: [{ ingressUrl, adminUrl }], listen: { port: 0 } };
  const engine = await createRestateEngine(options, enginePorts());
  return { one: runOn(engine), close: () => engine.close() };
}

async function openByHand({ ingressUrl, adminUrl }) {
  const seven = restate.workflow({
    name: 'ByHand',
    handlers: {
      run: async (context) => {
        await context.run('s1', noop);
        await restate.RestatePromise.all([context.run('s2', noop), context.run('s3', noop)]);
        for (const step of ['s4', 's5', 's6', 's7']) await context.run(step, noop);
        return { done: true };
      },
    },
    options: { journalRetention: DAY_MS, workflowRetention: DAY_MS },
  });
  const server = createServer(restate.createEndpointHandler({ services: [seven], logger: () => undefined }));
  const sessions = new Set();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const ask = async (url, init) => {
    const response = await fetch(url, { ...init, headers: { 'content-type': 'application/json' } });
    const text = await response.text();
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  };
  const post = (url, body) => ask(url, { method: 'POST', body: JSON.stringify(body) });
  await post(`${adminUrl}/deployments`, { uri: `http://127.0.0.1:${server.address().port}` });
  return {
    one: async () => {
      const runId = `run-${(count += 1)}`;
      await post(`${ingressUrl}/ByHand/${runId}/run/send`, request(runId));
      await ask(`${ingressUrl}/restate/workflow/ByHand/${runId}/attach`);
    },
    close: async () => {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function measure({ one }, runs) {
  const times = [];
  for (let index = 0; index < SEQUENTIAL; index += 1) {
    const startedAt = performance.now();
    await one();
    times.push(performance.now() - startedAt);
  }
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await together(one, runs);
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    runsPerSecond: runs / ((performance.now() - startedAt) / 1_000),
    p50Ms: median(times),
    cpuMsPerRun: (user + system) / 1_000 / runs,
  };
}

async function together(one, runs) {
  let left = runs;
  await Promise.all(
    Array.from({ length: CONCURRENT }, async () => {
      while (left > 0) {
        left -= 1;
        await one();
      }
    }),
  );
}

const median = (numbers) =>
  [...numbers].sort((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? NaN;

/** Measures, prints a table, and returns the ratios; nothing where Restate cannot run. */
export async function benchRestate({ rounds, runs }) {
  const reason = whyNoRestate();
  if (reason !== undefined) {
    console.log(`Restate was not measured: ${reason}`);
    return {};
  }
  const server = await startRestate();
  const contestants = {
    embedded: await openEmbedded(),
    'engine-restate': await openAdapter(server),
    'Restate by hand': await openByHand(server),
  };
  const names = Object.keys(contestants);
  const results = Object.fromEntries(names.map((name) => [name, []]));
  try {
    for (const { one } of Object.values(contestants)) await together(one, WARM);
    for (let turn = 0; turn < rounds * names.length; turn += 1) {
      // Nobody is always first, and nobody always comes after the same one.
      const name = names[(turn + Math.floor(turn / names.length)) % names.length];
      results[name].push(await measure(contestants[name], name === 'embedded' ? 3 * runs : runs));
    }
  } finally {
    for (const { close } of Object.values(contestants)) await close();
    await server.stop();
  }
  // The processor time is that of this process: the server's is not in it.
  console.log('contestant           runs/s (50 at once)   p50 ms (one by one)   cpu ms/run');
  for (const name of names) {
    const middle = (field) => median(results[name].map((result) => result[field])).toFixed(1);
    console.log(
      [
        name.padEnd(20),
        middle('runsPerSecond').padStart(19),
        middle('p50Ms').padStart(21),
        middle('cpuMsPerRun').padStart(12),
      ].join(' '),
    );
  }
  const ratio = (left, right, field) =>
    median(results[left].map((result, round) => result[field] / results[right][round][field]));
  return {
    embedded_vs_restate: { ratio: ratio('embedded', 'engine-restate', 'runsPerSecond'), at_least: 5 },
    embedded_vs_restate_p50: { ratio: ratio('embedded', 'engine-restate', 'p50Ms'), at_most: 0.6 },
    engine_restate_vs_by_hand: {
      ratio: ratio('engine-restate', 'Restate by hand', 'runsPerSecond'),
      at_least: 0.85,
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '21' }, runs: { type: 'string', default: '100' } },
  });
  const rounds = Number(values.rounds);
  const ratios = await benchRestate({ rounds, runs: Number(values.runs) });
  console.log(JSON.stringify({ bench: 'journal/restate', rounds, ...ratios }));
}

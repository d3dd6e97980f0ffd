// Records the journals of test/golden from a real server. Their times are replaced by counts, so that a journal that is
// recorded again differs only where the code does.
//
//   node --conditions=@lazarus/source packages/engine-restate/test/support/record-golden.ts [name ...]
import { writeFileSync } from 'node:fs';
import { createSystemClock } from '@lazarus/core';
import type { Clock } from '@lazarus/core/ports';
import { createSequentialIds, silentLogger } from '@lazarus/testing';
import { startRestate } from '../../../../tools/restate-server.ts';
import type { RecordedEntry } from '../../src/durable/journal-context.ts';
import { RUN_SERVICE } from '../../src/endpoint/run-service.ts';
import { createRestateEngine } from '../../src/index.ts';
import { toWire } from '../../src/run/pinned-run.ts';
import { RestateServers } from '../../src/server/restate-servers.ts';
import { RunStore } from '../../src/server/run-store.ts';
import { createDesk } from './desk-actions.ts';
import { goldenFile, replay } from './golden-journal.ts';
import type { GoldenJournal } from './golden-journal.ts';
import { GOLDEN_RUNS } from './golden-runs.ts';
import type { GoldenRun } from './golden-runs.ts';
import { aRequest } from './request.ts';

const STARTED_AT_MS = Date.UTC(2026, 0, 1);

const system = createSystemClock();
const originMs = system.monotonic();
const clock: Clock = {
  now: () => STARTED_AT_MS + Math.floor(system.monotonic() - originMs),
  monotonic: () => system.monotonic(),
  sleep: (ms, options) => system.sleep(ms, options),
};

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await clock.sleep(20);
}

/** The n-th thing that happened, happened n milliseconds after the start: sooner than any timer. */
function counted(entries: readonly RecordedEntry[]): readonly RecordedEntry[] {
  const isNow = new Set(
    entries.flatMap((entry) => (entry.kind === 'command' && entry.name === '$now' ? [entry.id] : [])),
  );
  let atMs = STARTED_AT_MS;
  return entries.map((entry) => {
    if (entry.kind !== 'completion') return entry;
    atMs += 1;
    if (isNow.has(entry.id)) return { ...entry, value: atMs };
    const { value } = entry;
    const hasTime = typeof value === 'object' && value !== null && 'atMs' in value;
    return hasTime ? { ...entry, value: { ...value, atMs } } : entry;
  });
}

async function record({ name, steps, doing, while: during }: GoldenRun): Promise<GoldenJournal> {
  const { actions, workflow } = createDesk(doing);
  const document = workflow(`metadata: { name: golden.${name}, version: 1 }\n${steps}`);
  const server = await startRestate();
  const { ingressUrl, adminUrl } = server;
  const servers = [{ ingressUrl, adminUrl }];
  const engine = await createRestateEngine(
    { servers, listen: { port: 0 } },
    {
      actions,
      workflows: [document],
      ports: {},
      clock,
      ids: createSequentialIds(),
      random: { next: () => 0.5 },
      log: silentLogger,
    },
  );
  try {
    const runId = `golden-${name}`;
    await engine.submit(aRequest(document.name, { runId }));
    const stepOf = async (step: string) =>
      (await engine.get(runId))?.steps.find((each) => each.step === step);
    if (during !== undefined) {
      await until(async () => (await stepOf(during.step))?.status === 'running');
      await during.play(engine, runId);
    }
    const store = new RunStore(new RestateServers(servers, clock, 5_000), RUN_SERVICE);
    await until(async () => (await store.state(runId)) !== 'running');
    const recorded = await store.load(runId);
    const ended = await engine.get(runId);
    if (recorded === undefined || ended === undefined) throw new Error(`${name} is gone`);
    const deadlineAtMs = STARTED_AT_MS + recorded.run.request.timeoutMs;
    const run = toWire({ ...recorded.run, startedAtMs: STARTED_AT_MS, deadlineAtMs });
    const entries = counted(recorded.entries);
    const { view, hasEnded } = await replay({ run, entries });
    const shape = (of: typeof view): string =>
      JSON.stringify([
        of.status,
        of.page,
        of.steps.map(({ step, status, attempts }) => [step, status, attempts]),
      ]);
    if (!hasEnded || shape(view) !== shape(ended))
      throw new Error(`${name} is another run without its times: ${shape(view)}, expected ${shape(ended)}`);
    return { service: RUN_SERVICE, run, entries, view };
  } finally {
    await engine.close();
    await server.stop();
  }
}

/** One entry a line, so that a difference shows. */
function print({ service, run, entries, view }: GoldenJournal): string {
  const lines = entries.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n');
  return `{\n  "service": ${JSON.stringify(service)},\n  "run": ${JSON.stringify(run)},\n  "entries": [\n${lines}\n  ],\n  "view": ${JSON.stringify(view)}\n}\n`;
}

const names = process.argv.slice(2);
for (const golden of GOLDEN_RUNS) {
  if (names.length > 0 && !names.includes(golden.name)) continue;
  writeFileSync(goldenFile(golden.name), print(await record(golden)));
  console.log(`recorded ${golden.name}`);
}

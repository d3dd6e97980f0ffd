// A process that runs one workflow and kills itself with SIGKILL at its n-th boundary.
// Arguments: folder, number of the boundary (0: never), name of the log of bodies.
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSystemClock } from '@lazarus/core';
import { silentLogger } from '@lazarus/testing';
import {
  builtinActions,
  createActionRegistry,
  createEngine,
  loadWorkflow,
  openSqliteJournal,
} from '../../src/index.ts';
import type { Journal } from '../../src/index.ts';
import { aCrashRequest } from './crash-request.ts';
import { createDiskWorld } from './disk-world.ts';

const [folder = '', killAt = '0', bodies = 'bodies.log'] = process.argv.slice(2);
let points = 0;

function point(name: string): void {
  points += 1;
  if (points !== Number(killAt)) return;
  appendFileSync(join(folder, 'killed.log'), `${name}\n`);
  process.kill(process.pid, 'SIGKILL');
}

function mortal(journal: Journal): Journal {
  return new Proxy(journal, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== 'function') return member;
      if (key !== 'commit')
        return (...args: unknown[]): unknown =>
          Reflect.apply(member as (...all: unknown[]) => unknown, target, args);
      return async (writes: Parameters<Journal['commit']>[0]) => {
        point(`before commit ${writes.map(({ kind }) => kind).join('+')}`);
        const outcomes = await target.commit(writes);
        point('after commit');
        return outcomes;
      };
    },
  });
}

const actions = createActionRegistry(builtinActions);
const file = new URL('../../workflows/replace_host.yaml', import.meta.url);
const definition = loadWorkflow(readFileSync(file, 'utf8'), { file: 'replace_host.yaml', actions });
const engine = await createEngine(
  mortal(await openSqliteJournal({ file: join(folder, 'runs.db'), thread: 'worker' })),
  {
    actions,
    workflows: [definition],
    ports: createDiskWorld(folder, point),
    clock: createSystemClock(),
    ids: { next: (prefix = 'id') => `${prefix}-${process.pid}` },
    random: { next: () => 0.5 },
    log: silentLogger,
    // A machine that is busy takes long to start the next process.
    times: { submitWithinMs: 60_000 },
    onBoundary: (boundary, key) => {
      if (boundary === 'intent') appendFileSync(join(folder, bodies), `${key}\n`);
      point(`${boundary} ${key}`);
    },
  },
);
const ended = new Promise<void>((resolve) => {
  engine.onFinished(() => resolve());
});
await engine.submit(aCrashRequest());
if (((await engine.get('run-1'))?.status ?? 'running') === 'running') await ended;
const run = await engine.get('run-1');
await engine.close();
process.stdout.write(
  JSON.stringify({ status: run?.status, page: run?.page, error: run?.error ?? null, points }),
);

import { PortError } from '@lazarus/core';
import { createManualClock, createSeededRandom, createSequentialIds, silentLogger } from '@lazarus/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  builtinActions,
  createActionRegistry,
  createEngine,
  createMemoryJournal,
  openSqliteJournal,
} from '../src/index.ts';
import type { Journal } from '../src/index.ts';
import { GroupCommit } from '../src/engine/group-commit.ts';
import { aRequest, createBench, workflow } from './support/bench.ts';
import { createScript } from './support/script.ts';

const HEAD = 'apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: test.flow, version: 1 }\n';
const FLOW = `${HEAD}steps:\n  a: { uses: test.do@1 }\n  b: { uses: test.do@1, needs: [a] }\n`;
const gone = (): PortError =>
  new PortError({ code: 'LZ_JOURNAL_UNAVAILABLE', message: 'the answer was lost', retryable: true });

/** A journal whose next answer to a claim that took something is lost, after it was durable. */
function forgetful(journal: Journal): Journal {
  let isLost = false;
  const claim: Journal['claim'] = async (options) => {
    const claimed = await journal.claim(options);
    if (claimed.length === 0 || isLost) return claimed;
    isLost = true;
    throw gone();
  };
  return new Proxy(journal, {
    get: (target, key) => {
      if (key === 'claim') return claim;
      const member: unknown = Reflect.get(target, key);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

describe.each(['memory', 'sqlite'] as const)('a takeover whose answer is lost (%s)', (kind) => {
  it('is taken up by the next sweep, with a new epoch, and the run ends', async () => {
    const bench = createBench();
    const clock = createManualClock();
    const shared = createMemoryJournal();
    const open = async (): Promise<Journal> =>
      kind === 'memory' ? shared : openSqliteJournal({ file: bench.file });
    const script = createScript();
    script.replies['a'] = [() => new Promise(() => undefined), async () => ({})];
    const dead = new Set<string>();
    const ids = createSequentialIds();
    const start = async (self: string, journal: Journal) => {
      const engine = await createEngine(journal, {
        actions: createActionRegistry([...builtinActions, ...script.actions]),
        workflows: [workflow(FLOW, script.actions)],
        ports: bench.world.ports,
        clock,
        ids,
        random: createSeededRandom(1),
        log: silentLogger,
        processes: { self, isGone: (process) => dead.has(process) },
      });
      onTestFinished(() => engine.close());
      return engine;
    };
    const first = await start('p1', await open());
    const second = await start('p2', forgetful(await open()));
    await first.submit(aRequest({ workflow: 'test.flow' }));
    await clock.advance(100);
    dead.add('p1');
    await clock.advance(1_000);
    expect(second.health()).toMatchObject({ ok: false });
    await clock.advance(2_000);
    expect(second.health()).toEqual({ ok: true });
    expect(await second.get('run-1')).toMatchObject({ status: 'succeeded' });
  });
});

describe('a commit that fails', () => {
  it('takes the lines behind it with it, and leaves other runs alone', async () => {
    const accepted: string[] = [];
    const journal = createMemoryJournal();
    let fail: (error: Error) => void = () => undefined;
    const failing = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    let commits = 0;
    journal.commit = async (writes) => {
      commits += 1;
      if (commits === 1) return failing;
      accepted.push(...writes.map((write) => ('runId' in write ? write.runId : '')));
      return writes.map(() => 'done' as const);
    };
    const flushes: (() => void)[] = [];
    const writer = new GroupCommit(journal, 'o', (flush) => void flushes.push(flush));
    const line = { kind: 'now', value: 1 } as const;
    const lost = writer.append('r', 1, 0, line);
    flushes.shift()?.();
    const behind = writer.append('r', 1, 1, line);
    const other = writer.append('s', 1, 0, line);
    const signal = writer.write({ kind: 'signal', runId: 'r', signal: { name: 'stop', payload: null } });
    fail(gone());
    await expect(lost).rejects.toThrow('the answer was lost');
    await expect(behind).rejects.toThrow('the answer was lost');
    flushes.shift()?.();
    expect(await Promise.all([other, signal])).toEqual(['done', 'done']);
    expect(accepted).toEqual(['s', 'r']);
  });
});

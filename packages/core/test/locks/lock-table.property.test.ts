import type { FencingToken, LockTarget } from '@lazarus/core/ports';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareFencingTokens } from '../../src/locks/fencing.ts';
import type { LockTable } from '../../src/locks/lock-table.ts';
import {
  acquireLock,
  breakLock,
  createLockTable,
  inspectLock,
  releaseLock,
  renewLock,
} from '../../src/locks/lock-table.ts';

const web1: LockTarget = { kind: 'host', service: 'web', host: 'i-1' };
const web2: LockTarget = { kind: 'host', service: 'web', host: 'i-2' };
const web: LockTarget = { kind: 'service', service: 'web' };
const api: LockTarget = { kind: 'service', service: 'api' };
const ttlMs = 1_000;

/** Takes a lock that is known to be free. */
function take(
  table: LockTable,
  target: LockTarget,
  holder: string,
  nowMs = 0,
): { table: LockTable; token: FencingToken } {
  const { state, verdict } = acquireLock(table, { target, holder, ttlMs }, nowMs);
  if (!verdict.granted) throw new Error(`held by ${verdict.heldBy}`);
  return { table: state, token: verdict.token };
}

describe('lock table', () => {
  it('lets two hosts of one service be locked at once, and neither together with the service', () => {
    let { table } = take(createLockTable(1), web1, 'd1');
    ({ table } = take(table, web2, 'd2'));
    expect(acquireLock(table, { target: web, holder: 'd3', ttlMs }, 0).verdict).toMatchObject({
      granted: false,
      heldBy: 'd1',
      by: web1,
    });
    ({ table } = take(createLockTable(1), web, 'd3'));
    expect(acquireLock(table, { target: web1, holder: 'd1', ttlMs }, 0).verdict).toMatchObject({
      granted: false,
      heldBy: 'd3',
      by: web,
    });
    expect(acquireLock(table, { target: api, holder: 'd1', ttlMs }, 0).verdict.granted).toBe(true);
  });

  it('gives a holder its own lock again with the same token, and is free after as many releases', () => {
    const first = take(createLockTable(1), web1, 'd1');
    const again = take(first.table, web1, 'd1', 100);
    expect(again.token).toEqual(first.token);
    const claim = { target: web1, holder: 'd1', token: first.token };
    const released = releaseLock(again.table, claim, 200);
    expect(inspectLock(released.state, web1, 200)?.holder).toBe('d1');
    expect(inspectLock(releaseLock(released.state, claim, 200).state, web1, 200)).toBeUndefined();
  });

  it('lets the holder of a host lock take the lock of its service, which others then cannot get around', () => {
    const host = take(createLockTable(1), web1, 'd1');
    const both = take(host.table, web, 'd1');
    expect(acquireLock(both.table, { target: web2, holder: 'd2', ttlMs }, 0).verdict.granted).toBe(false);
  });

  it('frees a lock exactly when its TTL has passed, and gives the next holder a higher token (L3)', () => {
    const first = take(createLockTable(1), web1, 'd1');
    expect(acquireLock(first.table, { target: web1, holder: 'd2', ttlMs }, 999).verdict.granted).toBe(false);
    const second = take(first.table, web1, 'd2', 1_000);
    expect(compareFencingTokens(second.token, first.token)).toBeGreaterThan(0);
  });

  it('refuses to renew an expired lock even when nobody took it, and ignores a release with an old token (S4)', () => {
    const first = take(createLockTable(1), web1, 'd1');
    const claim = { target: web1, holder: 'd1', token: first.token };
    expect(renewLock(first.table, { ...claim, ttlMs }, 1_000).verdict).toEqual({ renewed: false });
    const second = take(first.table, web1, 'd1', 2_000);
    const late = releaseLock(second.table, claim, 2_001);
    expect(late.verdict).toEqual({ released: false });
    expect(inspectLock(late.state, web1, 2_001)?.token).toEqual(second.token);
  });

  it('orders tokens by epoch before counter', () => {
    expect(compareFencingTokens({ epoch: 2, counter: 1 }, { epoch: 1, counter: 99 })).toBeGreaterThan(0);
    expect(compareFencingTokens({ epoch: 1, counter: 3 }, { epoch: 1, counter: 3 })).toBe(0);
  });

  it('takes a lock away on demand', () => {
    const { table } = take(createLockTable(1), web1, 'd1');
    expect(breakLock(table, web1).verdict).toEqual({ broken: true });
    expect(breakLock(table, web2).verdict).toEqual({ broken: false });
  });

  it('equals a naive model and never has two holders in conflict, over random histories (S4)', () => {
    fc.assert(fc.property(commands, runAgainstModel), { numRuns: 400 });
  });
});

const target = fc.constantFrom<LockTarget>(
  web1,
  web2,
  web,
  { kind: 'host', service: 'api', host: 'i-1' },
  api,
);
const holder = fc.constantFrom('d1', 'd2', 'd3');
const commands = fc.array(
  fc.record({
    op: fc.constantFrom('acquire' as const, 'acquire' as const, 'renew' as const, 'release' as const),
    target,
    holder,
    ttlMs: fc.integer({ min: 1, max: 500 }),
    afterMs: fc.integer({ min: 0, max: 200 }),
  }),
  { maxLength: 60 },
);

/** One lease that the model believes in: a plain list, searched from the beginning every time. */
interface ModelLock {
  readonly target: LockTarget;
  readonly holder: string;
  untilMs: number;
  leases: number;
}

const exclude = (left: LockTarget, right: LockTarget): boolean =>
  left.service === right.service &&
  !(left.kind === 'host' && right.kind === 'host' && left.host !== right.host);

function runAgainstModel(
  sequence: readonly {
    op: 'acquire' | 'renew' | 'release';
    target: LockTarget;
    holder: string;
    ttlMs: number;
    afterMs: number;
  }[],
): void {
  let table = createLockTable(7);
  let model: ModelLock[] = [];
  const tokens = new Map<string, FencingToken>();
  let highest: FencingToken = { epoch: 0, counter: 0 };
  let nowMs = 0;
  for (const command of sequence) {
    nowMs += command.afterMs;
    model = model.filter((lock) => lock.untilMs > nowMs);
    const name = `${command.holder}:${JSON.stringify(command.target)}`;
    const mine = model.find(
      (lock) =>
        lock.holder === command.holder && JSON.stringify(lock.target) === JSON.stringify(command.target),
    );
    if (command.op === 'acquire') {
      const free = !model.some(
        (lock) => lock.holder !== command.holder && exclude(lock.target, command.target),
      );
      const { state, verdict } = acquireLock(table, command, nowMs);
      table = state;
      expect(verdict.granted).toBe(free);
      if (!verdict.granted) continue;
      if (mine === undefined) {
        expect(compareFencingTokens(verdict.token, highest)).toBeGreaterThan(0);
        highest = verdict.token;
        model.push({
          target: command.target,
          holder: command.holder,
          untilMs: nowMs + command.ttlMs,
          leases: 1,
        });
      } else {
        expect(verdict.token).toEqual(tokens.get(name));
        mine.untilMs = Math.max(mine.untilMs, nowMs + command.ttlMs);
        mine.leases += 1;
      }
      tokens.set(name, verdict.token);
    } else {
      const claim = { ...command, token: tokens.get(name) ?? { epoch: 0, counter: 0 } };
      const step = command.op === 'renew' ? renewLock(table, claim, nowMs) : releaseLock(table, claim, nowMs);
      table = step.state;
      expect('renewed' in step.verdict ? step.verdict.renewed : step.verdict.released).toBe(
        mine !== undefined,
      );
      if (mine === undefined) continue;
      if (command.op === 'renew') mine.untilMs = Math.max(mine.untilMs, nowMs + command.ttlMs);
      else mine.leases -= 1;
      model = model.filter((lock) => lock.leases > 0);
    }
    expect(table.held.filter((lock) => lock.expiresAtMs > nowMs)).toHaveLength(model.length);
    for (const one of table.held) {
      for (const other of table.held) {
        expect(one.holder !== other.holder && exclude(one.target, other.target)).toBe(false);
      }
    }
  }
}

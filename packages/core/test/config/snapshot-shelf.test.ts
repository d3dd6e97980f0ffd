import { createSnapshotShelf } from '@lazarus/core/config';
import { createManualClock } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { aRule, aSnapshot } from '../decision/world.ts';

const snapshot = (digest: string) => ({ ...aSnapshot(aRule()), digest });

function createBench() {
  const clock = createManualClock();
  return { clock, shelf: createSnapshotShelf({ clock }) };
}

describe('a snapshot shelf', () => {
  it('has nothing before the first configuration', () => {
    const { shelf } = createBench();
    expect([shelf.current, shelf.find('one'), shelf.forBallot('one')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('S15: finds a replaced configuration for 60 s by its digest, and not a millisecond longer', async () => {
    const { clock, shelf } = createBench();
    shelf.use(snapshot('one'));
    await clock.advance(3_600_000);
    shelf.use(snapshot('two'));
    await clock.advance(59_999);
    expect(shelf.find('one')?.digest).toBe('one');
    expect(shelf.current?.digest).toBe('two');
    await clock.advance(1);
    expect(shelf.find('one')).toBeUndefined();
    expect(shelf.find('two')?.digest).toBe('two');
  });

  it('answers a ballot with what it names, else with what is in force', () => {
    const { shelf } = createBench();
    shelf.use(snapshot('one'));
    shelf.use(snapshot('two'));
    expect(shelf.forBallot('one')?.digest).toBe('one');
    expect(shelf.forBallot('three')?.digest).toBe('two');
  });

  it('keeps a configuration that comes back in force, however long ago it was replaced', async () => {
    const { clock, shelf } = createBench();
    for (const digest of ['one', 'two', 'one']) shelf.use(snapshot(digest));
    await clock.advance(120_000);
    expect(shelf.find('one')?.digest).toBe('one');
    shelf.use(snapshot('three'));
    expect(shelf.find('one')?.digest).toBe('one');
  });

  it('keeps at most 16 replaced ones, the newest', () => {
    const { shelf } = createBench();
    for (let at = 0; at < 40; at += 1) shelf.use(snapshot(`d${at}`));
    expect(
      Array.from({ length: 40 }, (_, at) => `d${at}`).filter((digest) => shelf.find(digest)),
    ).toHaveLength(17);
    expect(shelf.find('d38')?.digest).toBe('d38');
    expect(shelf.find('d0')).toBeUndefined();
  });
});

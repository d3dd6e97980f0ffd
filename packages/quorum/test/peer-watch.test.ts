import { createInProcessNetwork, createPeerWatch } from '@lazarus/quorum';
import { createManualClock } from '@lazarus/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aQuestion, never } from './transport-kit.ts';

let clock: ReturnType<typeof createManualClock>;
let network: ReturnType<typeof createInProcessNetwork>;
let closing: (() => Promise<void>)[];

beforeEach(() => {
  clock = createManualClock();
  network = createInProcessNetwork({ clock });
  closing = [];
});
afterEach(async () => {
  for (const close of closing) await close();
});

function start(self: string) {
  const peers = ['a', 'b', 'c'].filter((id) => id !== self);
  const watch = createPeerWatch({ self, peers }, { clock, transport: network.node(self) });
  watch.transport.serve(async () => 'a vote');
  closing.push(() => watch.transport.close());
  return watch;
}

describe('a peer watch', () => {
  it('greets every 2 s, and knows who answered, when, and why not', async () => {
    const a = start('a');
    start('b');
    await clock.advance(2_000);
    expect(a.peers()).toMatchObject([
      { id: 'b', connected: true, lastSeenAtMs: clock.now() },
      { id: 'c', connected: false },
    ]);
    expect(a.peers()[1]!.detail).toContain('nobody listens');
    expect(a.peers()[1]).not.toHaveProperty('lastSeenAtMs');
  });

  it('L4: a peer that is cut off in one direction is away after one greeting, and back after the next', async () => {
    const [a, b] = [start('a'), start('b')];
    await clock.advance(2_000);
    network.setFault('a', 'b', { kind: 'drop' });
    await clock.advance(4_000);
    const [seenByA] = a.peers();
    expect(seenByA).toMatchObject({ id: 'b', connected: false });
    // What b says still arrives.
    expect(clock.now() - seenByA!.lastSeenAtMs!).toBeLessThanOrEqual(2_000);
    // Nothing of a reaches b, neither greetings nor answers to those of b.
    const [seenByB] = b.peers();
    expect(seenByB).toMatchObject({ id: 'a', connected: false });
    expect(clock.now() - seenByB!.lastSeenAtMs!).toBeGreaterThan(2_000);
    network.heal();
    await clock.advance(4_000);
    expect(a.peers()[0]).toMatchObject({ id: 'b', connected: true });
  });

  it('hands questions through in both directions, and answers greetings itself', async () => {
    const a = start('a');
    start('b');
    expect(await a.transport.ask('b', aQuestion(), { signal: never })).toEqual({
      from: 'b',
      answer: 'a vote',
    });
    expect(await a.transport.ask('b', { version: 1, hello: 'a' }, { signal: never })).toEqual({
      from: 'b',
      answer: { version: 1, hello: 'b' },
    });
  });

  it('leaves nothing running when it is closed', async () => {
    const a = start('a');
    await a.transport.close();
    const before = JSON.stringify(a.peers());
    await clock.advance(60_000);
    expect(JSON.stringify(a.peers())).toBe(before);
  });
});

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createFrameConnection } from '../src/transports/frame-connection.ts';
import { encodeFrame } from '../src/transports/frame.ts';

/** A socket that keeps what is written to it; one that is stuck never takes a byte. */
function createSocket(options: { readonly isStuck?: boolean } = {}) {
  const writes: Buffer[] = [];
  const socket = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _encoding, done) => {
      writes.push(bytes);
      if (options.isStuck !== true) done();
    },
  });
  const closed: string[] = [];
  const connection = createFrameConnection(socket as unknown as Socket, {
    onFrame: () => undefined,
    onClose: (reason) => closed.push(reason),
  });
  return { socket, writes, closed, connection };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('frame connection', () => {
  it('sends 100 frames of one turn in one write, and those of the next turn in another', async () => {
    const { connection, writes } = createSocket();
    const frames = Array.from({ length: 100 }, (_, at) => encodeFrame('question', at, { at }));
    for (const frame of frames) connection.send(frame);
    await nextTurn();
    expect(writes).toEqual([Buffer.concat(frames)]);
    connection.send(frames[0]!);
    await nextTurn();
    expect(writes).toHaveLength(2);
  });

  it('ends when more than 32 MB wait for the other side to read, and then takes no more (L5)', async () => {
    const { connection, socket, closed } = createSocket({ isStuck: true });
    const frame = encodeFrame('answer', 1, 'x'.repeat(500_000));
    let sent = 0;
    for (; connection.isOpen && sent < 1_000; sent += 1) {
      connection.send(frame);
      await nextTurn();
    }
    expect(closed).toEqual(['the other side does not read']);
    expect(sent * frame.length).toBeLessThan(35_000_000);
    expect(sent * frame.length).toBeGreaterThan(33_000_000);
    expect(socket.destroyed).toBe(true);
  });
});

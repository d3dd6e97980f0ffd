import type { Socket } from 'node:net';
import type { Frame } from './frame.ts';
import { EMPTY_READER, readFrames } from './frame.ts';

/** A connection that carries frames. */
export interface FrameConnection {
  /** False once it has ended; frames sent after that go nowhere. */
  readonly isOpen: boolean;
  /** Queues one frame; everything queued within the same turn goes out in one write. */
  send(frame: Buffer): void;
  /** Ends the connection; `onClose` is called once, with the reason. */
  destroy(reason: string): void;
}

/** Most bytes that wait for the other side to read. */
const MAX_UNSENT_BYTES = 33_554_432;

/** Reads frames from a connected socket and writes them to it. */
export function createFrameConnection(
  socket: Socket,
  listeners: { readonly onFrame: (frame: Frame) => void; readonly onClose: (reason: string) => void },
): FrameConnection {
  let reader = EMPTY_READER;
  let queue: Buffer[] = [];
  let isOpen = true;

  const close = (reason: string): void => {
    if (!isOpen) return;
    isOpen = false;
    queue = [];
    socket.destroy();
    listeners.onClose(reason);
  };
  const flush = (): void => {
    if (!isOpen || queue.length === 0) return;
    const [only] = queue;
    const bytes = queue.length === 1 && only !== undefined ? only : Buffer.concat(queue);
    queue = [];
    socket.write(bytes);
    // L5: a peer that asks and never reads would fill the memory with answers.
    if (socket.writableLength > MAX_UNSENT_BYTES) close('the other side does not read');
  };
  socket.on('data', (chunk: Buffer) => {
    const step = readFrames(reader, chunk);
    reader = step.state;
    if (!step.verdict.ok) {
      close(`the other side sent ${step.verdict.reason}`);
      return;
    }
    for (const frame of step.verdict.frames) if (isOpen) listeners.onFrame(frame);
  });
  socket.on('error', (error) => close(error.message));
  socket.on('close', () => close('the connection was closed'));
  socket.on('end', () => close('the other side ended the connection'));

  if (socket.destroyed) queueMicrotask(() => close('the connection was closed'));

  return {
    get isOpen() {
      return isOpen;
    },
    send: (frame) => {
      if (!isOpen) return;
      if (queue.length === 0) queueMicrotask(flush);
      queue.push(frame);
    },
    destroy: close,
  };
}

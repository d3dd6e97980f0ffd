import { PortError } from '@lazarus/core';
import type { Socket } from 'node:net';

/** Votes are small and urgent; a peer that vanished is noticed by the system in time. */
export function prepareSocket(socket: Socket): void {
  // Whoever uses the socket listens, too; this one keeps an error in between from ending the process.
  socket.on('error', () => undefined);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 10_000);
}

/** The error for a peer that did not take a question. */
export function unreachable(member: string, why: string): PortError {
  return new PortError({
    code: 'LZ_VOTE_TRANSPORT',
    message: `node ${member} could not be asked: ${why}`,
    retryable: true,
  });
}

import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StartupError } from './startup-error.ts';

/**
 * Makes `server` listen on the loopback address and returns the port, which is of the system's choice for 0.
 *
 * @throws StartupError when the port is taken or not allowed.
 */
export async function listenOn(server: Server, port: number, what: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const cause =
        error.code === 'EADDRINUSE' ? 'is taken by another process' : `cannot be used (${error.message})`;
      reject(
        new StartupError(
          `port ${port} for the ${what} ${cause}: free it, choose another port, or use 0 and let the system choose ` +
            '(a state directory remembers its ports: delete it to start afresh)',
        ),
      );
    };
    server.once('error', fail);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', fail);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '@lazarus/core/ports';

const CLOSE_WAIT_MS = 20;
const MAX_CLOSE_WAITS = 100;

/** A running Kinesis emulator. */
export interface Emulator {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Starts a Kinesis emulator on disk, on loopback, in this process: what was accepted survives a kill. */
export async function startEmulator(
  options: { readonly path: string; readonly port?: number },
  clock: Pick<Clock, 'sleep'>,
): Promise<Emulator> {
  const { default: kinesalite } = await import('kinesalite');
  const server = kinesalite({ path: options.path, createStreamMs: 20, shardLimit: 50 });
  const answering = countAnswers(server);
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: async () => {
      // The emulator works on for a caller that hung up, and would then find its database closed.
      for (let waits = 0; answering() > 0 && waits < MAX_CLOSE_WAITS; waits += 1)
        await clock.sleep(CLOSE_WAIT_MS);
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** How many requests are still being answered, also those whose caller is gone. */
function countAnswers(server: Server): () => number {
  let answering = 0;
  server.prependListener('request', (_request, response: ServerResponse) => {
    answering += 1;
    const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
    response.end = ((...args: unknown[]) => {
      answering -= 1;
      return end(...args);
    }) as typeof response.end;
  });
  return () => answering;
}

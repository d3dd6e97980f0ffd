import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';

/** A port that could not be taken, with what to do. */
export class PortTakenError extends Error {}

type Handler = (request: Request) => Response | Promise<Response>;

/** A listening HTTP server. */
export interface HttpServer {
  readonly url: string;
  /** Answers with this from now on; without it, that the node is not ready. */
  use(handler: Handler | undefined): void;
  close(): Promise<void>;
}

/**
 * Takes the port. Nothing else of a daemon is worth starting when it cannot be had, so this comes first, and says "not
 * ready" until there is a handler.
 *
 * @throws PortTakenError when somebody else has the port.
 */
export async function listen(address: { readonly host: string; readonly port: number }): Promise<HttpServer> {
  let handler: Handler = notReady;
  const listener = getRequestListener((request) => handler(request));
  const server = createServer((request, response) => void listener(request, response));
  server.listen(address.port, address.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw explain(error as NodeJS.ErrnoException, address);
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${address.host}:${port}`,
    use: (next = notReady) => void (handler = next),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function notReady(): Response {
  const error = { code: 'unavailable', message: 'the node is starting or stopping: try again' };
  return Response.json({ error }, { status: 503, headers: { 'retry-after': '1' } });
}

function explain(
  error: NodeJS.ErrnoException,
  address: { readonly host: string; readonly port: number },
): Error {
  if (error.code !== 'EADDRINUSE') return error;
  return new PortTakenError(
    `port ${address.port} on ${address.host} is taken: stop the other program, or set another port`,
  );
}

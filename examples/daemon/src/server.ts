import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';

/** A port that could not be taken, with what to do. */
export class PortTakenError extends Error {}

/** A listening HTTP server. */
export interface HttpServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a fetch handler. @throws PortTakenError when somebody else has the port. */
export async function serve(
  fetch: (request: Request) => Response | Promise<Response>,
  listen: { readonly host: string; readonly port: number },
): Promise<HttpServer> {
  const listener = getRequestListener(fetch);
  const server = createServer((request, response) => void listener(request, response));
  server.listen(listen.port, listen.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw explain(error as NodeJS.ErrnoException, listen);
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${listen.host}:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function explain(
  error: NodeJS.ErrnoException,
  listen: { readonly host: string; readonly port: number },
): Error {
  if (error.code !== 'EADDRINUSE') return error;
  return new PortTakenError(
    `port ${listen.port} on ${listen.host} is taken: stop the other program, or set another port`,
  );
}

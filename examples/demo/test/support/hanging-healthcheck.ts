import { createServer } from 'node:http';
import { until } from './stage.ts';

/** Takes the place of a dead host at its port, and answers no probe. */
export interface HangingHealthcheck {
  /** Listens as soon as the port is free. */
  listen(port: number): Promise<void>;
  /** Resolves with the first probe of one of our nodes; what the load balancer asks is none. */
  readonly probed: Promise<true>;
  /** Drops every probe that waits: then the host is down. */
  close(): Promise<void>;
}

/** Creates one that does not listen yet. */
export function createHangingHealthcheck(): HangingHealthcheck {
  const probed = Promise.withResolvers<true>();
  const server = createServer((request) => {
    if (request.headers['user-agent'] === 'lazarus-probe') probed.resolve(true);
  });
  return {
    probed: probed.promise,
    listen: async (port) => {
      await until(`port ${port} of the dead host is free`, () => {
        const tried = Promise.withResolvers<true | undefined>();
        server.once('error', () => tried.resolve(undefined));
        server.listen(port, '127.0.0.1', () => tried.resolve(true));
        return tried.promise;
      });
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

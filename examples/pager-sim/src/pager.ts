import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addEventsApi } from './api/events-api.ts';
import { adminApi } from './api/admin-api.ts';
import { FaultList } from './api/fault.ts';
import { incidentPage } from './api/incident-page.ts';
import { addIncidentsApi } from './api/incidents-api.ts';
import type { ApiEnvironment, ApiParts } from './api/operation.ts';
import { IncidentBook } from './incidents/incident-book.ts';
import type { Incident } from './incidents/incident.ts';
import { pagerOptions } from './options.ts';
import type { PagerOptions } from './options.ts';
import { incidentFile, memoryFile } from './state/incident-file.ts';
import { StartupError } from './state/startup-error.ts';

/** A running pager. */
export interface Pager {
  /** Base URL of the REST API and of the Events API alike. */
  readonly endpoint: string;
  readonly faults: FaultList;
  incidents(): readonly Incident[];
  /** Stops listening and keeps the incidents for the next start. */
  close(): Promise<void>;
}

/**
 * Starts a pager, or takes up the one that `stateFile` holds, at the port it had.
 *
 * @throws StartupError when the port is taken or the state cannot be used.
 * @throws ZodError when the options are malformed.
 */
export async function createPager(options: PagerOptions = {}): Promise<Pager> {
  const resolved = pagerOptions.parse(options);
  const file = resolved.stateFile === undefined ? memoryFile() : incidentFile(resolved.stateFile);
  try {
    const state = file.load() ?? { version: 1, port: 0, incidents: [] };
    let port = resolved.port === 0 ? state.port : resolved.port;
    const faults = new FaultList();
    const book = new IncidentBook(state.incidents, resolved, (incidents) =>
      file.save({ version: 1, port, incidents }),
    );
    const endpoint = (): string => `http://127.0.0.1:${port}`;
    const server = createAdaptorServer({
      fetch: appOf({ book, faults, options: resolved, endpoint }).fetch,
    }) as Server;
    port = await listenOn(server, port).catch((error: unknown) => {
      book.close();
      throw error;
    });
    file.save({ version: 1, port, incidents: book.list() });
    const close = async (): Promise<void> => {
      book.close();
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
      file.release();
    };
    return { endpoint: endpoint(), faults, incidents: () => book.list(), close };
  } catch (error) {
    file.release();
    throw error;
  }
}

function appOf(parts: ApiParts): Hono<ApiEnvironment> {
  const app = new Hono<ApiEnvironment>();
  app.get('/', (context) => context.text(incidentPage(parts.book.list())));
  addEventsApi(app, parts);
  addIncidentsApi(app, parts);
  app.route('/_sim', adminApi(parts));
  app.notFound((context) => context.json({ error: { message: 'Not Found', code: 2100 } }, 404));
  return app;
}

async function listenOn(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const cause =
        error.code === 'EADDRINUSE' ? 'is taken by another process' : `cannot be used (${error.message})`;
      const advice =
        'free it, choose another --port, or use 0 (a state file remembers its port: delete it to start afresh)';
      reject(new StartupError(`port ${port} ${cause}: ${advice}`));
    };
    server.once('error', fail);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', fail);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

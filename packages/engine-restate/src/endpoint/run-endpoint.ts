/**
 * Where Restate calls this process: one HTTP/2 server with the service that drives runs.
 */
import { createServer } from 'node:http2';
import type { Http2Server, ServerHttp2Session } from 'node:http2';
import { ConfigurationError, describeError } from '@lazarus/core';
import type { Logger } from '@lazarus/core/ports';
import type { LoggerTransport } from '@restatedev/restate-sdk';
import type { ResolvedOptions } from '../options.ts';
import { runService } from './run-service.ts';
import type { RunServiceParts } from './run-service.ts';

/** Where Restate calls. */
export interface RunEndpoint {
  /** Address of the listener, without path. */
  readonly url: string;
  /** Asks the server to use another connection, which may lead to another process. */
  sendElsewhere(): void;
  /** Ends every connection at once; the server calls again. */
  drop(): void;
  close(): Promise<void>;
}

/** What the endpoint is made of. */
export interface RunEndpointParts extends RunServiceParts {
  /** False when a new connection may have waited while this process was stopped. */
  isAwake(): boolean;
}

/** Starts to listen. @throws ConfigurationError `LZ_OPTION_INVALID` when the port is taken. */
export async function openEndpoint(parts: RunEndpointParts): Promise<RunEndpoint> {
  const { sdk, options, log, isAwake } = parts;
  const handler = sdk.createEndpointHandler({
    services: [runService(parts)],
    logger: loggerOf(log),
    ...(options.identityKeys.length === 0 ? {} : { identityKeys: options.identityKeys }),
  });
  const server = createServer(handler);
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', (error) =>
      log.debug('a connection of Restate broke', { error: describeError(error) }),
    );
    session.once('close', () => sessions.delete(session));
    if (!isAwake()) session.destroy();
  });
  const port = await listen(server, options.listen);
  const drop = (): void => {
    for (const session of sessions) session.destroy();
  };
  const host = options.listen.host.includes(':') ? `[${options.listen.host}]` : options.listen.host;
  return {
    url: `http://${host}:${port}`,
    sendElsewhere: () => {
      for (const session of sessions) session.close();
    },
    drop,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      drop();
      await closed;
    },
  };
}

async function listen(server: Http2Server, { host, port }: ResolvedOptions['listen']): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  } catch (error) {
    throw new ConfigurationError({
      code: 'LZ_OPTION_INVALID',
      summary: `cannot listen on ${host}:${port} for Restate (${describeError(error)}): set listen to a free port`,
      issues: [],
    });
  }
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** The SDK's words go where ours go; what it says about each call is for debugging. */
function loggerOf(log: Logger): LoggerTransport {
  return (meta, message: unknown, ...rest: unknown[]) => {
    if (meta.replaying || (meta.level as string) === 'info') return;
    const text = [message, ...rest].map((part) => (typeof part === 'string' ? part : describeError(part)));
    log.debug('restate', { level: meta.level, text: text.join(' ').slice(0, 500) });
  };
}

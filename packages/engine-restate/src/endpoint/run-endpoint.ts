/**
 * Where Restate calls this process: one HTTP/2 server with the service that drives runs.
 */
import { createServer } from 'node:http2';
import type { Http2Server, ServerHttp2Session } from 'node:http2';
import { ConfigurationError, describeError } from '@lazarus/core';
import type { Json, Logger, RunView } from '@lazarus/core/ports';
import type { LoggerTransport, WorkflowContext, WorkflowSharedContext } from '@restatedev/restate-sdk';
import type { DurableContext } from '../durable/durable-context.ts';
import { SdkContext } from '../durable/sdk-context.ts';
import type { ResolvedOptions } from '../options.ts';
import type { PinnedWire } from '../run/pinned-run.ts';
import { signalKey } from '../run/restate-run.ts';
import type { Sdk } from './load-sdk.ts';

/**
 * Version of what a run journals, and in which order. A change that an older journal does not fit is a new service with a
 * new address, beside the old one: Restate keeps each run at the address where it began.
 */
const INTERPRETER = 1;

/** Name of the service that drives runs. */
export const RUN_SERVICE = `LazarusRun${INTERPRETER}`;

/** Path of the interpreter below the address of the service. */
export const INTERPRETER_PATH = `/lazarus-run/${INTERPRETER}`;

const HOUR_MS = 3_600_000;

/** Where Restate calls. */
export interface RunEndpoint {
  /** Address of the listener, without path. */
  readonly url: string;
  /** Asks the server to use another connection, which may lead to another process. */
  sendElsewhere(): void;
  close(): Promise<void>;
}

/** What somebody tells a run. */
export interface RunSignal {
  readonly name: string;
  readonly payload: Json;
  /** Id that Restate has for the run: it is asked to stop. */
  readonly cancels?: string;
}

/** What the endpoint is made of. */
export interface RunEndpointParts {
  readonly sdk: Sdk;
  readonly options: ResolvedOptions;
  readonly log: Logger;
  /** Whether a run with this key is one of ours. */
  accepts(run: PinnedWire, key: string): boolean;
  drive(run: PinnedWire, context: DurableContext): Promise<RunView>;
}

/** Starts to listen. @throws ConfigurationError `LZ_OPTION_INVALID` when the port is taken. */
export async function openEndpoint(parts: RunEndpointParts): Promise<RunEndpoint> {
  const { sdk, options, log } = parts;
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
  });
  const port = await listen(server, options.listen);
  const host = options.listen.host.includes(':') ? `[${options.listen.host}]` : options.listen.host;
  return {
    url: `http://${host}:${port}`,
    sendElsewhere: () => {
      for (const session of sessions) session.close();
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

/**
 * The service. No closure is longer than a minute, and waiting is no reason to suspend a run of usual length, whose lock is
 * renewed by the process that drives it: so both timeouts are far above the longest call, and Restate takes a run away
 * only when the connection is lost. It is tried again for ever: a run that nobody can drive ends at its deadline, by a
 * human.
 */
function runService({ sdk, options, log, accepts, drive }: RunEndpointParts) {
  const { keepEntriesMs, keepRunsMs } = options.times;
  return sdk.workflow({
    name: RUN_SERVICE,
    handlers: {
      run: async (context: WorkflowContext, run: PinnedWire): Promise<RunView> => {
        if (accepts(run, context.key)) return drive(run, new SdkContext(sdk, context));
        log.error('a run was refused: no process that has our key submitted it as it is', {
          run_id: context.key,
        });
        throw new sdk.TerminalError('no process that has our key submitted this run as it is', {
          errorCode: 403,
        });
      },
      signal: sdk.handlers.workflow.shared(
        async (context: WorkflowSharedContext, signal: RunSignal): Promise<void> => {
          let index = 0;
          while (!(await offer(sdk, context, signalKey(signal.name, index), signal.payload))) index += 1;
          const { cancels } = signal;
          if (cancels !== undefined) context.invocation(sdk.InvocationIdParser.fromString(cancels)).cancel();
        },
      ),
    },
    options: {
      inactivityTimeout: HOUR_MS,
      abortTimeout: HOUR_MS,
      journalRetention: keepEntriesMs,
      workflowRetention: keepRunsMs,
      retryPolicy: {
        initialInterval: 100,
        exponentiationFactor: 2,
        maxInterval: 2_000,
        maxAttempts: 1_000_000_000,
        onMaxAttempts: 'pause',
      },
    },
  });
}

/** Puts a signal into the first place that is free; signals of one name are received in the order in which they came. */
async function offer(sdk: Sdk, context: WorkflowSharedContext, key: string, payload: Json): Promise<boolean> {
  if ((await context.promise<Json>(key).peek()) !== undefined) return false;
  try {
    await context.promise<Json>(key).resolve(payload);
    return true;
  } catch (error) {
    // Of a call that was canceled nobody knows whether the place is taken.
    if (error instanceof sdk.TerminalError && !(error instanceof sdk.CancelledError)) return false;
    throw error;
  }
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

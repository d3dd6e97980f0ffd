import type * as Kinesis from '@aws-sdk/client-kinesis';
import type { KinesisClient, KinesisClientConfig } from '@aws-sdk/client-kinesis';
import type { NodeHttpHandler } from '@smithy/node-http-handler';

import { ConfigurationError } from '@lazarus/core';

/** The AWS SDK for Kinesis, loaded when it is needed. */
export type KinesisSdk = typeof Kinesis;

/** Either a client, which stays the caller's, or the configuration to make one from. */
export interface KinesisConnection {
  readonly client?: KinesisClient;
  readonly clientConfig?: KinesisClientConfig;
}

/** A client that is ready for use. */
export interface OpenKinesis {
  readonly sdk: KinesisSdk;
  readonly client: KinesisClient;
  /** Ends the client when it was made here. */
  close(): void;
}

function missing(name: string, cause: unknown): ConfigurationError {
  return new ConfigurationError({
    code: 'LZ_PORT_MISSING',
    summary: `${name} is not installed`,
    issues: [
      { path: name, message: 'is an optional peer of @lazarus/sensors-kinesis', hint: `npm install ${name}` },
    ],
    cause,
  });
}

/** @throws ConfigurationError `LZ_PORT_MISSING` when the SDK is not installed. */
async function loadKinesis(): Promise<KinesisSdk> {
  return import('@aws-sdk/client-kinesis').catch((error: unknown) => {
    throw missing('@aws-sdk/client-kinesis', error);
  });
}

/**
 * Makes a request handler that speaks HTTP/1.1. The SDK's own handler for Kinesis speaks HTTP/2 only, which emulators
 * answer with a protocol error.
 *
 * @throws ConfigurationError `LZ_PORT_MISSING` when `@smithy/node-http-handler` is not installed.
 */
export async function http1Handler(): Promise<NodeHttpHandler> {
  const handlers = await import('@smithy/node-http-handler').catch((error: unknown) => {
    throw missing('@smithy/node-http-handler', error);
  });
  const { Agent } = await import('node:http');
  return new handlers.NodeHttpHandler({ httpAgent: new Agent({ keepAlive: true }), connectionTimeout: 2000 });
}

/**
 * Opens the connection. A client made here tries each call once, because the callers own their back-off, and speaks
 * HTTP/1.1 when the endpoint is plain `http:`.
 *
 * @throws ConfigurationError `LZ_PORT_MISSING`.
 */
export async function openKinesis(connection: KinesisConnection): Promise<OpenKinesis> {
  const sdk = await loadKinesis();
  if (connection.client !== undefined) return { sdk, client: connection.client, close: () => undefined };
  const config = connection.clientConfig ?? {};
  const isPlain = typeof config.endpoint === 'string' && config.endpoint.startsWith('http:');
  const handler =
    isPlain && config.requestHandler === undefined ? { requestHandler: await http1Handler() } : {};
  const client = new sdk.KinesisClient({ maxAttempts: 1, ...config, ...handler });
  return { sdk, client, close: () => client.destroy() };
}

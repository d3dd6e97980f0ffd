import type { X509Certificate } from 'node:crypto';
import { ConfigurationError } from '@lazarus/core';
import type { Clock, Logger } from '@lazarus/core/ports';
import { z } from 'zod';
import type { FrameConnection } from './frame-connection.ts';
import { isLoopback } from './loopback.ts';

/** Options of {@link createFramedTransport}. */
export const FramedTransportOptions = z.strictObject({
  /** Address to listen on. @defaultValue host 127.0.0.1, port 0 (any free one) */
  listen: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.int().min(0).max(65_535).default(0),
    })
    .prefault({}),
  /** PEM texts. Without it nothing is encrypted or proven, which is allowed on loopback only. */
  tls: z.strictObject({ cert: z.string().min(1), key: z.string().min(1), ca: z.string().min(1) }).optional(),
  /** Longest time for a connection to be made. @defaultValue 3000 */
  connectTimeoutMs: z.int().min(1).max(60_000).default(3_000),
  /** Most questions in flight per peer and direction; one more is refused. @defaultValue 1024 */
  maxPending: z.int().min(1).max(65_536).default(1_024),
});

/** Where a peer listens. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

/** What the transport works with. */
export interface FramedTransportPorts {
  readonly clock: Clock;
  readonly log: Logger;
  /** Looks up where a member listens now. */
  readonly addressOf: (member: string) => PeerAddress | undefined;
}

/** A connection whose peer has shown a certificate. */
export interface StandingConnection {
  readonly certificate: X509Certificate;
  readonly connection: FrameConnection;
}

/** What both sides of the transport share. */
export interface TransportContext {
  readonly self: string;
  readonly members: readonly string[];
  readonly settings: z.output<typeof FramedTransportOptions>;
  readonly ports: FramedTransportPorts;
  readonly closing: AbortController;
  /** What new connections are made and accepted with; it can be renewed. */
  tls: z.output<typeof FramedTransportOptions>['tls'];
  /** Connections in both directions whose peer has shown a certificate. */
  readonly standing: Set<StandingConnection>;
}

/** TLS 1.3 only; both sides show a certificate of our authority. */
export const TLS_POLICY = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', rejectUnauthorized: true } as const;

/** @throws ConfigurationError `LZ_OPTION_INVALID` when votes would leave this machine unprotected. */
export function refuseBeyondLoopback(path: string, host: string): void {
  if (isLoopback(host)) return;
  throw new ConfigurationError({
    code: 'LZ_OPTION_INVALID',
    summary: 'votes are not carried unprotected beyond this machine:',
    issues: [{ path, message: `${host} is not a loopback address`, hint: 'pass tls' }],
  });
}

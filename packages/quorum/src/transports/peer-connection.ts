/**
 * A connection stands longer than what vouched for its peer. So it ends by itself when the certificate of the peer does, and
 * when a renewal takes away the authority that issued it; the next question dials again and proves the peer anew.
 */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { isVouchedFor } from '../certificates/authorities.ts';
import type { FrameConnection } from './frame-connection.ts';
import { createFrameConnection } from './frame-connection.ts';
import type { StandingConnection, TransportContext } from './framed-options.ts';

/** Longest single sleep: the timers of the platform end at 24.8 days, and wall time can be set meanwhile. */
const LONGEST_SLEEP_MS = 3_600_000;
const EXPIRED = 'the certificate of the other side has expired';

/**
 * Reads and writes frames while the certificate of the peer is valid. Keeps S18: no frame of an expired peer is passed on,
 * even when the alarm is late.
 *
 * @param certificate - Absent on an unprotected connection, which only its sockets end.
 */
export function createPeerConnection(
  socket: Socket,
  certificate: X509Certificate | undefined,
  context: Pick<TransportContext, 'ports' | 'standing'>,
  listeners: Parameters<typeof createFrameConnection>[1],
): FrameConnection {
  if (certificate === undefined) return createFrameConnection(socket, listeners);
  const { clock } = context.ports;
  const endsAtMs = Date.parse(certificate.validTo);
  const ended = new AbortController();
  const connection = createFrameConnection(socket, {
    onFrame: (frame) => {
      if (clock.now() < endsAtMs) listeners.onFrame(frame);
      else connection.destroy(EXPIRED);
    },
    onClose: (reason) => {
      ended.abort(reason);
      context.standing.delete(standing);
      listeners.onClose(reason);
    },
  });
  const standing: StandingConnection = { certificate, connection };
  context.standing.add(standing);
  const endWhenExpired = async (): Promise<void> => {
    for (let restMs = endsAtMs - clock.now(); restMs > 0; restMs = endsAtMs - clock.now())
      await clock.sleep(Math.min(restMs, LONGEST_SLEEP_MS), { signal: ended.signal });
    connection.destroy(EXPIRED);
  };
  // The only rejection is the end of the connection.
  endWhenExpired().catch(() => undefined);
  return connection;
}

/** Ends the connections for whose peer none of the authorities vouches. Keeps S18. */
export function endUnvouched(
  { standing, ports }: Pick<TransportContext, 'ports' | 'standing'>,
  authorities: readonly X509Certificate[],
): void {
  for (const { certificate, connection } of [...standing]) {
    if (!isVouchedFor(certificate, authorities, ports.clock.now()))
      connection.destroy('no authority that is trusted now issued the certificate of the other side');
  }
}

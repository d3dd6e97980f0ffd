import { describeError } from '@lazarus/core';
import { withTimeout } from '@lazarus/core/time';
import type { PortError } from '@lazarus/core';
import type { Socket } from 'node:net';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { identityOf } from './certificate-identity.ts';
import type { FrameConnection } from './frame-connection.ts';
import { createFrameConnection } from './frame-connection.ts';
import type { Frame } from './frame.ts';
import { encodeFrame } from './frame.ts';
import type { TransportContext } from './framed-options.ts';
import { refuseBeyondLoopback, TLS_POLICY } from './framed-options.ts';
import type { Reply } from './transport.ts';
import { prepareSocket, unreachable } from './vote-socket.ts';

/** Our questions to one peer. */
export interface AskingSide {
  ask(question: unknown, signal: AbortSignal): Promise<Reply>;
  close(): void;
}

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

/** Creates the asking side; it dials when it is asked first, and again after the connection ended. */
export function createAskingSide(member: string, context: TransportContext): AskingSide {
  const { ports, settings } = context;
  const waiting = new Map<number, Waiting>();
  let connection: Promise<FrameConnection> | undefined;
  let correlation = 0;
  let lastHeardMs = -Infinity;

  const fail = (why: string): PortError => unreachable(member, why);
  const refuseWhenFull = (): void => {
    if (waiting.size >= settings.maxPending)
      throw fail(`${settings.maxPending} questions are waiting already`);
  };
  const onFrame = (frame: Frame): void => {
    lastHeardMs = ports.clock.monotonic();
    const waiter = waiting.get(frame.correlation);
    if (waiter === undefined) return;
    waiting.delete(frame.correlation);
    try {
      const body = JSON.parse(frame.body.toString('utf8')) as unknown;
      if (frame.kind === 'answer') waiter.resolve({ from: member, answer: body });
      else waiter.reject(fail(`it refused: ${String(body).slice(0, 200)}`));
    } catch {
      waiter.reject(fail('its answer is not JSON'));
    }
  };
  const onClose = (reason: string): void => {
    connection = undefined;
    const lost = [...waiting.values()];
    waiting.clear();
    for (const waiter of lost) waiter.reject(fail(reason));
  };
  const open = async (): Promise<FrameConnection> => {
    const socket = await dial(member, context);
    const opened = createFrameConnection(socket, { onFrame, onClose });
    if (settings.tls === undefined) opened.send(encodeFrame('hello', 0, { from: context.self }));
    return opened;
  };
  const connected = (): Promise<FrameConnection> => {
    connection ??= open().catch((error: unknown) => {
      connection = undefined;
      throw error;
    });
    return connection;
  };

  return {
    ask: async (question, signal) => {
      refuseWhenFull();
      const open = await connected();
      signal.throwIfAborted();
      if (!open.isOpen) throw fail('the connection was closed');
      refuseWhenFull();
      correlation = (correlation + 1) >>> 0;
      const id = correlation;
      const askedAtMs = ports.clock.monotonic();
      open.send(encodeFrame('question', id, question));
      return new Promise<Reply>((resolve, reject) => {
        const onAbort = (): void => {
          waiting.delete(id);
          reject(signal.reason as Error);
          // Not a word since we asked: the connection may be dead without either side knowing.
          if (lastHeardMs < askedAtMs) open.destroy('it was silent');
        };
        const settle =
          <T>(then: (value: T) => void) =>
          (value: T): void => {
            signal.removeEventListener('abort', onAbort);
            then(value);
          };
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      });
    },
    close: () =>
      void connection?.then((opened) => opened.destroy('the transport is closing')).catch(() => undefined),
  };
}

/** Connects to a peer and proves who it is. */
async function dial(member: string, context: TransportContext): Promise<Socket> {
  const { settings, ports, members, closing } = context;
  const address = ports.addressOf(member);
  if (address === undefined) throw unreachable(member, 'its address is unknown');
  const { host, port } = address;
  const { tls } = settings;
  if (tls === undefined) refuseBeyondLoopback(`the address of ${member}`, host);
  const socket =
    tls === undefined
      ? connectPlain({ host, port })
      : connectTls({
          host,
          port,
          ...tls,
          ...TLS_POLICY,
          servername: member,
          checkServerIdentity: () => undefined,
        });
  prepareSocket(socket);
  try {
    await withTimeout(ports.clock, settings.connectTimeoutMs, closing.signal, () =>
      once(socket, tls === undefined ? 'connect' : 'secureConnect'),
    );
    const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    if (tls !== undefined && identityOf(certificate, members) !== member) {
      throw new Error('its certificate belongs to somebody else');
    }
    return socket;
  } catch (error) {
    socket.destroy();
    throw unreachable(member, describeError(error));
  }
}

function once(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
    socket.once(event, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

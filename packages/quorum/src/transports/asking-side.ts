import { describeError } from '@lazarus/core';
import { withTimeout } from '@lazarus/core/time';
import type { PortError } from '@lazarus/core';
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { isVouchedFor, readAuthorities } from '../certificates/authorities.ts';
import { identityOf } from './certificate-identity.ts';
import type { FrameConnection } from './frame-connection.ts';
import type { Frame } from './frame.ts';
import { encodeFrame, frameHead } from './frame.ts';
import type { TransportContext } from './framed-options.ts';
import { refuseBeyondLoopback, TLS_POLICY } from './framed-options.ts';
import { createPeerConnection } from './peer-connection.ts';
import type { Posted, Reply } from './transport.ts';
import { prepareSocket, unreachable } from './vote-socket.ts';

/** Our questions to one peer. */
export interface AskingSide {
  /** `body` is the question as JSON. */
  post(body: Buffer, onReply: (reply: Reply) => void, onFailure: (error: unknown) => void): Posted;
  close(): void;
}

/** A question whose answer is awaited. */
class Waiting implements Posted {
  readonly onReply: (reply: Reply) => void;
  readonly onFailure: (error: unknown) => void;
  readonly #onCancel: (waiting: Waiting) => void;
  /** Absent until it was sent. */
  correlation: number | undefined;
  sentAtMs = Infinity;
  isOver = false;

  constructor(
    onReply: (reply: Reply) => void,
    onFailure: (error: unknown) => void,
    onCancel: (waiting: Waiting) => void,
  ) {
    this.onReply = onReply;
    this.onFailure = onFailure;
    this.#onCancel = onCancel;
  }

  cancel(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#onCancel(this);
  }
}

/** Creates the asking side; it dials when it is asked first, and again after the connection ended. */
export function createAskingSide(member: string, context: TransportContext): AskingSide {
  const { ports, settings } = context;
  const waiting = new Map<number, Waiting>();
  let connection: Promise<FrameConnection> | undefined;
  /** The connection, once it is made. */
  let current: FrameConnection | undefined;
  let dialing = 0;
  let correlation = 0;
  let lastHeardMs = -Infinity;

  const fail = (why: string): PortError => unreachable(member, why);
  const end = (waiter: Waiting): void => {
    waiter.isOver = true;
    if (waiter.correlation !== undefined) waiting.delete(waiter.correlation);
  };
  const onFrame = (frame: Frame): void => {
    lastHeardMs = ports.clock.monotonic();
    const waiter = waiting.get(frame.correlation);
    if (waiter === undefined) return;
    end(waiter);
    let body: unknown;
    try {
      body = JSON.parse(frame.body.toString('utf8'));
    } catch {
      waiter.onFailure(fail('its answer is not JSON'));
      return;
    }
    if (frame.kind === 'answer') waiter.onReply({ from: member, answer: body });
    else waiter.onFailure(fail(`it refused: ${String(body).slice(0, 200)}`));
  };
  const onClose = (reason: string): void => {
    current = undefined;
    connection = undefined;
    const lost = [...waiting.values()];
    waiting.clear();
    for (const waiter of lost) {
      waiter.isOver = true;
      waiter.onFailure(fail(reason));
    }
  };
  const open = async (): Promise<FrameConnection> => {
    const { socket, certificate } = await dial(member, context);
    const opened = createPeerConnection(socket, certificate, context, { onFrame, onClose });
    if (settings.tls === undefined) opened.send(encodeFrame('hello', 0, { from: context.self }));
    if (opened.isOpen) current = opened;
    return opened;
  };
  const connected = (): Promise<FrameConnection> => {
    connection ??= open().catch((error: unknown) => {
      connection = undefined;
      throw error;
    });
    return connection;
  };

  const isFull = (): boolean => waiting.size + dialing >= settings.maxPending;
  const send = (waiter: Waiting, body: Buffer, open: FrameConnection): void => {
    correlation = (correlation + 1) >>> 0;
    waiter.correlation = correlation;
    waiter.sentAtMs = ports.clock.monotonic();
    waiting.set(correlation, waiter);
    open.send(frameHead('question', correlation, body.length));
    open.send(body);
  };
  const sendWhenConnected = async (waiter: Waiting, body: Buffer): Promise<void> => {
    dialing += 1;
    const open = await connected().finally(() => (dialing -= 1));
    if (waiter.isOver) return;
    if (!open.isOpen) throw fail('the connection was closed');
    send(waiter, body, open);
  };
  const onCancel = (waiter: Waiting): void => {
    end(waiter);
    // Not a word since we asked: the connection may be dead without either side knowing.
    if (lastHeardMs < waiter.sentAtMs && waiter.sentAtMs !== Infinity) current?.destroy('it was silent');
  };

  return {
    post: (body, onReply, onFailure) => {
      const waiter = new Waiting(onReply, onFailure, onCancel);
      const giveUp = (error: unknown): void => {
        if (waiter.isOver) return;
        waiter.isOver = true;
        onFailure(error);
      };
      if (isFull()) {
        queueMicrotask(() => giveUp(fail(`${settings.maxPending} questions are waiting already`)));
      } else if (current === undefined) {
        sendWhenConnected(waiter, body).catch(giveUp);
      } else {
        send(waiter, body, current);
      }
      return waiter;
    },
    close: () =>
      void connection?.then((opened) => opened.destroy('the transport is closing')).catch(() => undefined),
  };
}

/** Connects to a peer and proves who it is. */
async function dial(
  member: string,
  context: TransportContext,
): Promise<{ readonly socket: Socket; readonly certificate: X509Certificate | undefined }> {
  const { settings, ports, members, closing } = context;
  const address = ports.addressOf(member);
  if (address === undefined) throw unreachable(member, 'its address is unknown');
  const { host, port } = address;
  const { tls } = context;
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
    // S18: a renewal may have taken away during the handshake what it was begun with.
    const now = context.tls;
    if (tls !== now && certificate !== undefined && now !== undefined) {
      if (!isVouchedFor(certificate, readAuthorities(now.ca), ports.clock.now()))
        throw new Error('the authority of its certificate is no longer trusted');
    }
    return { socket, certificate };
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

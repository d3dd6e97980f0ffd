import { describeError } from '@lazarus/core';
import type { X509Certificate } from 'node:crypto';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { createServer as createTlsServer, Server as TlsServer, TLSSocket } from 'node:tls';
import type { NodeCertificate } from '../certificates/check-certificate.ts';
import { createAcceptedSockets } from './accepted-sockets.ts';
import { identityOf } from './certificate-identity.ts';
import type { Frame } from './frame.ts';
import { encodeFrame } from './frame.ts';
import type { TransportContext } from './framed-options.ts';
import { TLS_POLICY } from './framed-options.ts';
import { createPeerConnection } from './peer-connection.ts';
import { createRareWarnings } from './rare-warnings.ts';
import type { QuestionHandler } from './transport.ts';
import { prepareSocket } from './vote-socket.ts';

/** Questions of peers to us. */
export interface AnsweringSide {
  readonly server: Server;
  serve(handler: QuestionHandler): void;
  /** Accepts new connections with this certificate; handshakes under way are ended, they had begun with the other. */
  renew(tls: NodeCertificate): void;
  close(): Promise<void>;
}

/** Creates the answering side; its server does not listen yet. */
export function createAnsweringSide(context: TransportContext): AnsweringSide {
  const { settings, ports } = context;
  const warn = createRareWarnings(ports);
  const sockets = createAcceptedSockets((member) => {
    const message = 'connections of peers were ended because there were too many';
    warn(`too many of ${member ?? 'strangers'}`, message, { from: member ?? 'not known' });
  });
  let handler: QuestionHandler | undefined;

  const accept = (socket: Socket): void => {
    prepareSocket(socket);
    const { tls } = settings;
    const certificate = socket instanceof TLSSocket ? certificateOf(socket) : undefined;
    let from = identityOf(certificate, context.members);
    if (tls !== undefined && from === undefined) {
      warn('no member', "a certificate that is no member's was refused", { remote: socket.remoteAddress });
      socket.destroy();
      return;
    }
    if (from !== undefined) sockets.prove(socket, from);
    const ended = new AbortController();
    let inFlight = 0;
    const answer = async (frame: Frame, asker: string): Promise<void> => {
      inFlight += 1;
      const reply = await answerTo(frame, asker, handler, ended.signal);
      inFlight -= 1;
      connection.send(reply);
    };
    const onFrame = (frame: Frame): void => {
      if (frame.kind === 'hello' && tls === undefined && from === undefined) {
        from = helloOf(frame, context.members);
        if (from === undefined) connection.destroy('it is no member');
        else sockets.prove(socket, from);
      } else if (frame.kind !== 'question' || from === undefined) {
        connection.destroy(`an unexpected ${frame.kind}`);
      } else if (inFlight >= settings.maxPending) {
        connection.send(encodeFrame('refusal', frame.correlation, 'too many questions at once'));
      } else {
        void answer(frame, from);
      }
    };
    const connection = createPeerConnection(socket, certificate, context, {
      onFrame,
      onClose: (reason) => ended.abort(new DOMException(reason, 'AbortError')),
    });
    if (tls === undefined)
      ports.clock.sleep(settings.connectTimeoutMs, { signal: ended.signal }).then(
        () => {
          if (from === undefined) connection.destroy('it did not say who it is');
        },
        () => undefined,
      );
  };
  const server =
    settings.tls === undefined
      ? createServer({ noDelay: true }, accept)
      : createTlsServer(
          {
            ...settings.tls,
            ...TLS_POLICY,
            requestCert: true,
            noDelay: true,
            handshakeTimeout: settings.connectTimeoutMs,
          },
          accept,
        );
  server.on('connection', sockets.add);
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    // What is wrong with a certificate is written there only; `null` when nothing is.
    const flaw = socket.authorizationError as Error | string | null | undefined;
    const kind = String(flaw ?? (error as NodeJS.ErrnoException).code);
    warn(kind, 'a connection of a peer was refused', { reason: String(flaw ?? error.message) });
    // A handshake that takes too long is only told of, not ended.
    socket.destroy();
  });

  return {
    server,
    serve: (next) => {
      handler = next;
    },
    renew: (tls) => {
      if (server instanceof TlsServer) server.setSecureContext({ ...tls, ...TLS_POLICY });
      sockets.endUnproven();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        sockets.endAll();
      }),
  };
}

/** S18: whoever resumes an earlier session has not shown its certificate again, and nobody has verified it again. */
function certificateOf(socket: TLSSocket): X509Certificate | undefined {
  return socket.isSessionReused() ? undefined : socket.getPeerX509Certificate();
}

async function answerTo(
  frame: Frame,
  from: string,
  handler: QuestionHandler | undefined,
  signal: AbortSignal,
): Promise<ReturnType<typeof encodeFrame>> {
  const { correlation } = frame;
  try {
    if (handler === undefined) return encodeFrame('refusal', correlation, 'this node does not vote yet');
    const question = JSON.parse(frame.body.toString('utf8')) as unknown;
    // Evidence comes from plugins: what cannot be encoded is a refusal, and never the end of the node.
    return encodeFrame('answer', correlation, await handler(question, { from, signal }));
  } catch (error) {
    return encodeFrame('refusal', correlation, describeError(error));
  }
}

function helloOf(frame: Frame, members: readonly string[]): string | undefined {
  try {
    const { from } = JSON.parse(frame.body.toString('utf8')) as { from?: unknown };
    return members.find((member) => member === from);
  } catch {
    return undefined;
  }
}

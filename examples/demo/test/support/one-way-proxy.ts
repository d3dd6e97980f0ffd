import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** Which bytes vanish: those of who dialed, or those of who was dialed. */
export type Swallowed = 'from_dialer' | 'from_dialed';

/** Stands between two programs and can swallow what one of them says; both keep their connection. */
export interface OneWayProxy {
  readonly port: number;
  /** Where connections go. */
  toward(port: number): number;
  swallow(what: Swallowed | undefined): void;
  close(): Promise<void>;
}

/** Starts a proxy on the loopback address. */
export async function createOneWayProxy(): Promise<OneWayProxy> {
  const sockets = new Set<Socket>();
  let target = 0;
  let swallowed: Swallowed | undefined;
  const server = createServer((dialer) => {
    const dialed = connect({ port: target, host: '127.0.0.1' });
    const carry = (from: Socket, to: Socket, name: Swallowed): void => {
      sockets.add(from);
      from.on('data', (data) => {
        if (swallowed !== name) to.write(data);
      });
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => undefined);
    };
    carry(dialer, dialed, 'from_dialer');
    carry(dialed, dialer, 'from_dialed');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    toward: (next) => {
      target = next;
      return port;
    },
    swallow: (what) => void (swallowed = what),
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/**
 * What the answering side holds open. Anybody who reaches the port can open sockets, so those that have not proven a member
 * are counted apart, and one too many ends the oldest of them: a handshake takes milliseconds, and one that dawdles must not
 * keep a peer out (L5).
 */
import type { Socket } from 'node:net';

/** Most sockets that have not proven who they are, and most of one member, which needs one. */
export const SOCKET_LIMITS = { unproven: 256, perMember: 16 } as const;

/** The sockets of a listener. */
export interface AcceptedSockets {
  /** A socket nobody has vouched for yet. */
  add(socket: Socket): void;
  /** The other end of `socket` is a member. `socket` may be the encrypted side of one that was added. */
  prove(socket: Socket, member: string): void;
  /** Ends what has not proven anything. */
  endUnproven(): void;
  endAll(): void;
}

/** @param onExcess - Told whose socket was ended because there were too many: a member's, or nobody's. */
export function createAcceptedSockets(onExcess: (member: string | undefined) => void): AcceptedSockets {
  const unproven = new Map<string, Socket>();
  const proven = new Map<string, Map<string, Socket>>();

  const endOldestBeyond = (limit: number, sockets: Map<string, Socket>, member: string | undefined): void => {
    const [oldest] = sockets;
    if (sockets.size <= limit || oldest === undefined) return;
    sockets.delete(oldest[0]);
    oldest[1].destroy();
    onExcess(member);
  };
  const endEach = (sockets: Map<string, Socket>): void => {
    for (const socket of [...sockets.values()]) socket.destroy();
  };
  return {
    add: (socket) => {
      const name = nameOf(socket);
      unproven.set(name, socket);
      socket.on('close', () => {
        for (const sockets of [unproven, ...proven.values()])
          if (sockets.get(name) === socket) sockets.delete(name);
      });
      endOldestBeyond(SOCKET_LIMITS.unproven, unproven, undefined);
    },
    prove: (socket, member) => {
      const name = nameOf(socket);
      const added = unproven.get(name);
      if (added === undefined) return;
      unproven.delete(name);
      let own = proven.get(member);
      if (own === undefined) proven.set(member, (own = new Map<string, Socket>()));
      own.set(name, added);
      endOldestBeyond(SOCKET_LIMITS.perMember, own, member);
    },
    endUnproven: () => endEach(unproven),
    endAll: () => {
      for (const sockets of [unproven, ...proven.values()]) endEach(sockets);
    },
  };
}

/** The encrypted side of a socket is another object with the same two ends. */
function nameOf({ localAddress, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${remoteAddress} ${remotePort}`;
}

/**
 * One address in front of several processes on the loopback address, as a load balancer is in front of several machines:
 * connections go to the targets in turn, and past those that do not answer.
 *
 *   const balancer = await startBalancer();
 *   balancer.add('http://127.0.0.1:9081');
 *   balancer.url;  // one address for all of them
 */
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** A running balancer. */
export interface TcpBalancer {
  readonly url: string;
  /** A process that answers at this address. */
  add(target: string): void;
  /** Ends the connections to a process and makes no new ones. */
  remove(target: string): void;
  /** Connections stay open and carry nothing, as with a process that was stopped; new ones go to the others. */
  freeze(target: string): void;
  thaw(target: string): void;
  stop(): Promise<void>;
}

/** Starts to listen, on a free port unless one is given. */
export async function startBalancer(options: { readonly port?: number } = {}): Promise<TcpBalancer> {
  const targets: string[] = [];
  const frozen = new Set<string>();
  const links = new Map<Socket, { readonly target: string; readonly other: Socket }>();
  let turn = 0;

  const setFlow = (target: string, isFlowing: boolean): void => {
    for (const [socket, link] of links) {
      if (link.target !== target) continue;
      for (const each of [socket, link.other]) {
        if (isFlowing) each.resume();
        else each.pause();
      }
    }
  };

  const join = (client: Socket, candidates: readonly string[]): void => {
    const [target, ...others] = candidates;
    if (target === undefined || client.destroyed) {
      client.destroy();
      return;
    }
    const { hostname, port } = new URL(target);
    const upstream = connect(Number(port), hostname);
    upstream.once('error', () => join(client, others));
    upstream.once('connect', () => {
      upstream.removeAllListeners('error');
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        from.on('data', (chunk) => void to.write(chunk));
        from.on('error', () => to.destroy());
        from.once('close', () => {
          links.delete(client);
          to.destroy();
        });
      }
      links.set(client, { target, other: upstream });
      if (frozen.has(target)) setFlow(target, false);
    });
  };

  const server = createServer({ noDelay: true }, (client) => {
    client.on('error', () => client.destroy());
    turn += 1;
    const healthy = targets.filter((target) => !frozen.has(target));
    const start = turn % Math.max(1, healthy.length);
    join(client, [...healthy.slice(start), ...healthy.slice(0, start)]);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const cut = (isCut: (target: string) => boolean): void => {
    for (const [socket, { target, other }] of [...links]) {
      if (!isCut(target)) continue;
      links.delete(socket);
      socket.destroy();
      other.destroy();
    }
  };

  return {
    url: `http://127.0.0.1:${port}`,
    add: (target) => void targets.push(target),
    remove: (target) => {
      targets.splice(0, targets.length, ...targets.filter((other) => other !== target));
      cut((other) => other === target);
    },
    freeze: (target) => {
      frozen.add(target);
      setFlow(target, false);
    },
    thaw: (target) => {
      frozen.delete(target);
      setFlow(target, true);
    },
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      cut(() => true);
      await closed;
    },
  };
}

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/** Ports of a cluster on one machine. */
export interface ClusterPorts {
  /** Of the API of each node, by its id. */
  readonly api: Readonly<Record<string, number>>;
  /** Where each node listens for votes. */
  readonly votes: Readonly<Record<string, number>>;
  readonly region: number;
  readonly pager: number;
  readonly stream: number;
  readonly redis: number;
  /** Where each node listens for Restate, by its id, and the one address in front of them. */
  readonly runs: Readonly<Record<string, number>>;
  readonly front: number;
  /** First of nine for the three nodes of Restate; 0 when any will do. */
  readonly restate: number;
}

/** How many ports a cluster takes, from its first on. */
export const CLUSTER_PORTS = 23;
/** The last nine are chosen by Restate itself when any will do. */
const OWN_PORTS = 14;

/** Ports in a row from `first`; free ones when it is 0. */
export async function choosePorts(ids: readonly string[], first: number): Promise<ClusterPorts> {
  const all = await Promise.all(
    Array.from({ length: OWN_PORTS }, async (_, index) => (first === 0 ? freePort() : first + index)),
  );
  const at = (index: number): number => all[index] ?? 0;
  const each = (from: number) => Object.fromEntries(ids.map((id, index) => [id, at(from + index)]));
  return {
    api: each(0),
    votes: each(3),
    region: at(6),
    pager: at(7),
    stream: at(8),
    redis: at(9),
    runs: each(10),
    front: at(13),
    restate: first === 0 ? 0 : first + OWN_PORTS,
  };
}

/** Somebody else may take it before we do; then whoever wanted it says so. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

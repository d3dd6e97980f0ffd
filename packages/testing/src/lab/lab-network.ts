import type { Clock, Random } from '@lazarus/core/ports';
import { createInProcessNetwork } from '@lazarus/quorum';
import type { InProcessNetwork, Member } from '@lazarus/quorum';

/** The network between the nodes of a lab: partitions, dead nodes and slow links together. */
export interface LabNetwork {
  readonly network: InProcessNetwork;
  /** Nodes of different sides no longer hear each other; a node that is on no side is alone. */
  partition(sides: readonly (readonly string[])[]): void;
  setDead(node: string, isDead: boolean): void;
  /** Messages from one node to another take this much longer, milliseconds. */
  delay(from: string, to: string, ms: number): void;
  /** Ends every partition and every delay; the dead stay dead. */
  heal(): void;
}

const MAX_LATENCY_MS = 5;

/** Creates a {@link LabNetwork} whose links take 1 to 5 ms, by the seed. */
export function createLabNetwork(
  members: readonly Member[],
  ports: { readonly clock: Clock; readonly random: Random },
): LabNetwork {
  const { clock, random } = ports;
  const network = createInProcessNetwork({ clock });
  const ids = members.map(({ id }) => id);
  const links = ids.flatMap((from) =>
    ids
      .filter((to) => to !== from)
      .map((to) => ({ from, to, ms: 1 + Math.floor(random.next() * MAX_LATENCY_MS) })),
  );
  const dead = new Set<string>();
  const delays = new Map<string, number>();
  let sides: readonly (readonly string[])[] = [];

  const isCut = (from: string, to: string): boolean => {
    if (dead.has(from) || dead.has(to)) return true;
    return sides.length > 0 && !sides.some((side) => side.includes(from) && side.includes(to));
  };
  const apply = (): void => {
    for (const { from, to, ms } of links) {
      const slower = delays.get(`${from} ${to}`) ?? 0;
      network.setFault(from, to, isCut(from, to) ? { kind: 'drop' } : { kind: 'delay', ms: ms + slower });
    }
  };
  apply();

  return {
    network,
    partition: (given) => {
      sides = given;
      apply();
    },
    setDead: (node, isDead) => {
      if (isDead) dead.add(node);
      else dead.delete(node);
      apply();
    },
    delay: (from, to, ms) => {
      delays.set(`${from} ${to}`, ms);
      apply();
    },
    heal: () => {
      sides = [];
      delays.clear();
      apply();
    },
  };
}

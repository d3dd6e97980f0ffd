import type { Snapshot } from '@lazarus/core';
import type { BallotMemory } from '@lazarus/core/controller';
import type { Clock, Fleet, HealthProbe, Ids, Logger, Voters, Windows } from '@lazarus/core/ports';
import { createCoordinator, createInProcessNetwork, createVoter, resolveMembership } from '@lazarus/quorum';
import type { Settings } from './settings.ts';

/** One node: it sees the fleet and the hosts with its own eyes, from its own zone. */
export interface Node {
  readonly id: string;
  readonly fleet: Fleet;
  readonly probe: HealthProbe;
  readonly voters: Voters;
}

/** The nodes of this process, each with its own view, voting over an in-process network. */
export interface Cluster {
  readonly nodes: readonly [Node, ...Node[]];
  close(): Promise<void>;
}

/** Makes the nodes of the settings. */
export function createCluster(
  settings: Settings,
  ports: {
    readonly clock: Clock;
    readonly ids: Ids;
    readonly log: Logger;
    readonly windows: Windows;
    readonly ballots: BallotMemory;
    readonly snapshot: () => Snapshot | undefined;
    readonly fleet: () => Fleet;
    readonly probe: (zone: string) => HealthProbe;
  },
): Cluster {
  const { clock, ids, log, windows, snapshot } = ports;
  const membership = resolveMembership({ members: [...settings.nodes] });
  const network = createInProcessNetwork({ clock });
  const made = settings.nodes.map(({ id, zone }) => {
    const fleet = ports.fleet();
    const probe = ports.probe(zone);
    const voter = createVoter({ self: id, membership }, { clock, log, fleet, probe, snapshot, windows });
    const coordinator = createCoordinator(
      { self: id, membership },
      { clock, ids, log, transport: network.node(id), voter },
    );
    return { id, fleet, probe, coordinator, voters: ports.ballots.remembering(coordinator) };
  });
  return {
    nodes: made as unknown as readonly [Node, ...Node[]],
    async close() {
      await Promise.all(made.map(({ coordinator }) => coordinator.close()));
    },
  };
}

import { describeError } from '@lazarus/core';
import type { Snapshot } from '@lazarus/core';
import type { BallotMemory } from '@lazarus/core/controller';
import type { Clock, Fleet, HealthProbe, Ids, Logger, Voters, Windows } from '@lazarus/core/ports';
import {
  createCoordinator,
  createFramedTransport,
  createInProcessNetwork,
  createPeerWatch,
  createVoter,
  readNodeCertificate,
  resolveMembership,
} from '@lazarus/quorum';
import type {
  LateVote,
  Member,
  Membership,
  NodeCertificate,
  PeerState,
  VoteTransport,
} from '@lazarus/quorum';
import type { Settings } from './settings.ts';

/** One node: it sees the fleet and the hosts with its own eyes, from its own zone. */
export interface Node {
  readonly id: string;
  readonly zone: string;
  readonly fleet: Fleet;
  readonly probe: HealthProbe;
  readonly windows: Windows;
  readonly voters: Voters;
}

/** The nodes of this process, and what it knows of those in others. */
export interface Nodes {
  readonly own: readonly [Node, ...Node[]];
  readonly membership: Membership;
  /** Nodes of other processes; empty where there are none. */
  peers(): readonly (PeerState & Pick<Member, 'zone'>)[];
  /** Reads the certificate of the node again, for new connections; one that cannot be used changes nothing. Never rejects. */
  renewCertificate(): Promise<void>;
  close(): Promise<void>;
}

/** What nodes are made with. */
export interface NodePorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly windows: () => Windows;
  readonly ballots: BallotMemory;
  readonly snapshot: (digest: string) => Snapshot | undefined;
  readonly onLateVote: (late: LateVote) => void;
  readonly fleet: () => Fleet;
  readonly probe: (zone: string) => HealthProbe;
}

/** Makes the nodes of the settings: all of them here, or one here that votes with those of other processes. */
export function openNodes(settings: Settings, ports: NodePorts): Promise<Nodes> {
  return settings.node === undefined
    ? openAllNodes(settings, ports)
    : openOneNode(settings, settings.node, ports);
}

async function openAllNodes(settings: Settings, ports: NodePorts): Promise<Nodes> {
  const membership = resolveMembership({ ...settings.quorum, members: [...(settings.nodes ?? [])] });
  const network = createInProcessNetwork(ports);
  const made = membership.members.map((member) =>
    makeNode(member, membership, network.node(member.id), ports),
  );
  return {
    own: made.map(({ node }) => node) as unknown as Nodes['own'],
    membership,
    peers: () => [],
    renewCertificate: async () => undefined,
    close: async () => {
      await Promise.all(made.map(({ close }) => close()));
    },
  };
}

async function openOneNode(
  settings: Settings,
  self: NonNullable<Settings['node']>,
  ports: NodePorts,
): Promise<Nodes> {
  const { clock, log } = ports;
  const { peers, quorum, tls } = settings;
  const members = [self, ...peers].map(({ id, zone }) => ({ id, zone }));
  // Every node lists the members in the same order, whoever it is.
  const membership = resolveMembership({
    ...quorum,
    members: members.sort((left, right) => (left.id < right.id ? -1 : 1)),
  });
  const readCertificate = (files: NonNullable<typeof tls>): Promise<NodeCertificate> =>
    readNodeCertificate(files, { self: self.id, nowMs: clock.now() });
  const certificate = tls === undefined ? {} : { tls: await readCertificate(tls) };
  const framed = await createFramedTransport(
    {
      self: self.id,
      members: members.map(({ id }) => id),
      ...(self.listen === undefined ? {} : { listen: self.listen }),
      ...certificate,
    },
    { clock, log, addressOf: (member) => peers.find(({ id }) => id === member) },
  );
  const watch = createPeerWatch(
    { self: self.id, peers: peers.map(({ id }) => id) },
    { clock, transport: framed },
  );
  const { node, close } = makeNode(self, membership, watch.transport, ports);
  const zoneOf = (id: string): string => peers.find((peer) => peer.id === id)?.zone ?? '';
  return {
    own: [node],
    membership,
    peers: () => watch.peers().map((peer) => ({ ...peer, zone: zoneOf(peer.id) })),
    renewCertificate: async () => {
      if (tls === undefined) return;
      try {
        framed.renew(await readCertificate(tls));
      } catch (error) {
        log.error('the certificate was not renewed; the one before stays in use', {
          error: describeError(error),
        });
      }
    },
    close,
  };
}

function makeNode(
  { id, zone }: Member,
  membership: Membership,
  transport: VoteTransport,
  ports: NodePorts,
): { readonly node: Node; close(): Promise<void> } {
  const { clock, ids, log, snapshot, onLateVote } = ports;
  const fleet = ports.fleet();
  const probe = ports.probe(zone);
  const windows = ports.windows();
  const voter = createVoter({ self: id, membership }, { clock, log, fleet, probe, snapshot, windows });
  const coordinator = createCoordinator(
    { self: id, membership },
    { clock, ids, log, transport, voter, onLateVote },
  );
  const voters = ports.ballots.remembering(logged(coordinator, id, log));
  return { node: { id, zone, fleet, probe, windows, voters }, close: () => coordinator.close() };
}

/** The same voters; every ballot leaves a line, also one that is put again right before a run acts. */
function logged(voters: Voters, node: string, log: Logger): Voters {
  return {
    ballot: async (request, options) => {
      const result = await voters.ballot(request, options);
      log.info('ballot', {
        node,
        decision_id: request.decisionId,
        revalidates: request.revalidates === true,
        outcome: result.outcome,
        yes: result.yes,
        required: result.required,
        took_ms: Math.round(result.durationMs),
      });
      return result;
    },
  };
}

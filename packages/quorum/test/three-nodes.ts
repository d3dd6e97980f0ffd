import type { BoundPrecondition, Precondition, Snapshot } from '@lazarus/core';
import type { EffectiveRule } from '@lazarus/core/config';
import { createPreconditionRegistry } from '@lazarus/core';
import type { BallotRequest, BallotResult, Vote } from '@lazarus/core/ports';
import type { Coordinator, InProcessNetwork, LateVote, Membership, VoteTransport } from '@lazarus/quorum';
import { createCoordinator, createInProcessNetwork, createVoter, resolveMembership } from '@lazarus/quorum';
import type { FakeFleet, FakeHealthProbe, ManualClock } from '@lazarus/testing';
import {
  aHost,
  anEvent,
  createFakeFleet,
  createFakeHealthProbe,
  createManualClock,
  createSequentialIds,
  silentLogger,
} from '@lazarus/testing';

export const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'] as const;
export const NODES = ['a', 'b', 'c'] as const;
export type NodeId = (typeof NODES)[number];

export const threeMembers = resolveMembership({
  epoch: 4,
  members: NODES.map((id, index) => ({ id, zone: ZONES[index]! })),
});

const registry = createPreconditionRegistry();

export function bind(definition: Precondition, params: unknown = {}): BoundPrecondition {
  return {
    definition,
    params: definition.params.parse(params),
    timeoutMs: definition.timeoutMs,
    provenance: {},
  };
}

export function builtIn(name: string, params: unknown = {}): BoundPrecondition {
  return bind(registry.find(name)!, params);
}

export function aRule(overrides: Partial<EffectiveRule> = {}): EffectiveRule {
  return {
    name: 'host_down',
    digest: 'rule-digest',
    description: 'replaces a dead host',
    mode: 'act',
    action: 'workflow',
    workflow: { name: 'default.replace_host', timeoutMs: 1_800_000, inputs: {} },
    prechecks: [builtIn('MinActiveHosts', { minimum: 2 }), builtIn('HealthCheckDown'), builtIn('PeerCheck')],
    lock: { type: 'host', onBusy: 'attach' },
    quorum: { required: 2, timeoutMs: 20_000 },
    holdDownMs: 0,
    staleAfterMs: 300_000,
    decideWithinMs: 45_000,
    limits: { maxEntities: 3 },
    provenance: {},
    ...overrides,
  };
}

/** A configuration with one rule. */
export function aSnapshot(rule: EffectiveRule, digest = 'digest-1'): Snapshot {
  return {
    digest,
    summary: { digest, rules: [rule.name], services: [], profiles: [], workflows: [] },
    match: () => ({ matched: true, rule, others: [], why: 'it is the only one' }),
    rule: (name) => (name === rule.name ? rule : undefined),
    staleAfterMs: () => rule.staleAfterMs,
  };
}

export interface Node {
  readonly coordinator: Coordinator;
  readonly fleet: FakeFleet;
  readonly probe: FakeHealthProbe;
  readonly late: LateVote[];
  use(snapshot: Snapshot | undefined): void;
}

/** Three nodes, one per zone, over a network with faults; three hosts of `web`, of which i-web1 (zone a) is down. */
export interface ThreeNodes {
  readonly clock: ManualClock;
  readonly network: InProcessNetwork;
  readonly nodes: Readonly<Record<NodeId, Node>>;
  ballot(from?: NodeId, overrides?: Partial<BallotRequest>): Promise<BallotResult>;
  close(): Promise<void>;
}

export function createThreeNodes(
  options: {
    readonly rule?: EffectiveRule;
    readonly completeForMs?: number;
    readonly probeLatencyMs?: number;
    readonly membershipOf?: (id: NodeId) => Membership;
    readonly transportOf?: (id: NodeId, network: InProcessNetwork) => VoteTransport;
  } = {},
): ThreeNodes {
  const clock = createManualClock();
  const network = createInProcessNetwork({ clock });
  const rule = options.rule ?? aRule();
  const createNode = (id: NodeId): Node => {
    const membership = options.membershipOf?.(id) ?? threeMembers;
    const zone = ZONES[NODES.indexOf(id)]!;
    const fleet = createFakeFleet({
      clock,
      hosts: ZONES.map((hostZone, index) => aHost({ hostId: `i-web${index + 1}`, zone: hostZone })),
    });
    const probe = createFakeHealthProbe({ clock, zone, latencyMs: options.probeLatencyMs ?? 0 });
    probe.set('i-web1', 'unreachable');
    let snapshot: Snapshot | undefined = aSnapshot(rule);
    const late: LateVote[] = [];
    const voter = createVoter(
      { self: id, membership },
      { clock, log: silentLogger, fleet, probe, snapshot: () => snapshot },
    );
    const transport = options.transportOf?.(id, network) ?? network.node(id);
    const coordinator = createCoordinator(
      { self: id, membership, completeForMs: options.completeForMs ?? 250 },
      {
        clock,
        ids: createSequentialIds(),
        log: silentLogger,
        transport,
        voter,
        onLateVote: (vote) => late.push(vote),
      },
    );
    return { coordinator, fleet, probe, late, use: (next) => (snapshot = next) };
  };
  const nodes = { a: createNode('a'), b: createNode('b'), c: createNode('c') };
  const request = (): BallotRequest => ({
    decisionId: 'd1',
    configDigest: 'digest-1',
    event: anEvent(),
    rule: rule.name,
    hostId: 'i-web1',
    deadlineAtMs: clock.monotonic() + 20_000,
  });
  return {
    clock,
    network,
    nodes,
    ballot: (from = 'a', overrides = {}) =>
      nodes[from].coordinator.ballot(
        { ...request(), ...overrides },
        { signal: new AbortController().signal },
      ),
    close: async () => {
      for (const id of NODES) await nodes[id].coordinator.close();
    },
  };
}

/** `a:yes b:no` */
export function cast(votes: readonly Vote[]): string {
  return votes
    .map(({ voter, verdict }) => `${voter}:${verdict}`)
    .sort()
    .join(' ');
}

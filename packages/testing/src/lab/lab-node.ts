/**
 * One node of the lab, made of the parts of a real one: controller, voter, coordinator, engine, outcomes and pipeline. Only
 * what lies outside of a node is a fake, and everything between a node and the outside dies with it.
 */
import {
  createBallotMemory,
  createController,
  createRunGuard,
  createRunOutcomes,
} from '@lazarus/core/controller';
import type { RunOutcomes } from '@lazarus/core/controller';
import type { Ids, Lease, Locks, RunView, Sensor, WorkflowEngine } from '@lazarus/core/ports';
import { createPipeline } from '@lazarus/core/stream';
import type { Pipeline } from '@lazarus/core/stream';
import { createActionRegistry, createEngine } from '@lazarus/dag';
import type { Action, EmbeddedEngine } from '@lazarus/dag';
import { createCoordinator, createVoter } from '@lazarus/quorum';
import type { Member, Membership } from '@lazarus/quorum';
import type { SeededRandom } from '../chance/seeded-random.ts';
import { createSequentialIds } from '../chance/sequential-ids.ts';
import { silentLogger } from '../fakes/logger.ts';
import { createFakeStream } from '../fakes/stream.ts';
import type { FakeStream } from '../fakes/stream.ts';
import type { LabConfig } from './lab-config.ts';
import type { LabNetwork } from './lab-network.ts';
import { mortalAction } from './lab-process.ts';
import type { LabWorld } from './lab-world.ts';
import { mortalClock, mortalPort } from './mortal.ts';
import { withReplies } from './precheck-replies.ts';
import type { PrecheckReplies } from './precheck-replies.ts';

const LOCK_TTL_MS = 30_000;
const MAX_TRIES = 3;

/** A node that takes events from its own part of the stream. */
export interface LabNode {
  readonly id: string;
  readonly isDead: boolean;
  readonly stream: FakeStream;
  readonly engine: EmbeddedEngine;
  readonly outcomes: Pick<RunOutcomes, 'sweep'>;
  readonly controller: ReturnType<typeof createController>;
  /** Nothing that it does afterwards has an effect; its locks expire. */
  kill(): void;
  close(): Promise<void>;
}

/** What a node is made with. */
export interface LabNodeOptions {
  readonly member: Member;
  readonly membership: Membership;
  /** How often this node was started, from 1. */
  readonly life: number;
  readonly region: string;
  readonly config: LabConfig;
  readonly world: LabWorld;
  readonly network: LabNetwork;
  readonly random: SeededRandom;
  /** Actions with mocked bodies. */
  readonly actions: readonly Action[];
  readonly replies: PrecheckReplies;
  /** A run that a living node drives and that has not ended; `undefined` for any other. */
  driven(runId: string): Promise<RunView | undefined>;
}

/** Starts a node. */
export async function startLabNode(options: LabNodeOptions): Promise<LabNode> {
  const { member, membership, config, world, region } = options;
  const { id } = member;
  const life = { isDead: false };
  const process = `${id}-${options.life}`;
  const clock = mortalClock(world.clock, life);
  const log = silentLogger;
  const ids = idsOf(process);
  const held = trackLeases(world.locks);
  const shared = {
    clock,
    log,
    fleet: mortalPort(world.fleet, life),
    windows: mortalPort(world.windows, life),
    locks: mortalPort(held.locks, life),
    budgets: mortalPort(world.budgets, life),
    pauses: mortalPort(world.pauses, life),
    pager: mortalPort(world.pager, life),
    audit: mortalPort(world.audit, life),
  };
  const { snapshot } = config;
  const probe = mortalPort(world.probeOf(id), life);
  const voter = createVoter(
    { self: id, membership },
    {
      ...shared,
      probe,
      snapshot: () => withReplies(snapshot, id, options.replies),
    },
  );
  const coordinator = createCoordinator(
    { self: id, membership },
    { clock, log, ids, transport: options.network.network.node(id), voter },
  );
  const ballots = createBallotMemory({ clock });
  const voters = ballots.remembering(coordinator);
  const notifier = mortalPort(world.notifier, life);
  const engine = await createEngine(mortalPort(world.journal, life, ['close']), {
    actions: createActionRegistry(options.actions.map((action) => mortalAction(action, life))),
    workflows: config.workflows,
    ports: {
      pager: shared.pager,
      hosts: mortalPort(world.actuators.hosts, life),
      loadBalancer: mortalPort(world.actuators.loadBalancer, life),
      fleet: shared.fleet,
      probe,
      notifier,
    },
    clock,
    ids,
    random: options.random.fork(process),
    log,
    locks: shared.locks,
    budgets: shared.budgets,
    guard: createRunGuard({
      ...shared,
      voters,
      snapshot: () => snapshot,
      // A lab has one configuration for all its life.
      snapshotOf: (digest) => (digest === snapshot.digest ? snapshot : undefined),
    }),
    evidenceAtMs: ballots.startedAtMs,
    processes: { self: process, isGone: () => false },
    schedule: queueMicrotask,
    times: { sweepMs: 5_000, leaseTtlMs: 10_000, lockTtlMs: LOCK_TTL_MS },
  });
  const outcomes = createRunOutcomes({ ...shared, engine: asking(engine, options) });
  const controller = createController(
    { node: id, region, lockTtlMs: LOCK_TTL_MS },
    { ...shared, voters, engine, outcomes },
  );
  controller.use(snapshot);
  const stream = createFakeStream({ clock: world.clock });
  const lane = { sensor: mortalPort(givingUp(stream, controller), life, ['close']), controller };
  const pipeline: Pipeline = createPipeline({}, { lanes: [lane], outcomes, clock, log, notifier });

  return {
    id,
    stream,
    engine,
    outcomes,
    controller,
    get isDead() {
      return life.isDead;
    },
    kill: () => {
      life.isDead = true;
      options.network.setDead(id, true);
      // Its renewals stop: whoever waits for its locks gets them after their time to live.
      void world.clock.sleep(LOCK_TTL_MS).then(held.release);
    },
    close: async () => {
      if (life.isDead) return;
      await pipeline.close();
      controller.close();
      await coordinator.close();
      await outcomes.close();
      await engine.close();
    },
  };
}

/**
 * The engine as those ask it who want to know whether a run has ended: they ask every few seconds, and what another node
 * drives would be read off the journal from its first line each time.
 */
function asking(engine: EmbeddedEngine, { driven }: Pick<LabNodeOptions, 'driven'>): WorkflowEngine {
  return {
    submit: (request) => engine.submit(request),
    get: async (runId) => (await driven(runId)) ?? engine.get(runId),
    cancel: (runId, reason) => engine.cancel(runId, reason),
    onFinished: (listener) => engine.onFinished(listener),
  };
}

/** A record that could not be concluded in 3 tries goes to a person, as on a real stream. Keeps S11 and L3. */
function givingUp(stream: FakeStream, controller: LabNode['controller']): Sensor {
  return {
    close: () => stream.close(),
    pull: async (options) => {
      const deliveries = await stream.pull(options);
      return deliveries.map((delivery) => ({
        ...delivery,
        nack: async (reason) => {
          if ((delivery.redeliveries ?? 0) + 1 < MAX_TRIES) return delivery.nack(reason);
          const { position } = delivery;
          await controller.giveUp(delivery.payload, { position, reason }).catch(() => undefined);
          return delivery.ack();
        },
      }));
    },
  };
}

function idsOf(process: string): Ids {
  const ids = createSequentialIds();
  return { next: (prefix) => `${process}-${ids.next(prefix)}` };
}

function trackLeases(locks: Locks): { readonly locks: Locks; release(): Promise<void> } {
  const leases = new Set<Lease>();
  return {
    locks: {
      acquire: async (request, options) => {
        const grant = await locks.acquire(request, options);
        if (grant.granted) leases.add(grant.lease);
        return grant;
      },
      inspect: (target) => locks.inspect(target),
    },
    release: async () => {
      await Promise.all([...leases].map((lease) => lease.release()));
    },
  };
}

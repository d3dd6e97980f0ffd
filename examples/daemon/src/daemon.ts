/** The reference controller: nothing but the packages, wired. An `if` in here belongs in a package. */
import {
  createAwsConnection,
  createAwsFleet,
  createAwsHostActuator,
  createAwsLoadBalancer,
  createHttpHealthProbe,
} from '@lazarus/actuators-aws';
import { createMeter } from '@lazarus/api';
import { createConfigDirectory } from '@lazarus/cli/documents';
import { createSystemClock, describeError } from '@lazarus/core';
import { createRollouts, createSnapshotShelf } from '@lazarus/core/config';
import { createBallotMemory, createRunGuard, createRunOutcomes } from '@lazarus/core/controller';
import type { Snapshot } from '@lazarus/core';
import { createPipeline } from '@lazarus/core/stream';
import type { Fleet, Logger } from '@lazarus/core/ports';
import { createDryRuns } from '@lazarus/dag';
import { createConsoleChannel, createNotifier } from '@lazarus/notify';
import { createPagerDutyPager } from '@lazarus/pager-pagerduty';
import { openApi } from './api.ts';
import { loadConfiguration, loadExtensions, reloadConfiguration } from './configuration.ts';
import { createSystemIds, createSystemRandom } from './chance.ts';
import { openEngine } from './engine.ts';
import { createInForce, LOOK_EVERY_MS } from './in-force.ts';
import { openLanes } from './lanes.ts';
import { openNodes } from './nodes.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { repeat } from './repeat.ts';
import { readSecrets } from './secrets.ts';
import { listen } from './server.ts';
import type { Settings } from './settings.ts';
import { claimStateDirectory } from './state-lock.ts';
import { openState } from './state.ts';
import { openStream } from './stream.ts';
import { openOrUndo } from './undo.ts';
import type { Undo } from './undo.ts';

/** A running daemon. */
export interface Daemon {
  /** Where its API listens. */
  readonly url: string;
  readonly snapshot: Snapshot;
  /**
   * Reads the configuration again; the last good one stays in force when it is refused. Reloads take turns: what was on disk
   * when the last one was asked for, or later, is what is in force at the end. Keeps S15.
   */
  reload(): Promise<boolean>;
  /** Stops taking events, leaves runs to the next process, and ends everything. */
  close(): Promise<void>;
}

/**
 * Starts the nodes of the settings in this process.
 *
 * @throws ConfigurationError, PortError or PortTakenError when it cannot start; nothing is left running then.
 */
export function startDaemon(settings: Settings, log: Logger): Promise<Daemon> {
  return openOrUndo(log, (undo) => wire(settings, log, undo));
}

async function wire(settings: Settings, log: Logger, { onClose, close }: Undo): Promise<Daemon> {
  const clock = createSystemClock();
  const random = createSystemRandom();
  const ids = createSystemIds();
  const meter = createMeter();

  // What can be wrong without anything having been started comes first: settings, configuration, port, directory.
  const secrets = await readSecrets(settings);
  const extensions = await loadExtensions(settings);
  const { actions, plugins } = extensions;
  if (plugins.identities.length > 0) log.info('plugins loaded', { plugins: plugins.identities });
  const source = createConfigDirectory(settings.config_dir, log);
  const configuration = await loadConfiguration(source, extensions);
  let { breaker } = configuration.snapshot.settings;
  const shelf = createSnapshotShelf({ clock });
  const server = onClose(await listen(settings.listen), (it) => it.close());
  onClose(claimStateDirectory(settings.state_dir), (it) => it.release());

  const state = onClose(
    await openState(settings, {
      clock,
      log,
      secrets: [secrets.pagerToken, ...secrets.tokens],
      breaker: () => breaker,
      knownServices: () => (shelf.current ?? configuration.snapshot).summary.services.length,
    }),
    (it) => it.close(),
  );
  const { audit, budgets, locks, pauses } = state;
  const rollouts = createRollouts(configuration.catalog, { store: state.rollouts, clock, log });
  const inForce = createInForce(rollouts, log);
  inForce.onChange((snapshot) => {
    shelf.use(snapshot);
    breaker = snapshot.settings.breaker;
  });
  // Before the engine goes on with what an earlier process began.
  await inForce.take(configuration);
  const aws = onClose(createAwsConnection({ ...providerOf(settings), clock }), (it) => it.close());
  const pager = createPagerDutyPager({
    endpoint: settings.pager.url,
    token: secrets.pagerToken,
    from: settings.pager.from,
    responders: settings.pager.responders,
    clock,
    random,
  });
  const notifier = onClose(
    createNotifier({
      channels: {
        log: createConsoleChannel({ write: (line) => log.info('notification', { text: line.trimEnd() }) }),
      },
      fallback: [{ channel: 'log' }],
      clock,
      logger: log,
      meter,
    }),
    (it) => it.close(),
  );

  const ballots = createBallotMemory({ clock });
  const nodes = onClose(
    await openNodes(settings, {
      clock,
      ids,
      log,
      windows: () => state.nodeWindows(),
      ballots,
      snapshot: (digest) => shelf.forBallot(digest),
      onLateVote: (late) => state.noteLateVote(late),
      fleet: () => createAwsFleet({ aws, clock }),
      probe: (zone) => createHttpHealthProbe({ zone }),
    }),
    (it) => it.close(),
  );
  const [first] = nodes.own;

  const engine = onClose(
    await openEngine(settings, {
      actions,
      workflows: configuration.workflows,
      ports: {
        pager,
        hosts: createAwsHostActuator({ aws, budgets, clock }),
        loadBalancer: createAwsLoadBalancer({ aws, budgets, clock }),
        probe: first.probe,
        notifier,
      },
      clock,
      ids,
      random,
      log,
      locks,
      budgets,
      meter,
      guard: createRunGuard({
        clock,
        pauses,
        pager,
        voters: first.voters,
        windows: first.windows,
        fleet: first.fleet,
        snapshot: () => shelf.current,
        snapshotOf: (digest) => shelf.find(digest),
      }),
      evidenceAtMs: ballots.startedAtMs,
    }),
    (it) => it.close(),
  );
  // The first look at the provider loads its SDK: better now than within the deadline of the first event.
  await Promise.all(nodes.own.map(({ fleet }) => warmUp(fleet, configuration.snapshot, log)));
  const outcomes = onClose(createRunOutcomes({ audit, budgets, pager, engine, clock, log }), (it) =>
    it.close(),
  );
  await outcomes.sweep();
  onClose(
    repeat(clock, settings.engine.sweep_every, () => outcomes.sweep(), log),
    (stop) => stop(),
  );

  const readers = nodes.membership.members.length;
  const stream = onClose(await openStream(settings, { clock, random, log, meter, readers }), (it) =>
    it.close(),
  );
  const lanes = await openLanes(settings, nodes.own, stream, onClose, {
    clock,
    log,
    locks,
    budgets,
    pauses,
    pager,
    engine,
    audit,
    outcomes,
  });
  inForce.onChange((snapshot, { workflows }) => {
    engine.setWorkflows(workflows);
    for (const { controller } of lanes) controller.use(snapshot);
  });
  onClose(
    repeat(clock, LOOK_EVERY_MS, () => inForce.look(), log),
    (stop) => stop(),
  );
  const pipeline = onClose(createPipeline({}, { lanes, outcomes, clock, log, meter, notifier }), (it) =>
    it.close(),
  );
  const decisions = pipeline.decisions$.subscribe({
    next: (record) => rollouts.observeDecision(record),
    // The pipeline says so itself.
    error: () => undefined,
  });
  onClose(decisions, (it) => it.unsubscribe());
  onClose(
    outcomes.onSettled((run) => rollouts.observeRun(run)),
    (unsubscribe) => unsubscribe(),
  );
  const dryRuns = createDryRuns({
    actions,
    workflows: () => inForce.configuration?.workflows ?? [],
    snapshot: (digest) => (digest === undefined ? shelf.current : shelf.forBallot(digest)),
    clock,
  });
  const app = onClose(
    openApi(settings, {
      clock,
      log,
      nodes,
      state,
      engine,
      rollouts,
      meter,
      tokens: secrets.tokens,
      controller: lanes[0].controller,
      dryRuns,
      live: pipeline.live$,
      stream: stream.stream,
      checkStream: () => stream.check(),
    }),
    (it) => it.close(),
  );
  server.use((request) => app.fetch(request));
  onClose(server, (it) => it.use(undefined));

  return {
    url: server.url,
    get snapshot() {
      return shelf.current ?? configuration.snapshot;
    },
    // S15: of two at once, the one that has read before must not come into force after the other.
    reload: oneAtATime(async () => {
      await nodes.renewCertificate();
      const next = await reloadConfiguration(source, extensions, log, breaker);
      return next === undefined ? false : inForce.take(next);
    }),
    close,
  };
}

/** Reads what will be asked for first; a provider that does not answer yet is a warning, and events escalate meanwhile. */
async function warmUp(fleet: Fleet, snapshot: Snapshot, log: Logger): Promise<void> {
  for (const service of snapshot.summary.services) {
    await fleet.list(service).catch((error: unknown) => {
      log.warn('the provider did not list the hosts of a service', { service, error: describeError(error) });
    });
  }
}

function providerOf({ region, provider }: Settings) {
  return {
    region,
    ...(provider.endpoint === undefined
      ? {}
      : {
          endpoint: provider.endpoint,
          credentials: { accessKeyId: 'simulated', secretAccessKey: 'simulated' },
        }),
  };
}

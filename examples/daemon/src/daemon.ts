/** The reference controller: nothing but the packages, wired. An `if` in here belongs in a package. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createAwsConnection,
  createAwsFleet,
  createAwsHostActuator,
  createAwsLoadBalancer,
  createHttpHealthProbe,
} from '@lazarus/actuators-aws';
import { createApi, createMeter } from '@lazarus/api';
import { createSystemClock, describeError } from '@lazarus/core';
import {
  createBallotMemory,
  createController,
  createRunGuard,
  createRunOutcomes,
} from '@lazarus/core/controller';
import type { Snapshot } from '@lazarus/core';
import type { Controller } from '@lazarus/core/controller';
import { createPipeline } from '@lazarus/core/stream';
import type { Lane } from '@lazarus/core/stream';
import type { Fleet, Logger } from '@lazarus/core/ports';
import { builtinActions, createActionRegistry, createEmbeddedEngine } from '@lazarus/dag';
import { createConsoleChannel, createNotifier } from '@lazarus/notify';
import { createPagerDutyPager } from '@lazarus/pager-pagerduty';
import { createIntake } from '@lazarus/sensors-http';
import { Hono } from 'hono';
import { createConfigDirectory } from './config-directory.ts';
import { loadConfiguration, reloadConfiguration } from './configuration.ts';
import { createCluster } from './cluster.ts';
import { createSystemIds, createSystemRandom } from './chance.ts';
import { repeat } from './repeat.ts';
import { serve } from './server.ts';
import type { Settings } from './settings.ts';
import { claimStateDirectory } from './state-lock.ts';
import { openState } from './state.ts';
import { openStream } from './stream.ts';
import { VERSION } from './version.ts';

/** A running daemon. */
export interface Daemon {
  /** Where its API listens. */
  readonly url: string;
  readonly snapshot: Snapshot;
  /** Reads the configuration again; the last good one stays in force when it is refused. */
  reload(): Promise<boolean>;
  /** Stops taking events, leaves runs to the next process, and ends everything. */
  close(): Promise<void>;
}

/**
 * Starts every node of the settings in this process.
 *
 * @throws ConfigurationError, PortError or PortTakenError when it cannot start; nothing is left running then.
 */
export async function startDaemon(settings: Settings, log: Logger): Promise<Daemon> {
  const undo: (() => Promise<void> | void)[] = [];
  const onClose = <T>(thing: T, close: (thing: T) => Promise<void> | void): T => {
    undo.unshift(() => close(thing));
    return thing;
  };
  const close = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const step of undo.splice(0)) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'some parts could not be closed');
  };
  try {
    return await wire(settings, log, onClose, close);
  } catch (error) {
    await close().catch((problem: unknown) =>
      log.warn('not everything could be closed', { error: describeError(problem) }),
    );
    throw error;
  }
}

async function wire(
  settings: Settings,
  log: Logger,
  onClose: <T>(thing: T, close: (thing: T) => Promise<void> | void) => T,
  close: () => Promise<void>,
): Promise<Daemon> {
  const clock = createSystemClock();
  const random = createSystemRandom();
  const ids = createSystemIds();
  const pagerToken = (await readFile(settings.pager.token_file, 'utf8')).trim();
  const tokens = await readTokens(settings);

  // Configuration first: a daemon that cannot know what to do does not open anything else.
  const actions = createActionRegistry(builtinActions);
  const source = createConfigDirectory(settings.config_dir);
  const configuration = await loadConfiguration(source, actions);
  let snapshot = configuration.snapshot;

  onClose(claimStateDirectory(settings.state_dir), (it) => it.release());
  const state = onClose(
    await openState(settings, {
      clock,
      log,
      secrets: [pagerToken, ...tokens],
      breaker: configuration.snapshot.settings.breaker,
      knownServices: () => snapshot.summary.services.length,
    }),
    (it) => it.close(),
  );
  const { audit, budgets, locks, pauses, windows } = state;
  const aws = onClose(createAwsConnection({ ...providerOf(settings), clock }), (it) => it.close());
  const pager = createPagerDutyPager({
    endpoint: settings.pager.url,
    token: pagerToken,
    from: settings.pager.from,
    responders: settings.pager.responders,
    clock,
    random,
  });
  const meter = createMeter();
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
  const cluster = onClose(
    createCluster(settings, {
      clock,
      ids,
      log,
      windows,
      ballots,
      snapshot: () => snapshot,
      fleet: () => createAwsFleet({ aws, clock }),
      probe: (zone) => createHttpHealthProbe({ zone }),
    }),
    (it) => it.close(),
  );
  const [first] = cluster.nodes;

  const engine = onClose(
    await createEmbeddedEngine({
      file: join(settings.state_dir, 'journal.db'),
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
        windows,
        snapshot: () => snapshot,
      }),
      evidenceAtMs: ballots.startedAtMs,
      times: { leaseTtlMs: settings.engine.lease },
    }),
    (it) => it.close(),
  );
  // The first look at the provider loads its SDK: better now than within the deadline of the first event.
  await Promise.all(cluster.nodes.map(({ fleet }) => warmUp(fleet, snapshot, log)));
  const outcomes = onClose(createRunOutcomes({ audit, budgets, pager, engine, clock, log }), (it) =>
    it.close(),
  );
  await outcomes.sweep();
  onClose(
    repeat(clock, settings.engine.sweep_every, () => outcomes.sweep(), log),
    (stop) => stop(),
  );

  const parts = onClose(await openStream(settings, { clock, random, log }), (it) => it.close());
  const lanes: Lane[] = [];
  const controllers: Controller[] = [];
  for (const node of cluster.nodes) {
    const controller = onClose(
      createController(
        { node: node.id, region: settings.region },
        {
          clock,
          log,
          fleet: node.fleet,
          windows,
          locks,
          budgets,
          pauses,
          voters: node.voters,
          pager,
          engine,
          audit,
          outcomes,
        },
      ),
      (it) => it.close(),
    );
    controller.use(snapshot);
    controllers.push(controller);
    const sensor = await parts.sensorFor(node.id, ({ payload, position, nacks, reason }) =>
      controller.giveUp(payload, {
        position,
        reason: `given back ${nacks} times, at last because ${reason}`,
      }),
    );
    lanes.push({ sensor, controller });
  }
  const pipeline = onClose(createPipeline({}, { lanes, outcomes, clock, log, meter, notifier }), (it) =>
    it.close(),
  );

  const [controller] = controllers as [Controller, ...Controller[]];
  const api = onClose(
    createApi(
      {
        node: {
          name: cluster.nodes.map(({ id }) => id).join('+'),
          region: settings.region,
          version: VERSION,
        },
        auth: { tokens },
      },
      {
        clock,
        log,
        audit,
        engine,
        controller,
        pauses,
        fleet: first.fleet,
        live: pipeline.live$,
        metrics: meter,
        checks: [{ name: 'journal', check: () => requireHealthy(engine.health()) }, ...state.checks],
      },
    ),
    (it) => it.close(),
  );
  const intake = createIntake({ auth: { tokens } }, { stream: parts.stream, clock, log, meter });
  const app = new Hono().route('/', intake.app).route('/', api.app);
  const server = onClose(await serve((request) => app.fetch(request), settings.listen), (it) => it.close());

  return {
    url: server.url,
    get snapshot() {
      return snapshot;
    },
    async reload() {
      const next = await reloadConfiguration(source, actions, log);
      if (next === undefined) return false;
      engine.setWorkflows(next.workflows);
      snapshot = next.snapshot;
      for (const each of controllers) each.use(snapshot);
      log.info('configuration in force', { digest: snapshot.digest.slice(0, 12) });
      return true;
    },
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

function requireHealthy(
  health: { readonly ok: true } | { readonly ok: false; readonly reason: string },
): undefined {
  if (!health.ok) throw new Error(health.reason);
  return undefined;
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

async function readTokens({ auth }: Settings): Promise<readonly string[]> {
  if (auth === undefined) return [];
  const text = await readFile(auth.token_file, 'utf8');
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

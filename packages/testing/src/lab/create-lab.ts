/**
 * A region of Lazarus in one process and in virtual time: several nodes with the real decision, the real votes over an
 * in-process network and the real engine, around a fleet, a pager and a notifier in memory. The same seed gives the same
 * story.
 *
 * What the parts do: the setting is everything around the nodes, the intake brings events to them, the agenda is what is
 * still to come, the rest lets time pass, the results tell what came of it.
 */
import type { DecisionRecord } from '@lazarus/core';
import { createLabAgenda } from './lab-agenda.ts';
import { dryRunsOf } from './lab-config.ts';
import { createLabFaults } from './lab-faults.ts';
import { createLabIntake } from './lab-intake.ts';
import { createLabNodes } from './lab-nodes.ts';
import type { LabNodes } from './lab-nodes.ts';
import { durationMs } from './lab-options.ts';
import type { Lab, LabEvent, LabOptions } from './lab-options.ts';
import { replayRecords } from './lab-replay.ts';
import { createLabRest } from './lab-rest.ts';
import { createLabResults } from './lab-results.ts';
import { createLabSetting } from './lab-setting.ts';
import type { LabSetting } from './lab-setting.ts';
import { createLabDiary } from './lab-trace.ts';
import { isCallOf } from './mock-actions.ts';

const IDLE_WITHIN_MS = 7_200_000;

/**
 * Creates a lab and starts its nodes.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` when a document is refused, `LZ_OPTION_INVALID`.
 * @example
 * ```ts
 * await using lab = await createLab({ services: '{ service: web, team: shop, profile: stateless }' });
 * lab.precheck('PeerCheck', { nodes: { c: 'timeout' } });
 * const { outcome, votes } = await lab.send({ event_type: 'HealthcheckDown', service: 'web', host: 'web-1' });
 * ```
 */
export async function createLab(options: LabOptions = {}): Promise<Lab> {
  const parts = partsOf(createLabSetting(options));
  const { setting, nodes, agenda, rest } = parts;
  for (const { id } of setting.membership.members) await nodes.start(id);
  const closing = { isOver: false };
  void rest.sweepUntil(() => closing.isOver).catch(agenda.fail);
  await setting.clock.settle();
  const close = async (): Promise<void> => {
    if (closing.isOver) return;
    closing.isOver = true;
    await nodes.close();
    await setting.world.locks.close();
  };
  return { ...seen(setting), ...driven(parts), close, [Symbol.asyncDispose]: close };
}

function partsOf(setting: LabSetting) {
  const { clock, config, startedAtMs } = setting;
  const nodes = createLabNodes(setting);
  const agenda = createLabAgenda(clock);
  const diary = createLabDiary(clock, startedAtMs);
  const intake = createLabIntake(setting, nodes, agenda, diary);
  const fault = createLabFaults(setting, nodes, intake, diary);
  const dryRuns = dryRunsOf(config);
  const results = createLabResults(setting, { nodes, intake, diary, dryRuns });
  const rest = createLabRest(setting, { agenda, intake, nodes, results });
  return { setting, nodes, agenda, intake, fault, dryRuns, results, rest };
}

/** What a test looks at and changes at once. */
function seen({ world, mockWorld, mocks, replies }: LabSetting) {
  const { calls } = mockWorld;
  const callsOf: Lab['callsOf'] = (name) => calls.filter((call) => isCallOf(call, name));
  return {
    fleet: world.fleet,
    effects: world.actuators.effects,
    pager: world.pager,
    pauses: world.pauses,
    calls,
    callsOf,
    notifications: world.notifier.sent,
    hosts: (...hosts) => {
      for (const host of hosts) world.addHost(host);
    },
    health: (hostId, health) => world.setHealth(hostId, health),
    precheck: (name, reply) => void replies.set(name, reply),
    action: (name, mock) => {
      mocks[name] = mock;
      return {
        get calls() {
          return callsOf(name);
        },
      };
    },
  } satisfies Partial<Lab>;
}

/** What takes time of the lab, and what came of it. */
function driven({
  setting,
  nodes,
  agenda,
  intake,
  fault,
  dryRuns,
  results,
  rest,
}: ReturnType<typeof partsOf>) {
  const { clock, startedAtMs } = setting;
  const { outcome, decisions, runs, trace, coverage } = results;
  const plan = (event: LabEvent): Promise<DecisionRecord> => {
    const { payload } = intake.complete(event);
    return rest.whileTimePasses(anyOf(nodes, setting).controller.plan(payload as Planned));
  };
  return {
    clock: {
      now: () => new Date(clock.now()),
      advance: async (by) => {
        await clock.advance(durationMs(by));
        agenda.rethrow();
      },
      untilIdle: (max = IDLE_WITHIN_MS) => rest.untilIdle(durationMs(max)),
    },
    ...{ fault, outcome, decisions, runs, trace, coverage, plan },
    at: (time, what) => agenda.plan(Math.max(0, startedAtMs + durationMs(time) - clock.now()), what),
    emit: (event, { node } = {}) => intake.emit(event, node),
    send: async (event, { node } = {}) => {
      const eventId = intake.emit(event, node);
      await rest.untilIdle(IDLE_WITHIN_MS);
      return outcome(eventId);
    },
    dryRun: async (event) => dryRuns.of(await plan(event)),
    replay: (records) => replayRecords(records, setting, createLab),
  } satisfies Partial<Lab>;
}

type Planned = Parameters<ReturnType<LabNodes['get']>['controller']['plan']>[0];

function anyOf({ living }: LabNodes, { random }: LabSetting) {
  const [first, ...others] = living;
  if (first === undefined) throw new Error('no node of the lab lives');
  return random.pick([first, ...others]);
}

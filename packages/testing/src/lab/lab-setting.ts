import type { Action } from '@lazarus/dag';
import { resolveMembership } from '@lazarus/quorum';
import type { Membership } from '@lazarus/quorum';
import { createSeededRandom } from '../chance/seeded-random.ts';
import type { SeededRandom } from '../chance/seeded-random.ts';
import { createManualClock } from '../clock/manual-clock.ts';
import type { ManualClock } from '../clock/manual-clock.ts';
import { happyReply } from './happy-replies.ts';
import { compileLabConfig, labDocuments } from './lab-config.ts';
import type { LabConfig } from './lab-config.ts';
import { createLabNetwork } from './lab-network.ts';
import type { LabNetwork } from './lab-network.ts';
import type { LabOptions } from './lab-options.ts';
import { createLabWorld } from './lab-world.ts';
import type { LabWorld } from './lab-world.ts';
import { mockAction } from './mock-actions.ts';
import type { ActionReply, Mock, MockWorld } from './mock-actions.ts';
import type { PrecheckReply } from './precheck-replies.ts';

/** The nodes of a lab that names none, one for each zone. */
export const DEFAULT_NODES = ['a', 'b', 'c'].map((id) => ({ id, zone: `us-east-1${id}` }));
const DEFAULT_REGION = 'us-east-1';
/** Ports that the lab simulates; an action that needs another one answers as if all went well. */
const SIMULATED = new Set(['pager', 'hosts', 'loadBalancer', 'probe', 'notifier', 'fleet']);

/** What all parts of one lab share. Nothing of it is shared with another lab but the compiled configuration. */
export interface LabSetting {
  readonly options: LabOptions;
  readonly region: string;
  readonly config: LabConfig;
  readonly membership: Membership;
  readonly clock: ManualClock;
  readonly startedAtMs: number;
  readonly random: SeededRandom;
  readonly world: LabWorld;
  readonly network: LabNetwork;
  /** What prechecks say; the test changes it while the lab lives. */
  readonly replies: Map<string, PrecheckReply>;
  /** What actions answer; the test changes it while the lab lives. */
  readonly mocks: Record<string, Mock>;
  readonly mockWorld: MockWorld;
  /** Actions with mocked bodies. */
  readonly actions: readonly Action[];
}

/**
 * Makes what the nodes of a lab live in, before any of them starts.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` when a document is refused, `LZ_OPTION_INVALID`.
 */
export function createLabSetting(options: LabOptions): LabSetting {
  const { nodes = DEFAULT_NODES, startAt, seed = 1, region = DEFAULT_REGION } = options;
  const config = configOf(options);
  const membership = resolveMembership({ members: [...nodes] });
  const clock = createManualClock(startAt === undefined ? {} : { wallMs: Date.parse(startAt) });
  const startedAtMs = clock.now();
  const random = createSeededRandom(seed);
  const world = createLabWorld(config, membership.members, clock);
  const network = createLabNetwork(membership.members, { clock, random: random.fork('network') });
  const mocks: Record<string, Mock> = { ...options.mocks };
  const mockWorld: MockWorld = { calls: [], effects: new Map(), moments: 0 };
  const mocking = {
    mocks,
    world: mockWorld,
    unmocked: (action: Action) => unmockedReply(action, options.unmocked),
    startedAtMs: () => startedAtMs,
  };
  for (const host of options.hosts ?? []) world.addHost(host);
  return {
    ...{ options, region, config, membership, clock, startedAtMs, random, world, network, mocks, mockWorld },
    replies: new Map(Object.entries(options.prechecks ?? {})),
    actions: config.actions.map((action) => mockAction(action, mocking)),
  };
}

function configOf({ config, ...options }: LabOptions): LabConfig {
  if (config !== undefined && 'snapshot' in config) return config;
  return compileLabConfig([...(config ?? []), ...labDocuments(options)], options);
}

function unmockedReply(action: Action, unmocked: LabOptions['unmocked']): ActionReply | 'run' | undefined {
  if (unmocked === 'fail') return undefined;
  if (action.requires.length > 0 && action.requires.every((port) => SIMULATED.has(port))) return 'run';
  return happyReply(action);
}

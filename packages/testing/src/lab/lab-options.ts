import { ConfigurationError } from '@lazarus/core';
import type { DecisionRecord, LazarusEvent } from '@lazarus/core';
import { parseDuration } from '@lazarus/core/documents';
import type {
  ConfigDocument,
  DryRunView,
  LockTarget,
  Notification,
  Pauses,
  RunView,
} from '@lazarus/core/ports';
import type { Member } from '@lazarus/quorum';
import type { FakeActuators } from '../fakes/actuators.ts';
import type { FakeFleet } from '../fakes/fleet.ts';
import type { FakePager } from '../fakes/pager.ts';
import type { LabConfig, LabDocuments, LabPlugins } from './lab-config.ts';
import type { LabCoverage } from './lab-coverage.ts';
import type { LabOutcome } from './lab-outcome.ts';
import type { LabHost } from './lab-world.ts';
import type { Mock, Mocks, RunbookCall } from './mock-actions.ts';
import type { PrecheckReply } from './precheck-replies.ts';
import type { ReplayDifference } from './replay.ts';

/** `90s`, or milliseconds. */
export type LabDuration = string | number;

/** What a lab is made of. Everything but a configuration has a default. */
export interface LabOptions extends LabDocuments, LabPlugins {
  /** Documents with their paths, or a configuration that was compiled before; instead of texts. */
  readonly config?: readonly ConfigDocument[] | LabConfig;
  /** @defaultValue a, b and c in us-east-1a, us-east-1b and us-east-1c */
  readonly nodes?: readonly Member[];
  /** @defaultValue us-east-1 */
  readonly region?: string;
  /** ISO time at which the clock of the lab begins. @defaultValue 2026-01-01T00:00:00Z */
  readonly startAt?: string;
  /** Decides which node takes an event, how fast links are, and the jitter of retries. @defaultValue 1 */
  readonly seed?: number;
  /**
   * Hosts of the fleet. Without any, a service gets six when an event names the first. A host that an event names is
   * unreachable unless its health is given: an event is true until the test says otherwise.
   */
  readonly hosts?: readonly LabHost[];
  /** Replies of prechecks, by name. Without one the real check looks at the fleet and the hosts of the lab. */
  readonly prechecks?: Readonly<Record<string, PrecheckReply>>;
  /** Replies of actions, by step or by action. */
  readonly mocks?: Mocks;
  /**
   * What an action does that nobody mocked. `simulate`: built-in ones change the fleet, the pager and the notifier of the
   * lab, those that reach further answer as if all went well, and those of plugins are refused. `fail` refuses all.
   * @defaultValue simulate
   */
  readonly unmocked?: 'simulate' | 'fail';
}

/** An event as a test writes it: what is left out has a default. `incident_key: null` opens no page. */
export type LabEvent = {
  readonly [K in keyof Omit<LazarusEvent, 'incident_key'>]?: LazarusEvent[K];
} & { readonly incident_key?: string | null };

/** What a mocked action was asked. */
export interface Spy {
  readonly calls: readonly RunbookCall[];
}

/** Faults of the lab; each lasts until it is healed. */
export interface LabFaults {
  /** The node is gone: what it was doing is done by another one, which gets its events again after 10 s. */
  crash(node: string): void;
  /** Starts a node again that was crashed. */
  restart(node: string): Promise<void>;
  /** Nodes of different sides no longer hear each other. */
  partition(...sides: readonly (readonly string[])[]): void;
  heal(): void;
  /** Messages from one node to another take longer. */
  delay(from: string, to: string, by: LabDuration): void;
  /** Takes a lock away from whoever holds it. */
  loseLock(target: LockTarget): Promise<void>;
}

/** A region of Lazarus in one process and in virtual time. */
export interface Lab extends AsyncDisposable {
  readonly clock: {
    now(): Date;
    advance(by: LabDuration): Promise<void>;
    /**
     * Lets time pass until every event is decided, every run has ended and every page is settled.
     *
     * @throws an Error when that takes more than `max` (2 h).
     */
    untilIdle(max?: LabDuration): Promise<void>;
  };
  readonly fault: LabFaults;
  readonly fleet: FakeFleet;
  /** What the simulated provider has done. */
  readonly effects: FakeActuators['effects'];
  readonly pager: FakePager;
  readonly pauses: Pauses;
  /** Adds hosts, or changes those with the same id. */
  hosts(...hosts: readonly LabHost[]): void;
  /** What probes of a host, by its id or its name, answer from every node or by node. */
  health(host: string, health: NonNullable<LabHost['health']>): void;
  /** From now on a precheck says this. */
  precheck(name: string, reply: PrecheckReply): void;
  /** From now on an action (or a step) does this. */
  action(name: string, mock: Mock): Spy;
  /** Does something at an instant of the lab, counted from its start. */
  at(time: LabDuration, what: () => void | Promise<void>): void;
  /** Hands an event to a node, opens its page, and does not wait; returns the id under which its outcome is found. */
  emit(event: LabEvent, options?: { readonly node?: string }): string;
  /** Hands an event to a node and lets time pass until the lab is idle. */
  send(event: LabEvent, options?: { readonly node?: string }): Promise<LabOutcome>;
  /** What would be decided now; changes nothing. */
  plan(event: LabEvent): Promise<DecisionRecord>;
  /**
   * What the run of this event would do, step by step, if every gate let it pass and its rule were in mode `act`; changes
   * nothing. `undefined` when no rule with a workflow is about it.
   */
  dryRun(event: LabEvent): Promise<DryRunView | undefined>;
  /** Decides recorded events again, each in a lab of its own with the recorded votes, and says what differs. */
  replay(records: readonly DecisionRecord[]): Promise<readonly ReplayDifference[]>;
  outcome(eventId: string): Promise<LabOutcome>;
  decisions(): Promise<readonly DecisionRecord[]>;
  runs(): Promise<readonly RunView[]>;
  readonly calls: readonly RunbookCall[];
  /** Calls of an action or a step, polls and retries included. */
  callsOf(actionOrStep: string): readonly RunbookCall[];
  readonly notifications: readonly Notification[];
  /** One line per deed, vote, decision, call and end of a run, with times. */
  trace(): Promise<readonly string[]>;
  coverage(): Promise<LabCoverage>;
  close(): Promise<void>;
}

/** @throws ConfigurationError `LZ_OPTION_INVALID` for what is no duration. */
export function durationMs(duration: LabDuration): number {
  const ms = typeof duration === 'number' ? duration : parseDuration(duration);
  if (ms !== undefined && ms >= 0) return ms;
  throw new ConfigurationError({
    code: 'LZ_OPTION_INVALID',
    summary: `the lab does not know the duration ${JSON.stringify(duration)}, expected one such as 90s`,
    issues: [],
  });
}

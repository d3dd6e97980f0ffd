import { createController, createRunOutcomes } from '@lazarus/core/controller';
import type { Snapshot } from '@lazarus/core';
import type { EffectiveRule } from '@lazarus/core/config';
import type { Controller, RunOutcomes } from '@lazarus/core/controller';
import {
  createMemoryBudgets,
  createMemoryLocks,
  createMemoryPauses,
  createMemoryWindows,
} from '@lazarus/core/memory';
import type { Budgets, Locks, Pauses, Windows } from '@lazarus/core/ports';
import {
  aHost,
  anEvent,
  createFakeAuditLog,
  createFakeFleet,
  createFakePager,
  createFakeVoters,
  createFakeWorkflowEngine,
  createManualClock,
  createRecorder,
  silentLogger,
} from '@lazarus/testing';
import type {
  FakeAuditLog,
  FakeFleet,
  FakePager,
  FakeVoters,
  FakeWorkflowEngine,
  ManualClock,
} from '@lazarus/testing';

/** A rule that replaces hosts of any service and acts. */
export function aRule(overrides: Partial<EffectiveRule> = {}): EffectiveRule {
  return {
    name: 'host_down',
    digest: 'rule-digest-1',
    description: 'replaces a dead host',
    mode: 'act',
    action: 'workflow',
    workflow: { name: 'default.replace_host', timeoutMs: 1_800_000, inputs: {} },
    prechecks: [],
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

/** A configuration with one rule that matches everything, or nothing. */
export function aSnapshot(rule: EffectiveRule | undefined): Snapshot {
  return {
    digest: 'config-digest-1',
    summary: { digest: 'config-digest-1', rules: [], services: [], profiles: [], workflows: [] },
    match: () =>
      rule === undefined
        ? { matched: false, nearest: [{ rule: 'host_down', because: 'host_state_type is SOFT' }] }
        : { matched: true, rule, others: [], why: 'the only rule' },
    rule: (name) => (rule?.name === name ? rule : undefined),
    staleAfterMs: () => rule?.staleAfterMs ?? 300_000,
  };
}

/** One controller with everything around it: real memory adapters, fakes for what lies outside. */
export interface World {
  readonly clock: ManualClock;
  readonly fleet: FakeFleet;
  readonly pager: FakePager;
  readonly voters: FakeVoters;
  readonly engine: FakeWorkflowEngine;
  readonly audit: FakeAuditLog;
  readonly locks: Locks;
  readonly windows: Windows;
  readonly budgets: Budgets;
  readonly pauses: Pauses;
  readonly outcomes: RunOutcomes;
  readonly controller: Controller;
  /** A second controller over the same state, as after a restart of the process. */
  restart(): Controller;
}

/** Builds a {@link World}: service web with four hosts, an open page for the first, rule `aRule()`. */
export function createWorld(
  options: {
    readonly rule?: EffectiveRule | undefined;
    readonly withoutRule?: boolean;
    readonly ports?: Partial<Pick<World, 'locks' | 'windows' | 'budgets' | 'pauses'>>;
  } = {},
): World {
  const clock = createManualClock();
  const names = ['web1', 'web2', 'web3', 'web4'];
  const zones = ['a', 'b', 'c', 'a'];
  const fleet = createFakeFleet({
    clock,
    hosts: names.map((name, index) =>
      aHost({ hostId: `i-${name}`, name, zone: `us-east-1${zones[index] ?? 'a'}` }),
    ),
  });
  const pager = createFakePager({ clock });
  const voters = createFakeVoters();
  const engine = createFakeWorkflowEngine({ clock });
  const audit = createFakeAuditLog();
  const locks = options.ports?.locks ?? createMemoryLocks({ clock });
  const windows = options.ports?.windows ?? createMemoryWindows({ clock, history: [] });
  const budgets = options.ports?.budgets ?? createMemoryBudgets({ clock, history: [] });
  const pauses = options.ports?.pauses ?? createMemoryPauses({ clock });
  const outcomes = createRunOutcomes({ audit, budgets, pager, engine, clock, log: silentLogger });
  const ports = {
    clock,
    log: silentLogger,
    fleet,
    windows,
    locks,
    budgets,
    pauses,
    voters,
    pager,
    engine,
    audit,
    outcomes,
  };
  const start = (): Controller => {
    const controller = createController({ node: 'a', region: 'us-east-1' }, ports);
    controller.use(aSnapshot(options.withoutRule === true ? undefined : (options.rule ?? aRule())));
    return controller;
  };
  pager.open('web/web1');
  return {
    clock,
    fleet,
    pager,
    voters,
    engine,
    audit,
    locks,
    windows,
    budgets,
    pauses,
    outcomes,
    controller: start(),
    restart: start,
  };
}

export { aHost, anEvent, createRecorder };

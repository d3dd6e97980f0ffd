import type { Snapshot } from '../config/snapshot.ts';
import type { SettingsDocument } from '../config/settings-schema.ts';
import { ConfigurationError, PortError } from '../errors/lazarus-error.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import { createMemoryAudit } from '../memory/memory-audit.ts';
import { createMemoryBudgets } from '../memory/memory-budgets.ts';
import { createMemoryLocks } from '../memory/memory-locks.ts';
import { createMemoryPauses } from '../memory/memory-pauses.ts';
import { createMemoryWindows } from '../memory/memory-windows.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { Budgets } from '../ports/budgets.ts';
import type { Clock } from '../ports/clock.ts';
import type { Fleet } from '../ports/fleet.ts';
import type { HealthProbe } from '../ports/health-probe.ts';
import type { Locks } from '../ports/locks.ts';
import type { Logger } from '../ports/logger.ts';
import type { Pager } from '../ports/pager.ts';
import type { Pauses } from '../ports/pauses.ts';
import type { Voters } from '../ports/voters.ts';
import type { Windows } from '../ports/windows.ts';
import type { WorkflowEngine } from '../ports/workflow-engine.ts';
import { createSystemClock } from '../time/system-clock.ts';
import type { RunHandler } from './handler-engine.ts';

/** Who does the work: a function, or an engine that runs workflows. */
export type LazarusWorker =
  | { readonly handler: RunHandler; readonly engine?: never }
  | { readonly engine: WorkflowEngine; readonly handler?: never };

/** Ports of `createLazarus`. What is left out lives in this process, and nothing of it survives a restart. */
export type LazarusPorts = LazarusWorker & {
  readonly fleet: Fleet;
  readonly pager: Pager;
  /** Needed when a rule has a check that probes hosts, unless `voters` are passed: they have probes of their own. */
  readonly probe?: HealthProbe;
  /** @defaultValue votes alone, 1 of 1 */
  readonly voters?: Voters;
  /** @defaultValue the clock of the machine */
  readonly clock?: Clock;
  /** @defaultValue silent */
  readonly log?: Logger;
  /** @defaultValue in memory, with an empty history */
  readonly windows?: Windows;
  /** @defaultValue in memory, nothing spent */
  readonly budgets?: Budgets;
  /** @defaultValue in memory */
  readonly locks?: Locks;
  /** @defaultValue in memory, not paused */
  readonly pauses?: Pauses;
  /** @defaultValue in memory, the newest 10 000 records */
  readonly audit?: AuditLog;
};

/** Everything that decides and acts needs; `close` ends what was made here. */
export interface ResolvedPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly fleet: Fleet;
  readonly pager: Pager;
  readonly probe: HealthProbe;
  readonly windows: Windows;
  readonly budgets: Budgets;
  readonly locks: Locks;
  readonly pauses: Pauses;
  readonly audit: AuditLog;
  close(): Promise<void>;
}

const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Stands for a probe that nobody passed: a check that asks it has failed. */
const NO_PROBE: HealthProbe = {
  zone: 'none',
  probe: async () => {
    throw new PortError({
      code: 'LZ_PROBE_REFUSED',
      message: 'no probe was passed to createLazarus',
      retryable: false,
    });
  },
};

/** Fills in what an embedder left out. */
export function resolvePorts(given: LazarusPorts, current: () => Snapshot | undefined): ResolvedPorts {
  const clock = given.clock ?? createSystemClock();
  const ownLocks = given.locks === undefined ? createMemoryLocks({ clock }) : undefined;
  const breaker = breakerInForce(current);
  return {
    clock,
    log: given.log ?? SILENT,
    fleet: given.fleet,
    pager: given.pager,
    probe: given.probe ?? NO_PROBE,
    windows:
      given.windows ??
      createMemoryWindows({
        clock,
        history: [],
        knownServices: () => current()?.summary.services.length,
        ...(breaker === undefined ? {} : { breaker: breaker(), thresholds: breaker }),
      }),
    budgets: given.budgets ?? createMemoryBudgets({ clock, history: [] }),
    locks: given.locks ?? (ownLocks as Locks),
    pauses: given.pauses ?? createMemoryPauses({ clock }),
    audit: given.audit ?? createMemoryAudit(),
    close: async () => ownLocks?.close(),
  };
}

/**
 * Refuses a composition that could not decide: what cannot be defaulted must be there.
 *
 * @throws ConfigurationError `LZ_PORT_MISSING`, with everything that is missing.
 */
export function requireLazarusPorts(given: LazarusPorts, snapshot: Snapshot): void {
  // Plain JavaScript can pass anything: the compiler's promises are not relied on.
  const { fleet, pager, handler, engine }: Partial<Record<keyof LazarusPorts, unknown>> = given;
  const issues: Issue[] = [];
  const refuse = (port: string, message: string): void => {
    issues.push({ path: `ports.${port}`, message });
  };
  if (fleet === undefined) refuse('fleet', 'is missing: nothing can be said about a host');
  if (pager === undefined) refuse('pager', 'is missing: nobody could be woken');
  if (handler === undefined && engine === undefined)
    refuse('handler', 'is missing, and there is no engine: nothing could be done');
  if (handler !== undefined && engine !== undefined)
    refuse('handler', 'was passed together with an engine: pass one of the two');
  issues.push(...missingProbe(given, snapshot));
  if (issues.length === 0) return;
  throw new ConfigurationError({
    code: 'LZ_PORT_MISSING',
    summary: 'createLazarus cannot work with these ports:',
    issues,
  });
}

/** The rules that cannot be decided without a probe, as far as the configuration can list its rules. */
function missingProbe(given: LazarusPorts, snapshot: Snapshot): readonly Issue[] {
  if (given.probe !== undefined || given.voters !== undefined) return [];
  const needs = new Set<string>();
  const { rules, services } = snapshot.summary;
  for (const rule of rules) {
    for (const service of [...services, '']) {
      const found = snapshot.rule(rule, eventAbout(service))?.prechecks ?? [];
      for (const { definition } of found)
        if (definition.usesProbe === true) needs.add(`${rule} (${definition.name})`);
    }
  }
  if (needs.size === 0) return [];
  return [{ path: 'ports.probe', message: `is missing, and needed by ${[...needs].sort().join(', ')}` }];
}

/** Asks a snapshot for its rules as they are for a service; nothing is decided about it. */
function eventAbout(service: string): Parameters<Snapshot['rule']>[1] {
  return {
    id: 'none',
    event_type: 'none',
    source: 'none',
    time: '1970-01-01T00:00:00Z',
    region: 'none',
    environment: 'none',
    service,
    attributes: {},
  };
}

/** The breaker of the configuration in force, worked out once for each; a snapshot made by other means has none. */
function breakerInForce(current: () => Snapshot | undefined): (() => BreakerOfSettings) | undefined {
  const first = settingsOf(current());
  if (first === undefined) return undefined;
  let known = { settings: first, breaker: breakerOf(first) };
  return () => {
    const settings = settingsOf(current()) ?? known.settings;
    if (settings !== known.settings) known = { settings, breaker: breakerOf(settings) };
    return known.breaker;
  };
}

function settingsOf(snapshot: Snapshot | undefined): SettingsDocument | undefined {
  const known: (Snapshot & { readonly settings?: SettingsDocument }) | undefined = snapshot;
  return known?.settings;
}

type BreakerOfSettings = ReturnType<typeof breakerOf>;

function breakerOf({ breaker }: SettingsDocument) {
  return {
    windowMs: breaker.window,
    maxServices: breaker.max_services,
    minOpenMs: breaker.min_open,
    ...(breaker.max_services_fraction === undefined
      ? {}
      : { maxServicesFraction: breaker.max_services_fraction }),
    ...(breaker.close_below === undefined ? {} : { closeBelow: breaker.close_below }),
  };
}

import {
  createMemoryBudgets,
  createMemoryLocks,
  createMemoryPauses,
  createMemoryWindows,
} from '@lazarus/core/memory';
import type { MemoryBudgets, MemoryLocks, MemoryWindows } from '@lazarus/core/memory';
import type { HealthReport, Host, Pauses } from '@lazarus/core/ports';
import { createMemoryJournal } from '@lazarus/dag';
import type { Journal } from '@lazarus/dag';
import type { Member } from '@lazarus/quorum';
import type { ManualClock } from '../clock/manual-clock.ts';
import { createFakeActuators } from '../fakes/actuators.ts';
import type { FakeActuators } from '../fakes/actuators.ts';
import { createFakeAuditLog } from '../fakes/audit-log.ts';
import type { FakeAuditLog } from '../fakes/audit-log.ts';
import { aHost, createFakeFleet } from '../fakes/fleet.ts';
import type { FakeFleet } from '../fakes/fleet.ts';
import { createFakeHealthProbe } from '../fakes/health-probe.ts';
import type { FakeHealthProbe } from '../fakes/health-probe.ts';
import { createFakeNotifier } from '../fakes/notifier.ts';
import type { FakeNotifier } from '../fakes/notifier.ts';
import { createFakePager } from '../fakes/pager.ts';
import type { FakePager } from '../fakes/pager.ts';
import type { LabConfig } from './lab-config.ts';

/** What a probe of a host answers; `hangs` gives no answer in time. */
export type HostHealth = HealthReport['status'] | 'hangs';

/** A host of the lab. Its health is the same from every node, or given by node. */
export interface LabHost extends Partial<Host> {
  readonly health?: HostHealth | Readonly<Record<string, HostHealth>>;
}

/** Everything that the nodes share, and what lies outside of them. */
export interface LabWorld {
  readonly clock: ManualClock;
  readonly fleet: FakeFleet;
  readonly actuators: FakeActuators;
  readonly pager: FakePager;
  readonly notifier: FakeNotifier;
  readonly audit: FakeAuditLog;
  readonly windows: MemoryWindows;
  readonly locks: MemoryLocks;
  readonly budgets: MemoryBudgets;
  readonly pauses: Pauses;
  readonly journal: Journal;
  probeOf(node: string): FakeHealthProbe;
  /** Sets what probes of a host, by its id or its name, answer from every node or by node. */
  setHealth(host: string, health: NonNullable<LabHost['health']>): void;
  addHost(host: LabHost): void;
  /** Makes an event true: a service without hosts gets four, and a host whose health nobody set is unreachable. */
  believe(service: string, environment: string, host: string | undefined): void;
}

const BOOT_MS = 20_000;
/** Besides the one that failed: enough for the minima of the built-in profiles. */
const PEERS = 5;

/** Creates the world of a lab. */
export function createLabWorld(
  config: Pick<LabConfig, 'snapshot'>,
  members: readonly Member[],
  clock: ManualClock,
): LabWorld {
  const { breaker } = config.snapshot.settings;
  const fleet = createFakeFleet({ clock });
  const budgets = createMemoryBudgets({ clock, history: [] });
  const probes = new Map(members.map(({ id, zone }) => [id, createFakeHealthProbe({ clock, zone })]));
  const isHealthSet = new Set<string>();

  const setHealth: LabWorld['setHealth'] = (host, health) => {
    const hostId = fleet.hosts().find(({ name }) => name === host)?.hostId ?? host;
    isHealthSet.add(hostId);
    for (const [node, probe] of probes) {
      const status = typeof health === 'string' ? health : health[node];
      if (status !== undefined) probe.set(hostId, status);
    }
  };
  const addHost: LabWorld['addHost'] = ({ health, ...host }) => {
    const made = aHost({
      ...host,
      ...(host.hostId === undefined && host.name !== undefined ? { hostId: `i-${host.name}` } : {}),
    });
    fleet.put(made);
    if (health !== undefined) setHealth(made.hostId, health);
  };
  const populate = (service: string, environment: string, host: string): void => {
    const zoneAt = (index: number): string => members[index % members.length]?.zone ?? 'us-east-1a';
    const names = [host, ...Array.from({ length: PEERS }, (_, index) => `${service}-peer-${index + 1}`)];
    for (const [index, name] of names.entries()) {
      const hostId = name.startsWith('i-') ? name : `i-${name}`;
      addHost({ hostId, name, service, environment, zone: zoneAt(index) });
    }
  };

  return {
    clock,
    fleet,
    budgets,
    actuators: createFakeActuators({ clock, fleet, budgets, bootMs: BOOT_MS }),
    pager: createFakePager({ clock }),
    notifier: createFakeNotifier(),
    audit: createFakeAuditLog(),
    windows: createMemoryWindows({
      clock,
      history: [],
      knownServices: () => config.snapshot.summary.services.length,
      breaker: {
        windowMs: breaker.window,
        maxServices: breaker.max_services,
        minOpenMs: breaker.min_open,
        ...(breaker.max_services_fraction === undefined
          ? {}
          : { maxServicesFraction: breaker.max_services_fraction }),
        ...(breaker.close_below === undefined ? {} : { closeBelow: breaker.close_below }),
      },
    }),
    locks: createMemoryLocks({ clock }),
    pauses: createMemoryPauses({ clock }),
    journal: createMemoryJournal(),
    probeOf: (node) => {
      const probe = probes.get(node);
      if (probe === undefined) throw new TypeError(`the lab has no node ${node}`);
      return probe;
    },
    setHealth,
    addHost,
    believe: (service, environment, host) => {
      if (host === undefined) return;
      if (fleet.hosts().every((known) => known.service !== service)) populate(service, environment, host);
      const found = fleet
        .hosts()
        .find((known) => known.service === service && [known.hostId, known.name].includes(host));
      if (found !== undefined && !isHealthSet.has(found.hostId)) setHealth(found.hostId, 'unreachable');
    },
  };
}

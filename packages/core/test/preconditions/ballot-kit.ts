import type { BoundPrecondition, LazarusEvent, Precondition } from '@lazarus/core';
import { evaluatePrechecks } from '@lazarus/core';
import type { CheckResult, Host } from '@lazarus/core/ports';
import type { FakeFleet, FakeHealthProbe, ManualClock } from '@lazarus/testing';
import {
  aHost,
  anEvent,
  createFakeFleet,
  createFakeHealthProbe,
  createManualClock,
  silentLogger,
} from '@lazarus/testing';

/** Three healthy hosts of `web`, one per zone, and a node in zone us-east-1a that looks at them. */
export interface BallotKit {
  readonly clock: ManualClock;
  readonly fleet: FakeFleet;
  readonly probe: FakeHealthProbe;
  readonly controller: AbortController;
  readonly event: LazarusEvent;
  /** Runs one check about host i-web1, or about `target`. */
  check(definition: Precondition, params?: unknown, target?: Host | null): Promise<CheckResult>;
}

export const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'] as const;

/** Host number 1, 2, … of `web`; zones go around. */
export function web(number: number, overrides: Partial<Host> = {}): Host {
  return aHost({ hostId: `i-web${number}`, zone: ZONES[(number - 1) % 3]!, ...overrides });
}

export function bind(definition: Precondition, params: unknown = {}): BoundPrecondition {
  return {
    definition,
    params: definition.params.parse(params),
    timeoutMs: definition.timeoutMs,
    provenance: {},
  };
}

export function createBallotKit(hosts: readonly Host[] = [web(1), web(2), web(3)]): BallotKit {
  const clock = createManualClock();
  const fleet = createFakeFleet({ clock, hosts });
  const probe = createFakeHealthProbe({ clock, zone: ZONES[0] });
  const controller = new AbortController();
  const event = anEvent();
  const check: BallotKit['check'] = async (definition, params, target) => {
    const [result] = await evaluatePrechecks({
      prechecks: [bind(definition, params)],
      event,
      target: target === null ? undefined : (target ?? fleet.get('i-web1')),
      fleet,
      probe,
      clock,
      log: silentLogger,
      signal: controller.signal,
    });
    return result!;
  };
  return { clock, fleet, probe, controller, event, check };
}

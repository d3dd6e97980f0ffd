import { createPreconditionRegistry, evaluatePrechecks } from '@lazarus/core';
import type { LazarusEvent, Precondition } from '@lazarus/core';
import type { CheckResult, Host } from '@lazarus/core/ports';
import { createManualClock } from '../clock/manual-clock.ts';
import { anEvent } from '../fakes/event.ts';
import { aHost, createFakeFleet } from '../fakes/fleet.ts';
import { createFakeHealthProbe } from '../fakes/health-probe.ts';
import type { FakeHealthProbe } from '../fakes/health-probe.ts';
import { silentLogger } from '../fakes/logger.ts';
import type { ContractRunner } from './runner.ts';

/** One situation in which a precondition is asked. What is left out is a fleet of four healthy hosts, one of them failed. */
export interface PreconditionCase {
  readonly title: string;
  readonly params?: unknown;
  readonly event?: Partial<LazarusEvent>;
  readonly hosts?: readonly Host[];
  /** Id of the host in question. @defaultValue the first host; `null`: the event is about a service */
  readonly target?: string | null;
  /** What probes of the target answer. @defaultValue unreachable */
  readonly health?: Parameters<FakeHealthProbe['set']>[1];
  /** ISO time. @defaultValue 2026-01-01T12:00:00Z, a Thursday */
  readonly now?: string;
}

/** What an author of a precondition provides to have it examined. */
export interface PreconditionCases {
  /** Parameters with which it can be asked. @defaultValue `{}` */
  readonly params?: unknown;
  /** Parameters that its schema must refuse, besides one with a key that it does not know. */
  readonly refused?: readonly unknown[];
  readonly passes: readonly PreconditionCase[];
  /** At least one: a check that cannot fail protects nobody. */
  readonly fails: readonly [PreconditionCase, ...PreconditionCase[]];
  /** It reads the fleet: then a fleet that does not answer, is partial or empty must be a no. @defaultValue true */
  readonly readsFleet?: boolean;
}

const DEFAULT_HOSTS = ['us-east-1a', 'us-east-1a', 'us-east-1b', 'us-east-1c'].map((zone, index) =>
  aHost({ hostId: `i-web${index + 1}`, zone }),
);

/**
 * What every precondition promises to the voters (S2, S8): parameters are checked, the answer follows from what it is
 * given, a no has a reason, nothing it is given is changed, it leaves no timer behind, and what it cannot know is a no.
 */
export function describePreconditionContract(
  runner: ContractRunner,
  precondition: Precondition,
  cases: PreconditionCases,
): void {
  const { describe, it, expect } = runner;
  const { passes, fails, params = {}, readsFleet = true } = cases;
  const ask = (one: PreconditionCase, world?: Partial<World>): Promise<Asked> =>
    askOnce(precondition, { params, ...one }, world);

  describe(`precondition contract: ${precondition.name}`, () => {
    it('can be used beside the built-in ones', async () => {
      const registry = createPreconditionRegistry();
      const isBuiltIn = registry.find(precondition.name) === precondition;
      const both = isBuiltIn ? registry : createPreconditionRegistry([precondition]);
      expect(both.find(precondition.name) === precondition).toBe(true);
    });

    it('takes its parameters, and refuses what it does not know', async () => {
      expect(precondition.params.safeParse(params).success).toBe(true);
      const unknownKey = { ...(params as object), aKeyThatNoCheckHas: 1 };
      for (const bad of [unknownKey, ...(cases.refused ?? [])])
        expect(precondition.params.safeParse(bad).success).toBe(false);
    });

    for (const one of passes) {
      it(`passes: ${one.title}`, async () => {
        const { result } = await ask(one);
        expect({ verdict: result.verdict, reason: result.reason }).toMatchObject({ verdict: 'pass' });
      });
    }

    for (const one of fails) {
      it(`fails with a reason: ${one.title}`, async () => {
        const { result } = await ask(one);
        expect(result.verdict).toBe('fail');
        expect((result.reason ?? '').length).toBeGreaterThan(0);
        expect(/^(?:failed:|gave no answer|no verdict)/.test(result.reason ?? '')).toBe(false);
      });
    }

    it('gives the same answer for the same situation, as JSON, and leaves no timer behind', async () => {
      for (const one of [...passes, ...fails]) {
        const [first, second] = [await ask(one), await ask(one)];
        expect(second.result).toEqual(first.result);
        expect(JSON.parse(JSON.stringify(first.result))).toEqual(first.result);
        expect(first.timers).toBe(0);
      }
    });

    if (!readsFleet) return;
    const [best = fails[0]] = passes;

    it('S8: a fleet that does not answer, is partial, or is empty is a no', async () => {
      for (const world of [{ isDown: true }, { isPartial: true }, { isEmpty: true }]) {
        const { result } = await ask(best, world);
        expect({ ...world, verdict: result.verdict }).toEqual({ ...world, verdict: 'fail' });
      }
    });
  });
}

interface World {
  readonly isDown: boolean;
  readonly isPartial: boolean;
  readonly isEmpty: boolean;
}

interface Asked {
  readonly result: CheckResult;
  /** Sleeps that nobody ended. */
  readonly timers: number;
}

async function askOnce(
  precondition: Precondition,
  one: PreconditionCase,
  { isDown = false, isPartial = false, isEmpty = false }: Partial<World> = {},
): Promise<Asked> {
  const { hosts = DEFAULT_HOSTS, now = '2026-01-01T12:00:00Z', health = 'unreachable' } = one;
  const clock = createManualClock({ wallMs: Date.parse(now) });
  const fleet = createFakeFleet({ clock, hosts: isEmpty ? [] : hosts });
  if (isDown) fleet.fail('the provider does not answer');
  fleet.truncate(isPartial);
  const target =
    one.target === null ? undefined : hosts.find(({ hostId }) => hostId === (one.target ?? hosts[0]?.hostId));
  const probe = createFakeHealthProbe({ clock, zone: target?.zone ?? 'us-east-1a' });
  if (target !== undefined) probe.set(target.hostId, health);
  const asking = evaluatePrechecks({
    prechecks: [
      {
        definition: precondition,
        params: precondition.params.parse(one.params),
        timeoutMs: precondition.timeoutMs,
        provenance: {},
      },
    ],
    event: anEvent({ time: now, host: target?.name, ...one.event }),
    target,
    fleet,
    probe,
    clock,
    log: silentLogger,
    signal: new AbortController().signal,
  });
  let result: CheckResult | undefined;
  const done = asking.then(([first]) => {
    result = first;
  });
  await clock.settle();
  if (result === undefined) await clock.advance(precondition.timeoutMs + 1);
  await done;
  if (result === undefined) throw new Error('the evaluator gave no result');
  return { result, timers: clock.pending };
}

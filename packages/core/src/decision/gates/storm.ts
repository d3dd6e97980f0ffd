/**
 * Gates 4, 8, 9 and 10: how much is failing? The event is counted as soon as it is known, also while everything is
 * suspended; what the counts mean for it is asked later, when a storm had time to show itself. Keeps S7.
 */
import type { LazarusEvent } from '../../events/event.ts';
import { describeError } from '../../errors/lazarus-error.ts';
import type { Answer } from '../../ports/answer.ts';
import type { BreakerView, Windows, WindowView } from '../../ports/windows.ts';
import { entityBound } from '../../rate-limit/limiter.ts';
import { orElse, whenAnswered } from '../../time/answered.ts';
import { withinDeadline } from '../../time/within-deadline.ts';
import { escalate, pass } from '../gate-outcome.ts';
import type { GateOutcome } from '../gate-outcome.ts';
import { seconds } from '../phrases.ts';
import { entityOf, known, remainingMs } from '../walk.ts';
import type { Walk } from '../walk.ts';

const HOLD_DOWN_LOOK_MS = 500;

/** Gate 4. */
export function observe(walk: Walk): Answer<GateOutcome> {
  const event = known(walk.event);
  if (event.host === undefined) return count(walk, event);
  return whenAnswered(findTarget(walk, event.service, event.host), () => count(walk, event));
}

/** Counts the host as the provider knows it, so that two names of one host count once. */
function count(walk: Walk, { region, service }: LazarusEvent): Answer<GateOutcome> {
  const ask = (): Answer<GateOutcome> => {
    const observation = { eventId: walk.eventId, region, service, entity: entityOf(walk) };
    return whenAnswered(walk.reads.windows.observe(observation), (view) => {
      walk.view = view;
      const { entities, windowMs } = view;
      const { services } = view.breaker;
      return pass(`${entities} failing in ${service}, ${services} services in the region`, {
        entities,
        services,
        window_ms: windowMs,
        ...countedBy(view),
      });
    });
  };
  return orElse(ask, (error) => {
    const detail = describeError(error);
    const reason = `counts are unknown, which counts as open: ${detail}`;
    return escalate('windows_unavailable', reason, { error: detail });
  });
}

function findTarget(walk: Walk, service: string, host: string): Answer<void> {
  const { clock, fleet } = walk.reads;
  const ask = (): Answer<void> =>
    whenAnswered(
      withinDeadline(clock, walk.settings.fleetTimeoutMs, walk.signal, (call) =>
        fleet.find({ service, host }, call),
      ),
      (found) => {
        walk.target = found;
        if (found === undefined)
          walk.targetProblem = `the provider knows no single host ${host} in ${service}`;
      },
    );
  return orElse(ask, (error) => {
    walk.targetProblem = `the provider did not answer: ${describeError(error)}`;
  });
}

/** Gate 8: 10 s, so that a storm shows itself before the first decision. */
export function holdDown(walk: Walk): Answer<GateOutcome> {
  const startedMs = walk.reads.clock.monotonic();
  const untilMs = walk.received.monotonicMs + known(walk.rule).holdDownMs;
  return startedMs < untilMs ? waitForStorm(walk, startedMs, untilMs) : heldDown(walk, 0);
}

async function waitForStorm(walk: Walk, startedMs: number, untilMs: number): Promise<GateOutcome> {
  const { clock, windows } = walk.reads;
  const { region, service } = known(walk.event);
  while (clock.monotonic() < untilMs && remainingMs(walk) > 0 && !isSuspended(walk)) {
    await clock.sleep(Math.min(HOLD_DOWN_LOOK_MS, untilMs - clock.monotonic()), { signal: walk.signal });
    walk.view = await windows.view({ region, service });
  }
  return heldDown(walk, clock.monotonic() - startedMs);
}

function heldDown(walk: Walk, waitedMs: number): GateOutcome {
  const evidence = { waited_ms: waitedMs, ended_early: isSuspended(walk) };
  return pass(`waited ${seconds(waitedMs)} for a storm to show itself`, evidence);
}

function isSuspended(walk: Walk): boolean {
  const view = known(walk.view);
  return view.breaker.state !== 'closed' || view.entities > known(walk.rule).limits.maxEntities;
}

/** Gate 9. */
export function regionBreaker(walk: Walk): GateOutcome {
  const view = known(walk.view);
  const { breaker } = view;
  const evidence = { ...breaker, ...countedBy(view) };
  if (breaker.state !== 'closed') return escalate('region_circuit_open', openCircuit(breaker), evidence);
  return pass(`closed: ${breaker.services} of at most ${breaker.maxServices} failing services`, evidence);
}

const openCircuit = ({ state, services, maxServices }: BreakerView): string =>
  `the circuit breaker of the region is ${state}: ${services} services are failing, ${maxServices} are allowed`;

/** What the shared view and the node's own counted, where there are two. */
const countedBy = ({ counted }: WindowView): Pick<WindowView, 'counted'> =>
  counted === undefined ? {} : { counted };

/** Gate 10. */
export function serviceLimit(walk: Walk): Answer<GateOutcome> {
  const { limits } = known(walk.rule);
  if (limits.maxEntitiesFraction === undefined) return withinLimit(walk, limits.maxEntities);
  return knownHosts(walk).then((hosts) => withinLimit(walk, entityBound(limits, hosts)));
}

function withinLimit(walk: Walk, bound: number): Answer<GateOutcome> {
  const view = known(walk.view);
  const { entities, windowMs } = view;
  const { service } = known(walk.event);
  const counts = { entities, max_entities: bound, window_ms: windowMs, ...countedBy(view) };
  if (entities <= bound) return pass(`${entities} of at most ${bound} failing in ${service}`, counts);
  const detail = `${entities} of ${service} failed within ${seconds(windowMs)}, ${bound} are allowed`;
  return whenAnswered(clearsInMs(walk, bound), (clearsMs) =>
    escalate('service_rate_limited', detail, { ...counts, clears_in_ms: clearsMs ?? null }),
  );
}

/** How many hosts there are; `undefined` when the inventory is incomplete or late, which allows none to fail. Keeps S8. */
async function knownHosts(walk: Walk): Promise<number | undefined> {
  const { clock, fleet, log } = walk.reads;
  try {
    const list = await withinDeadline(clock, walk.settings.fleetTimeoutMs, walk.signal, (call) =>
      fleet.list(known(walk.event).service, call),
    );
    return list.complete ? list.hosts.length : undefined;
  } catch (error) {
    log.warn('how many hosts there are is not known; none may fail', { error: describeError(error) });
    return undefined;
  }
}

/** When the limit would let the service through again: for people, so that not knowing it changes nothing. */
function clearsInMs(walk: Walk, maxEntities: number): ReturnType<NonNullable<Windows['clearsInMs']>> {
  const { region, service } = known(walk.event);
  return orElse(
    () => walk.reads.windows.clearsInMs?.({ region, service }, maxEntities),
    () => undefined,
  );
}

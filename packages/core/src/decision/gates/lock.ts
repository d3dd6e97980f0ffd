/** Gate 11: is the target known and free? What is taken here is given back unless a run needs it. Keeps S4 and S16. */
import { describeError } from '../../errors/lazarus-error.ts';
import type { LazarusEvent } from '../../events/event.ts';
import type { Host } from '../../ports/fleet.ts';
import type { LockTarget } from '../../ports/locks.ts';
import type { RunView } from '../../ports/workflow-engine.ts';
import { decisionId } from '../decision-id.ts';
import { attachedToRun, escalate, pass } from '../gate-outcome.ts';
import type { GateOutcome, Stopped } from '../gate-outcome.ts';
import { short } from '../phrases.ts';
import { isDry, known } from '../walk.ts';
import type { Walk } from '../walk.ts';

/** Who holds a lock, and on what. */
interface Busy {
  readonly heldBy: string;
  readonly by: LockTarget;
}

/** Gate 11. */
export async function lock(walk: Walk): Promise<GateOutcome> {
  const event = known(walk.event);
  const rule = known(walk.rule);
  const { target } = walk;
  if (rule.lock.type === 'host' && target === undefined) {
    const problem = walk.targetProblem ?? `rule ${rule.name} needs a host and the event names none`;
    return targetUnresolved(problem, event);
  }
  if (target !== undefined && (!target.managed || target.isProtected)) return targetProtected(target);
  const attempt = await nextAttempt(walk);
  walk.decisionId = attempt.id;
  if (attempt.run !== undefined)
    return attachedToRun(attempt.id, `run ${short(attempt.id)} is doing this already`);
  const wanted = lockTarget(walk);
  try {
    const busy = await takeLock(walk, wanted, attempt.id);
    if (busy !== undefined) return await lockBusy(walk, wanted, busy);
    return pass(`${rule.lock.type} lock ${isDry(walk) ? 'is free' : 'acquired'}`, { target: wanted });
  } catch (error) {
    const detail = describeError(error);
    return escalate('lock_unavailable', detail, { error: detail });
  }
}

/** What the rule locks. */
export function lockTarget(walk: Walk): LockTarget {
  const { service } = known(walk.event);
  return known(walk.rule).lock.type === 'host'
    ? { kind: 'host', service, host: known(walk.target).hostId }
    : { kind: 'service', service };
}

function targetUnresolved(problem: string, event: LazarusEvent): Stopped {
  return escalate('target_unresolved', problem, { service: event.service, host: event.host ?? null });
}

function targetProtected({ name, managed, isProtected }: Host): Stopped {
  const detail = isProtected ? `${name} is protected` : `${name} has not opted in at the provider`;
  return escalate('target_protected', detail, { host: name, managed, protected: isProtected });
}

/** The first attempt whose run has not ended; every earlier one is over, and this is a new action. Keeps S1. */
async function nextAttempt(walk: Walk): Promise<{ readonly id: string; readonly run: RunView | undefined }> {
  const { service, incident_key: incidentKey } = known(walk.event);
  const { name: rule, digest: ruleDigest } = known(walk.rule);
  const incarnation = walk.target?.incarnation;
  for (let attempt = 0; ; attempt += 1) {
    const id = decisionId({ rule, ruleDigest, service, attempt, incarnation, incidentKey });
    const run = await walk.reads.engine.get(id);
    if (run === undefined || run.status === 'running') return { id, run };
  }
}

async function takeLock(walk: Walk, target: LockTarget, holder: string): Promise<Busy | undefined> {
  if (isDry(walk)) return walk.reads.locks.inspect(target);
  const request = { target, holder, ttlMs: walk.settings.lockTtlMs };
  const grant = await known(walk.effects).locks.acquire(request, { signal: walk.signal });
  if (!grant.granted) return { heldBy: grant.heldBy, by: grant.by };
  if (walk.isOver) await grant.lease.release();
  else walk.lease = grant.lease;
  return undefined;
}

async function lockBusy(walk: Walk, wanted: LockTarget, busy: Busy): Promise<Stopped> {
  const evidence = { held_by: busy.heldBy, lock: busy.by };
  // The page can only share the fate of a run that is about the same host.
  const sameHost = busy.by.kind === 'host' && wanted.kind === 'host' && busy.by.host === wanted.host;
  const holder = await walk.reads.engine.get(busy.heldBy);
  const hasEnded = holder !== undefined && holder.status !== 'running';
  if (known(walk.rule).lock.onBusy !== 'attach' || !sameHost || hasEnded)
    return escalate('lock_held', `the ${busy.by.kind} lock is held by ${short(busy.heldBy)}`, evidence);
  return attachedToRun(busy.heldBy, `run ${short(busy.heldBy)} holds the lock`, evidence);
}

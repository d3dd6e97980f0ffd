/** Gate 5: is nobody remediating this entity already, and was it not remediated? */
import type { Answer } from '../../ports/answer.ts';
import type { Host } from '../../ports/fleet.ts';
import type { RunView } from '../../ports/workflow-engine.ts';
import { whenAnswered } from '../../time/answered.ts';
import type { Claim, ClaimOutcome } from '../claims.ts';
import { attachedToRun, pass, suppress } from '../gate-outcome.ts';
import type { GateOutcome, Stopped } from '../gate-outcome.ts';
import { short } from '../phrases.ts';
import { entityOf, known } from '../walk.ts';
import type { Walk } from '../walk.ts';

/** Gate 5. */
export function coalesce(walk: Walk): Answer<GateOutcome> {
  const { region, service } = known(walk.event);
  const entity = entityOf(walk);
  const key = `${region}/${service}/${entity}`;
  const claim = walk.reads.claims.claim(key, walk);
  return claim.mine ? notRemediated(walk, entity) : waitForClaim(walk, key, entity, claim);
}

async function waitForClaim(walk: Walk, key: string, entity: string, first: Claim): Promise<GateOutcome> {
  const { claims, audit } = walk.reads;
  for (let claim = first; !claim.mine; claim = claims.claim(key, walk)) {
    const ended = await claim.ended;
    if (claim.eventId === walk.eventId) {
      if ((await audit.byEvent(walk.eventId))?.terminal === true) return deliveredTwice(walk.eventId);
    } else if (ended.decision.kind !== 'notify_only') {
      // S13: a note of what would have been done is nobody's outcome: this event walks on and makes its own.
      return attachedToEvent(ended, entity);
    }
  }
  return notRemediated(walk, entity);
}

function deliveredTwice(eventId: string): Stopped {
  return suppress('duplicate', 'this event was delivered twice at the same time', { event_id: eventId });
}

function attachedToEvent({ eventId, decision }: ClaimOutcome, entity: string): Stopped {
  const detail = `event ${eventId} about ${entity} was decided first: ${decision.kind}`;
  const evidence = { event_id: eventId, entity, decision: decision.kind };
  const runId = 'run_id' in decision ? decision.run_id : undefined;
  return suppress('attached', detail, evidence, { attachedTo: eventId, runId });
}

/** Passes unless a run is about the target, or was. */
function notRemediated(walk: Walk, entity: string): Answer<GateOutcome> {
  const { target } = walk;
  if (target === undefined) return free(entity);
  return whenAnswered(runAbout(walk, target), (run) =>
    run === undefined
      ? whenAnswered(walk.reads.audit.runsOf(target.incarnation.instanceId), ([last]) =>
          notDealtWith(walk, target, entity, last),
        )
      : attachedToRun(run.run_id, `run ${short(run.run_id)} is about ${target.name}`),
  );
}

const free = (entity: string): GateOutcome => pass(`${entity} is not being remediated`, { entity });

/** Whichever kind of lock the rule takes: a run about this very host is what this alarm is about. */
function runAbout(walk: Walk, target: Host): Answer<RunView | undefined> {
  const { engine, locks } = walk.reads;
  const { service, hostId } = target;
  return whenAnswered(locks.inspect({ kind: 'host', service, host: hostId }), (held) =>
    held === undefined
      ? undefined
      : engine
          .get(held.heldBy)
          .then((run) => (run?.status === 'running' && run.host_id === hostId ? run : undefined)),
  );
}

/** S9: what an earlier run has dealt with never acts again; its page follows that run. */
function notDealtWith(walk: Walk, target: Host, entity: string, last: RunView | undefined): GateOutcome {
  const gone = target.lifecycle === 'forensics' || target.state === 'terminated';
  if (last === undefined) return gone ? goneAlready(target) : free(entity);
  const older = last.ended_at !== undefined && walk.eventAtMs <= Date.parse(last.ended_at);
  // A run that did not succeed was handed to a person: only a person starts again on this incarnation.
  const handedOver = last.status !== 'succeeded';
  return gone || older || handedOver ? supersededBy(last, target) : free(entity);
}

/** Nobody acts on what is not in service, and no run says why it is not. */
function goneAlready({ name, lifecycle, state }: Host): Stopped {
  const what = lifecycle === 'forensics' ? 'kept for examination' : 'gone';
  return suppress('superseded', `${name} is ${what}`, { host: name, lifecycle, state });
}

function supersededBy(last: RunView, { name, lifecycle }: Host): Stopped {
  const detail = `run ${short(last.run_id)} already dealt with ${name} (${last.status})`;
  const evidence = {
    host: name,
    lifecycle,
    run_status: last.status,
    run_ended_at: last.ended_at ?? null,
  };
  return suppress('superseded', detail, evidence, { runId: last.run_id });
}

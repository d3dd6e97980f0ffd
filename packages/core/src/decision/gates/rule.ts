/** Gates 6 and 7: which rule applies, and has nobody paused Lazarus? */
import type { EffectiveRule, RolloutPlace } from '../../config/snapshot.ts';
import { describeError } from '../../errors/lazarus-error.ts';
import type { Answer } from '../../ports/answer.ts';
import type { Pause } from '../../ports/pauses.ts';
import { orElse, whenAnswered } from '../../time/answered.ts';
import { escalate, pass } from '../gate-outcome.ts';
import type { Evidence, GateOutcome, Stopped } from '../gate-outcome.ts';
import { known } from '../walk.ts';
import type { Walk } from '../walk.ts';

/** Gate 6. */
export function matchRule(walk: Walk): GateOutcome {
  if (walk.snapshot === undefined)
    return escalate('no_config', 'there is no valid configuration yet: observing only');
  const match = known(walk.match);
  if (!match.matched) {
    const nearest = match.nearest.map(({ rule, because }) => `${rule}: ${because}`);
    return escalate('no_rule', 'no rule matches this event', { nearest });
  }
  const { rule, why, others, rollout } = match;
  walk.rule = rule;
  const evidence = {
    rule: rule.name,
    mode: rule.mode,
    why,
    others,
    ...(rollout === undefined ? {} : { rollout }),
  };
  if (rule.mode === 'off') return modeOff(rule, known(walk.event).service, evidence);
  if (rule.action === 'notify_only') return notifyOnlyRule(rule, evidence);
  const place = rollout === undefined ? '' : `, ${describePlace(rollout)}`;
  return pass(`${rule.name} (${rule.mode})${place}`, evidence);
}

function describePlace({ profile, hasEdit, wave, waves, status }: RolloutPlace): string {
  const which = hasEdit ? 'with' : 'without yet';
  return `${which} the edit of profile ${profile} (wave ${wave} of ${waves}, ${status.replace('_', ' ')})`;
}

function modeOff(rule: EffectiveRule, service: string, evidence: Evidence): Stopped {
  return escalate('mode_off', `rule ${rule.name} is switched off for ${service}`, {
    ...evidence,
    mode_from: rule.provenance['mode']?.from ?? null,
  });
}

/** The rule alerts and does nothing else. */
function notifyOnlyRule(rule: EffectiveRule, evidence: Evidence): Stopped {
  const detail = `rule ${rule.name} alerts without remediation`;
  return {
    verdict: 'fail',
    exit: 'notify_only_rule',
    reason: detail,
    evidence,
    decision: { kind: 'notify_only', reason: 'rule', detail },
  };
}

/** Gate 7. S14: unreachable counts as paused. */
export function paused(walk: Walk): Answer<GateOutcome> {
  const { region, service } = known(walk.event);
  const ask = (): Answer<GateOutcome> =>
    whenAnswered(walk.reads.pauses.active({ region, service }), (pause) =>
      pause === undefined ? pass('not paused') : pausedBy(pause),
    );
  return orElse(ask, (error) => {
    const detail = describeError(error);
    return escalate('pause_unavailable', `the pause store did not answer: ${detail}`, { error: detail });
  });
}

function pausedBy(pause: Pause): Stopped {
  const until = pause.until === undefined ? 'until it is lifted' : `until ${pause.until}`;
  return escalate('paused', `paused by ${pause.author} ${until}: ${pause.reason}`, { pause });
}

import type { EffectiveRule } from '../config/snapshot.ts';
import type { RuleEntry } from '../config/rule-entry.ts';
import type { SettingsDocument } from '../config/settings-schema.ts';
import { formatDuration } from '../documents/duration.ts';
import { documentIssue } from '../documents/validate-document.ts';
import type { Finding, FindingCode } from './finding.ts';

/** Times that no document names. All milliseconds. */
export interface LintTiming {
  /** From the sensor to the node, at its worst in normal operation. @defaultValue 2000 */
  readonly streamLagMs: number;
  /** To take the lock. @defaultValue 1000 */
  readonly lockMs: number;
  /** To find and acknowledge the page. @defaultValue 5000 */
  readonly acknowledgeMs: number;
  /** TTL of the action lock. @defaultValue 30000 */
  readonly lockTtlMs: number;
  /** Whether the lock is renewed while a run holds it. @defaultValue true */
  readonly lockIsRenewed: boolean;
}

/** Defaults of {@link LintTiming}. */
export const DEFAULT_TIMING: LintTiming = Object.freeze({
  streamLagMs: 2_000,
  lockMs: 1_000,
  acknowledgeMs: 5_000,
  lockTtlMs: 30_000,
  lockIsRenewed: true,
});

/** What the effective values of a rule are held against. */
export interface EffectiveContext {
  readonly entry: RuleEntry;
  readonly rule: EffectiveRule;
  readonly service: string;
  readonly timing: LintTiming;
  readonly settings: SettingsDocument;
}

/** Findings about the times and checks of a rule for one service: the deadline proof, the lock, the pager. */
export function lintEffective(context: EffectiveContext): readonly Finding[] {
  if (context.rule.action !== 'workflow') return [];
  return [...lintDeadline(context), ...lintLock(context), ...lintPager(context), ...lintChecks(context)];
}

function report(
  context: EffectiveContext,
  code: FindingCode,
  severity: Finding['severity'],
  message: string,
  hint?: string,
): Finding {
  const { entry, service } = context;
  const text = `rule ${entry.name} for service ${JSON.stringify(service)}: ${message}`;
  return { code, severity, rule: entry.name, issue: documentIssue(entry.document, entry.base, text, hint) };
}

/** Stream lag, hold-down, ballot, lock and acknowledgement must fit into the time that the pager leaves. */
function lintDeadline(context: EffectiveContext): readonly Finding[] {
  const { rule, timing } = context;
  const parts = [
    ['stream', timing.streamLagMs],
    ['hold_down', rule.holdDownMs],
    ['ballot', rule.quorum.timeoutMs],
    ['lock', timing.lockMs],
    ['acknowledge', timing.acknowledgeMs],
  ] as const;
  const totalMs = parts.reduce((sum, [, partMs]) => sum + partMs, 0);
  const findings: Finding[] = [];
  if (totalMs > rule.decideWithinMs) {
    const longestMs = Math.max(0, ...rule.prechecks.map(({ timeoutMs }) => timeoutMs));
    const says = (name: string): string =>
      name === 'ballot' ? ` (checks ${formatDuration(longestMs)})` : '';
    const sum = parts.map(([name, partMs]) => `${name} ${formatDuration(partMs)}${says(name)}`).join(' + ');
    const message = `${sum} = ${formatDuration(totalMs)}, which is more than decide_within ${formatDuration(rule.decideWithinMs)}`;
    findings.push(
      report(context, 'deadline', 'error', message, 'lower hold_down or the timeout of the quorum'),
    );
  }
  for (const { definition, timeoutMs } of rule.prechecks) {
    if (timeoutMs <= rule.quorum.timeoutMs) continue;
    const message = `${definition.name} may take ${formatDuration(timeoutMs)}, and the ballot ends after ${formatDuration(rule.quorum.timeoutMs)}`;
    findings.push(
      report(
        context,
        'check_timeout',
        'warning',
        message,
        'a check that is not done by then counts as failed',
      ),
    );
  }
  return findings;
}

/** A lock that nobody renews must outlive the run that it protects. */
function lintLock(context: EffectiveContext): readonly Finding[] {
  const { rule, timing } = context;
  const runMs = rule.workflow?.timeoutMs ?? 0;
  if (timing.lockIsRenewed || timing.lockTtlMs > runMs) return [];
  const message = `the lock ends after ${formatDuration(timing.lockTtlMs)}, the workflow may take ${formatDuration(runMs)}`;
  return [
    report(context, 'lock_ttl', 'error', message, 'renew the lock, or make it last longer than the workflow'),
  ];
}

/** An acknowledged page triggers again when its acknowledgement ends: by default after 30 minutes, as long as a workflow. */
function lintPager(context: EffectiveContext): readonly Finding[] {
  const { rule, settings } = context;
  const { pager } = settings;
  const runMs = rule.workflow?.timeoutMs ?? 0;
  const findings: Finding[] = [];
  if (!pager.re_acknowledge && pager.acknowledgement_timeout <= runMs + 60_000) {
    const message = `the workflow may take ${formatDuration(runMs)}, and the pager takes an acknowledgement back after ${formatDuration(pager.acknowledgement_timeout)}`;
    findings.push(
      report(
        context,
        'pager_acknowledgement',
        'error',
        message,
        're-acknowledge while running, or raise acknowledgement_timeout',
      ),
    );
  }
  if (rule.decideWithinMs >= pager.escalation_timeout) {
    const message = `decide_within ${formatDuration(rule.decideWithinMs)} is not below the ${formatDuration(pager.escalation_timeout)} after which the pager escalates by itself`;
    findings.push(report(context, 'pager_escalation', 'error', message));
  }
  return findings;
}

const CAPACITY = ['MinActiveHosts', 'MaxActiveHosts', 'HealthCheckDown', 'PeerCheck'] as const;

/** A rule that acts without asking whether the service can bear it. */
function lintChecks(context: EffectiveContext): readonly Finding[] {
  const { rule } = context;
  const names = new Set(rule.prechecks.map(({ definition }) => definition.name));
  const isForeseen = context.entry.matcher.eventTypes.some(
    (name) => name === 'AWSScheduledEvent' || name === 'ScaleRequest' || name === 'AutoScalingEvent',
  );
  const wanted = CAPACITY.filter((name) => name !== 'HealthCheckDown' || !isForeseen);
  const missing = wanted.filter((name) => !names.has(name));
  if (missing.length === 0) return [];
  return [
    report(
      context,
      'missing_check',
      'warning',
      `acts without ${missing.join(', ')}`,
      'add the checks, or use action: notify_only',
    ),
  ];
}

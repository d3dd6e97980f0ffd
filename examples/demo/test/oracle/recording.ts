import type { DecisionRecord } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';

/** One line of an audit log. */
export interface AuditLine {
  readonly kind: string;
  readonly key: string;
  readonly atMs: number;
  readonly body: unknown;
}

/** One call as the provider saw it. */
export interface ProviderCall {
  readonly action: string;
  readonly atMs: number;
  readonly parameters: Readonly<Record<string, string>>;
  /** HTTP status of the answer. */
  readonly status: number;
}

/** One host as the provider has it. */
export interface ProviderHost {
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** One page with everything that happened to it. */
export interface PageTimeline {
  readonly incidentKey: string;
  readonly log: readonly {
    readonly type: string;
    readonly atMs: number;
    readonly channel: string;
    readonly by: string;
  }[];
}

/** One ballot, as its coordinator logged it. */
export interface BallotLine {
  readonly decisionId: string;
  readonly outcome: string;
  readonly yes: number;
  readonly startedAtMs: number;
}

/** From when until when. */
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Everything that is known about what happened, from those who saw it happen. Times are wall times of one machine. */
export interface Recording {
  readonly members: readonly string[];
  readonly required: number;
  /** Lines of the audit logs of all nodes; a log that several share is in here once. */
  readonly audit: readonly AuditLine[];
  readonly calls: readonly ProviderCall[];
  readonly hosts: readonly ProviderHost[];
  readonly pages: readonly PageTimeline[];
  readonly ballots: readonly BallotLine[];
  /** Ids of events that a node accepted, as the audit log writes them. */
  readonly accepted: readonly string[];
  /** While nothing may begin: Redis away, breaker open. */
  readonly suspended: readonly Span[];
  /** While the kill switch was set, from the moment at which a node took it. */
  readonly paused: readonly Span[];
  /** Which configuration a node took into force, and when. */
  readonly configurations: readonly {
    readonly node: string;
    readonly digest: string;
    readonly fromMs: number;
  }[];
}

/** Looks for one broken invariant; each violation is a line for people. */
export type Oracle = (recording: Recording) => readonly string[];

/** Terminal records, each as often as it was written. */
export function terminalRecords({ audit }: Recording): readonly DecisionRecord[] {
  return audit.filter(({ kind }) => kind === 'terminal').map(({ body }) => body as DecisionRecord);
}

/** Runs that have ended. */
export function endedRuns({ audit }: Recording): readonly RunView[] {
  return audit.filter(({ kind }) => kind === 'run').map(({ body }) => body as RunView);
}

/** A call that changed something, and the decision on whose behalf. */
export interface Effect {
  readonly decisionId: string;
  readonly hostId: string;
  readonly action: string;
  readonly atMs: number;
}

/** Decisions to act, by their id. */
export function remediations(recording: Recording): ReadonlyMap<string, DecisionRecord> {
  const records = terminalRecords(recording).filter(({ decision }) => decision.kind === 'remediate');
  return new Map(
    records.map((record) => [record.decision.kind === 'remediate' ? record.decision.run_id : '', record]),
  );
}

/**
 * Every call that changed something and succeeded, with its decision: launches say it themselves, in their tags. Other calls
 * name a host, whose decision launched it or is about it. A replacement can fail, too, and then is what a second decision
 * is about: the call belongs to the one that was at work then, and to both when both were.
 */
export function effects(recording: Recording): readonly Effect[] {
  const workOn = workByHost(recording);
  return recording.calls.flatMap(({ action, parameters, status, atMs }) => {
    if (action.startsWith('Describe') || status >= 300) return [];
    if (action === 'RunInstances') {
      const decisionId = valueOfTag(parameters, 'lazarus:decision') ?? 'nobody';
      return [{ decisionId, hostId: valueOfTag(parameters, 'lazarus:replaces') ?? '', action, atMs }];
    }
    const hostId = Object.values(parameters).find((value) => /^i-[0-9a-f]+$/.test(value)) ?? '';
    return atWork(workOn.get(hostId) ?? [], atMs).map((decisionId) => ({
      decisionId,
      hostId,
      action,
      atMs,
    }));
  });
}

/** From when until when a decision and its run worked on something. */
interface Work extends Span {
  readonly decisionId: string;
}

function workByHost(recording: Recording): ReadonlyMap<string, readonly Work[]> {
  const endedMs = new Map(
    endedRuns(recording).map(({ run_id: id, ended_at: at }) => [id, Date.parse(at ?? '') || Infinity]),
  );
  const work = [...remediations(recording)].map(([decisionId, record]) => ({
    decisionId,
    hostId: record.incarnation?.instanceId,
    fromMs: Date.parse(record.decided_at),
    untilMs: endedMs.get(decisionId) ?? Infinity,
  }));
  const onTargets = work.map(({ hostId = '', ...each }) => ({ hostId, each }));
  const onClones = recording.hosts.flatMap(({ id, tags }) => {
    const decisionId = tags['lazarus:launched-by'];
    if (decisionId === undefined) return [];
    const each = work.find((known) => known.decisionId === decisionId);
    return [{ hostId: id, each: each ?? { decisionId, fromMs: -Infinity, untilMs: Infinity } }];
  });
  return new Map(
    [...Map.groupBy([...onTargets, ...onClones], ({ hostId }) => hostId)].map(([hostId, some]) => [
      hostId,
      some.map(({ each }) => each).sort((left, right) => left.fromMs - right.fromMs),
    ]),
  );
}

/** Whose a call is: of all who were at work then, else of who began last before it. */
function atWork(work: readonly Work[], atMs: number): readonly string[] {
  const working = work.filter(({ fromMs, untilMs }) => fromMs <= atMs && atMs <= untilMs);
  if (working.length > 0) return working.map(({ decisionId }) => decisionId);
  return [(work.findLast(({ fromMs }) => fromMs <= atMs) ?? work[0])?.decisionId ?? 'nobody'];
}

/** The earliest effect of each decision. */
export function firstEffects(recording: Recording): readonly Effect[] {
  const first = new Map<string, Effect>();
  for (const effect of effects(recording)) {
    const known = first.get(effect.decisionId);
    if (known === undefined || effect.atMs < known.atMs) first.set(effect.decisionId, effect);
  }
  return [...first.values()];
}

/** The value of a tag in the parameters of a query, where `….Key` and `….Value` belong together. */
function valueOfTag(parameters: ProviderCall['parameters'], name: string): string | undefined {
  const key = Object.entries(parameters).find(
    ([path, value]) => path.endsWith('.Key') && value === name,
  )?.[0];
  return key === undefined ? undefined : parameters[key.replace(/\.Key$/, '.Value')];
}

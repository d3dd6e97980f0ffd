import type { Effect, Oracle } from './recording.ts';
import { effects, endedRuns, remediations } from './recording.ts';

/** S1: at most one replacement per decision and per failed host, and at most one run that did something to a host. */
export const oneEffectPerIncarnation: Oracle = (recording) => {
  const violations: string[] = [];
  const launched = recording.hosts.filter(({ tags }) => tags['lazarus:launched-by'] !== undefined);
  for (const [what, tag] of [
    ['decision', 'lazarus:launched-by'],
    ['host', 'lazarus:replaces'],
  ] as const) {
    for (const [key, hosts] of Map.groupBy(launched, ({ tags }) => tags[tag] ?? ''))
      if (hosts.length > 1)
        violations.push(
          `S1: ${what} ${key} has ${hosts.length} replacements: ${hosts.map(({ id }) => id).join(', ')}`,
        );
  }
  const targets = new Map(
    [...remediations(recording)].map(([id, { incarnation }]) => [id, incarnation?.instanceId]),
  );
  const acted = effects(recording).filter(({ decisionId, hostId }) => targets.get(decisionId) === hostId);
  for (const [host, some] of Map.groupBy(acted, ({ hostId }) => hostId)) {
    const decisions = new Set(some.map(({ decisionId }) => decisionId));
    if (decisions.size > 1) violations.push(`S1: ${decisions.size} decisions acted on ${host}`);
  }
  for (const { decisionId, action, hostId } of effects(recording))
    if (!targets.has(decisionId)) violations.push(`S1: ${action} of ${hostId} belongs to no decision to act`);
  return violations;
};

/** S4: two runs never work on one host at the same time. */
export const oneRunPerLock: Oracle = (recording) => {
  const spans = [...Map.groupBy(effects(recording), ({ decisionId }) => decisionId)].map(
    ([decisionId, some]) => ({
      decisionId,
      some,
      hosts: new Set(some.map(({ hostId }) => hostId)),
      fromMs: Math.min(...some.map(({ atMs }) => atMs)),
      untilMs: Math.max(...some.map(({ atMs }) => atMs)),
    }),
  );
  const overlaps = spans.flatMap((one, index) =>
    spans
      .slice(index + 1)
      .filter((other) => one.fromMs <= other.untilMs && other.fromMs <= one.untilMs)
      .filter((other) => [...one.hosts].some((host) => other.hosts.has(host)))
      .map(
        (other) =>
          `S4: ${one.decisionId} and ${other.decisionId} worked on one host at the same time: ${tell(one)}; ${tell(other)}`,
      ),
  );
  const runs = [...Map.groupBy(endedRuns(recording), ({ run_id: id }) => id)]
    .filter(([, ends]) => new Set(ends.map(({ status }) => status)).size > 1)
    .map(([id]) => `S4: run ${id} has two different ends`);
  return [...overlaps, ...runs];
};

/** What a run did, and when. */
function tell({
  decisionId,
  some,
}: {
  readonly decisionId: string;
  readonly some: readonly Effect[];
}): string {
  const done = some.map(({ action, hostId, atMs }) => `${new Date(atMs).toISOString()} ${action} ${hostId}`);
  return `${decisionId.slice(0, 8)} did ${done.join(', ')}`;
}

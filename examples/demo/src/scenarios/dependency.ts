import { describeDecision } from '@lazarus/core';
import { poll, requestJson } from '../world/http.ts';
import { followDecision } from './follow.ts';
import type { Outcome, Scenario, Stage } from './scenario.ts';

const SERVICE = 'web';
const WITHIN_MS = 60_000;

async function play(stage: Stage): Promise<Outcome> {
  const { world, views, terminal } = stage;
  const launchesBefore = await views.launches();
  const hostsBefore = await views.hosts(SERVICE);
  const known = new Set((await views.decisions(SERVICE)).map(({ event_id }) => event_id));
  const startedMs = performance.now();
  await requestJson(`${world.region.url}/_sim/dependency`, { body: { healthy: false } });
  terminal.timed(
    startedMs,
    'chaos',
    `${terminal.paint('red', 'broke')} the dependency that all hosts share: every healthcheck fails now`,
  );

  const first = await followDecision(stage, {
    service: SERVICE,
    since: known,
    startedMs,
    withinMs: WITHIN_MS,
  });
  // One alarm for each host: all of them must end, and none may act.
  const decisions = await poll(
    async () => {
      const all = (await views.decisions(SERVICE)).filter(({ event_id }) => !known.has(event_id));
      return all.length >= hostsBefore.length ? all : undefined;
    },
    { withinMs: WITHIN_MS },
  );
  const all = decisions ?? (await views.decisions(SERVICE));
  for (const { host, decision } of all.toReversed())
    terminal.timed(startedMs, 'decision', `${host ?? SERVICE}: ${describeDecision(decision)}`);
  const launched = (await views.launches()) - launchesBefore;
  const pages = (await views.pages()).filter((page) =>
    all.some((record) => record.page.incident_key === page.incident_key),
  );
  const areEscalated = pages.length > 0 && pages.every((page) => page.escalation_level > 1);
  const acted = all.filter(({ decision }) => decision.kind === 'remediate').length;
  const ok = first?.decision.kind === 'escalate' && acted === 0 && launched === 0 && areEscalated;
  return {
    ok,
    result: {
      outcome: acted === 0 ? 'escalated' : 'remediated',
      service: SERVICE,
      alarms: all.length,
      replaced: launched,
      page: areEscalated ? 'escalated' : 'open',
      reason: first?.decision.kind === 'escalate' ? first.decision.reason : null,
      why: first === undefined ? 'no decision was made in time' : describeDecision(first.decision),
    },
  };
}

/** Something that all hosts need breaks: replacing hosts would not help, and nothing is replaced. */
export const dependencyScenario: Scenario = {
  name: 'dependency',
  summary: 'a dependency that all hosts share breaks; nothing is replaced, the pages are escalated',
  play,
};

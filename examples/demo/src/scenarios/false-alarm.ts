import { describeDecision } from '@lazarus/core';
import { requestJson } from '../world/http.ts';
import { followDecision } from './follow.ts';
import type { Outcome, Scenario, Stage } from './scenario.ts';

const SERVICE = 'web';
const WITHIN_MS = 60_000;

async function play(stage: Stage): Promise<Outcome> {
  const { world, views, terminal } = stage;
  const host = (await views.hosts(SERVICE)).find((one) => one.target_health[SERVICE] === 'healthy');
  if (host === undefined)
    return { ok: false, result: { outcome: 'failed', why: `no healthy host of ${SERVICE}` } };
  const launchesBefore = await views.launches();
  const known = new Set((await views.decisions(SERVICE)).map(({ event_id }) => event_id));
  const incidentKey = `nagios/${host.name}/${Date.now()}`;
  const startedMs = performance.now();
  await requestJson(`${world.pager.url}/v2/enqueue`, {
    body: {
      routing_key: world.pager.routingKey,
      event_action: 'trigger',
      dedup_key: incidentKey,
      payload: { summary: `${host.name} is DOWN`, source: 'nagios', severity: 'critical' },
    },
  });
  await requestJson(`${world.controller.url}/v1/events`, {
    body: {
      id: incidentKey,
      event_type: 'NagiosHostAlarm',
      source: 'nagios',
      time: new Date().toISOString(),
      region: world.regionName,
      environment: host.tags['environment'],
      service: SERVICE,
      host: host.name,
      incident_key: incidentKey,
      attributes: { host_state: 'DOWN', host_state_type: 'HARD' },
    },
  });
  terminal.timed(
    startedMs,
    'nagios',
    `${terminal.paint('red', 'claims')} that ${host.name} (${host.id}) is down; it is not`,
  );

  const record = await followDecision(stage, {
    service: SERVICE,
    since: known,
    startedMs,
    withinMs: WITHIN_MS,
  });
  const launched = (await views.launches()) - launchesBefore;
  const page = (await views.pages()).find(({ incident_key }) => incident_key === incidentKey);
  const isEscalated = (page?.escalation_level ?? 0) > 1;
  return {
    ok: record?.decision.kind === 'escalate' && launched === 0 && isEscalated,
    result: {
      outcome: record?.decision.kind === 'escalate' ? 'escalated' : (record?.decision.kind ?? 'no_decision'),
      service: SERVICE,
      host: host.name,
      replaced: launched,
      page: isEscalated ? 'escalated' : (page?.status ?? 'unknown'),
      reason: record?.decision.kind === 'escalate' ? record.decision.reason : null,
      why: record === undefined ? 'no decision was made in time' : describeDecision(record.decision),
    },
  };
}

/** Nagios is wrong about a host, as in a network partition. */
export const falseAlarmScenario: Scenario = {
  name: 'false-alarm',
  summary: 'Nagios reports a healthy host as down; nothing is replaced',
  play,
};

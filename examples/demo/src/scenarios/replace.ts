import { requestJson, poll } from '../world/http.ts';
import { startTraffic } from '../world/traffic.ts';
import { followDecision, followRun } from './follow.ts';
import type { Outcome, Scenario, Stage } from './scenario.ts';

const SERVICE = 'web';
const WITHIN_MS = 60_000;

const round = (ms: number): number => Math.round(ms / 100) / 10;

async function play(stage: Stage): Promise<Outcome> {
  const { world, views, terminal } = stage;
  const victim = (await views.hosts(SERVICE)).find((host) => host.target_health[SERVICE] === 'healthy');
  if (victim === undefined)
    return { ok: false, result: { outcome: 'failed', why: `no healthy host of ${SERVICE} to kill` } };
  const known = new Set((await views.decisions(SERVICE)).map(({ event_id }) => event_id));
  const traffic = startTraffic(world.loadBalancers[SERVICE] ?? '');

  const startedMs = performance.now();
  await requestJson(`${world.region.url}/_sim/hosts/${victim.id}/kill`, { body: { signal: 'SIGKILL' } });
  terminal.timed(
    startedMs,
    'chaos',
    `${terminal.paint('red', 'killed')} ${victim.name} (${victim.id}, zone ${victim.az}) with SIGKILL`,
  );
  const outOfService = poll(
    async () => {
      const host = (await views.hosts(SERVICE)).find(({ id }) => id === victim.id);
      return host?.target_health[SERVICE] === 'healthy' ? undefined : traffic.count();
    },
    { withinMs: WITHIN_MS },
  );

  const detected = poll(
    async () => (await views.pages()).find((page) => page.incident_key.includes(victim.id)),
    { withinMs: WITHIN_MS, everyMs: 50 },
  ).then((page) => {
    const detectedMs = performance.now() - startedMs;
    if (page !== undefined)
      terminal.timed(startedMs, 'sensor', `opened page ${page.incident_key} and sent the event`);
    return detectedMs;
  });
  const detectedMs = await detected;
  const record = await followDecision(stage, {
    service: SERVICE,
    since: known,
    startedMs,
    withinMs: WITHIN_MS,
  });
  if (record?.decision.kind !== 'remediate') {
    await traffic.stop();
    return {
      ok: false,
      result: {
        outcome: record?.decision.kind ?? 'no_decision',
        service: SERVICE,
        failed_host: victim.name,
        why: why(record?.decision),
      },
    };
  }
  const run = await followRun(stage, { runId: record.decision.run_id, startedMs, withinMs: WITHIN_MS });
  const totalMs = performance.now() - startedMs;
  const before = await outOfService;
  const all = await traffic.stop();
  const failedAfter = all.failed - (before?.failed ?? 0);
  terminal.timed(
    startedMs,
    'traffic',
    `${all.sent} requests; ${before?.failed ?? 0} failed before ${victim.name} was out of service, ${failedAfter} after that`,
  );

  const hosts = await views.hosts(SERVICE);
  const replacement = hosts.find(({ id }) => id === run?.outputs['new_host']);
  const page = (await views.pages()).find(({ incident_key }) => incident_key === record.page.incident_key);
  const isInForensics = hosts.find(({ id }) => id === victim.id)?.tags['lazarus:state'] === 'forensics';
  const result = {
    outcome: run?.status === 'succeeded' ? 'remediated' : (run?.status ?? 'timed_out'),
    service: SERVICE,
    failed_host: victim.name,
    replacement: replacement?.name ?? null,
    votes: record.decision.votes,
    seconds_detect: round(detectedMs),
    seconds_total: round(totalMs),
    page: page?.status ?? 'unknown',
    forensics: isInForensics,
  };
  return {
    ok: run?.status === 'succeeded' && page?.status === 'resolved' && isInForensics && failedAfter === 0,
    result,
  };
}

function why(decision: { readonly detail?: string } | undefined): string {
  return decision?.detail ?? 'no decision was made in time';
}

/** One host dies and is replaced. */
export const replaceScenario: Scenario = {
  name: 'replace',
  summary: 'one host of service web is killed and replaced',
  play,
};

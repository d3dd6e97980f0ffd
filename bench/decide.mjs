/**
 * What a decision costs on its own node, side by side with JSON.parse of the same event: the controller with everything
 * in memory, so that only its own work is measured. Ratios hold where absolute times do not.
 *
 * `local`: one text to the breaker and the limit, with the record written (a storm: most events end here).
 * `local_with_promises`: the same with stores that answer later, as those of a cluster do. `no_rule`: one text to the exit
 * that wakes a person at once. `whole`: all fifteen gates, three yes votes that cost nothing, the page acknowledged, the
 * run submitted. `plan`: the same walk with nothing in scope.
 *
 * Run with `npm run bench:decide`. The last line is JSON.
 */
import { createSystemClock } from '@lazarus/core';
import { compileConfig } from '@lazarus/core/config';
import { createController } from '@lazarus/core/controller';
import { BUILT_IN_PRECONDITIONS } from '@lazarus/core';
import {
  createMemoryAudit,
  createMemoryBudgets,
  createMemoryLocks,
  createMemoryPauses,
  createMemoryWindows,
} from '@lazarus/core/memory';
import { race, round, sink } from './race.mjs';
import { nagiosEvent } from './nagios-event.mjs';

const SERVICES = 20_000;
const CALM_SERVICES = 500;
const clock = createSystemClock();
const WORKFLOWS = [{ name: 'default.replace_host', digest: 'd1' }];
const SETTINGS = `
mode: act
defaults: { hold_down: 0s, stale_after: 1h, max_entities: 3 }
breaker: { max_services: 1000000 }
prechecks: { MinActiveHosts: 1, MaxActiveHosts: 1000 }
`;

const documents = [
  { kind: 'settings', path: 'settings.yaml', text: SETTINGS },
  ...Array.from({ length: SERVICES }, (_, at) => ({
    kind: 'service',
    path: `services/${at}.yaml`,
    text: `service: service-${at}\nteam: t\nprofile: stateless\noverrides: { mode: act }\n`,
  })),
];
const snapshot = compileConfig(documents, { preconditions: BUILT_IN_PRECONDITIONS, workflows: WORKFLOWS });

const eventOf = (at, type) =>
  nagiosEvent(at, { services: SERVICES, time: new Date(clock.now()).toISOString(), type });

const TEXTS = Array.from({ length: 4_096 }, (_, at) => JSON.stringify(eventOf(at * 5)));
const SOFT = TEXTS.map((text) => text.replace('"HARD"', '"SOFT"'));

const hostOf = ({ service, host }) => ({
  hostId: host,
  name: host,
  incarnation: { account: '123456789012', region: 'eu-west-1', instanceId: host, launchedAtMs: 1 },
  service,
  environment: 'prod',
  zone: 'eu-west-1a',
  state: 'running',
  lifecycle: 'active',
  inLoadBalancer: true,
  healthUrl: 'http://10.0.0.1/health',
  managed: true,
  isProtected: false,
  tags: {},
});
const VOTES = ['a', 'b', 'c'].map((voter) => ({
  voter,
  zone: voter,
  verdict: 'yes',
  checks: [{ check: 'HealthCheckDown', verdict: 'pass', durationMs: 1 }],
  durationMs: 1,
}));
const BALLOT = {
  outcome: 'reached',
  yes: 3,
  required: 2,
  members: 3,
  votes: VOTES,
  voided: [],
  durationMs: 1,
};
const DONE = { done: true, changed: true, page: {} };

function createBench(wrap = (port) => port) {
  const silent = () => undefined;
  const ports = {
    clock,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    fleet: {
      find: async (reference) => hostOf(reference),
      list: async () => ({ hosts: [], complete: true }),
    },
    windows: createMemoryWindows({ clock, history: [], breaker: { maxServices: 1_000_000 } }),
    locks: createMemoryLocks({ clock }),
    budgets: createMemoryBudgets({
      clock,
      history: [],
    }),
    pauses: createMemoryPauses({ clock }),
    voters: { ballot: async () => BALLOT },
    pager: { acknowledge: async () => DONE, escalate: async () => DONE },
    engine: { get: async () => undefined, submit: async () => 'created' },
    audit: createMemoryAudit({ maxRecords: 100 }),
    outcomes: {
      hold: (runId, lease) => {
        // The run is over at once: the next event about the host is a new one.
        void lease.release();
        void ports.budgets.settle(runId, { effects: false });
        void ports.audit.runFinished({ run_id: runId, status: 'succeeded' });
      },
    },
  };
  const { windows, pauses, audit, locks } = ports;
  const controller = createController(
    { node: 'a', region: 'eu-west-1' },
    {
      ...ports,
      windows: { ...windows, observe: wrap(windows.observe), view: wrap(windows.view) },
      pauses: { ...pauses, active: wrap(pauses.active) },
      audit: { ...audit, byEvent: wrap(audit.byEvent), runsOf: wrap(audit.runsOf) },
      locks: { ...locks, inspect: wrap(locks.inspect) },
    },
  );
  controller.use(snapshot);
  return { controller, ports };
}

/** A storm: four hosts of every service fail already. */
async function createStorm(wrap) {
  const bench = createBench(wrap);
  for (let at = 0; at < SERVICES; at += 1)
    for (let host = 0; host < 4; host += 1)
      await bench.ports.windows.observe({
        eventId: `warm/${at}/${host}`,
        region: 'eu-west-1',
        service: `service-${at}`,
        entity: `h-${host}`,
      });
  return bench;
}

const storm = await createStorm();
/** The same, where every store answers through a promise, as one on the network does. */
const later = await createStorm(
  (port) =>
    async (...args) =>
      port(...args),
);
const calm = createBench();

let count = 0;
/** Each event has an id of its own, as in life. */
const decideOne = async (bench, texts, at, kind) => {
  const event = JSON.parse(texts[at & 4_095]);
  count += 1;
  event.id = `e-${count}`;
  const record = await bench.controller.decide(event);
  if (record.decision.kind !== kind)
    throw new Error(`${record.decision.kind}: ${record.decision.reason} ${record.decision.detail}`);
  return record.gates.length;
};
let calmCount = 0;
const wholeOne = async (at) => {
  const event = JSON.parse(TEXTS[at & 4_095]);
  calmCount += 1;
  event.id = `w-${calmCount}`;
  event.time = new Date().toISOString();
  // Few services, so that each was asked about before: a rule is resolved for a service once.
  event.service = `service-${calmCount % CALM_SERVICES}`;
  event.host = `i-${calmCount % CALM_SERVICES}`;
  const record = await calm.controller.decide(event);
  if (record.decision.kind !== 'remediate')
    throw new Error(`${record.decision.kind}: ${record.decision.reason} ${record.decision.detail}`);
  return record.gates.length;
};

// A rule is resolved for a service when it is asked about for the first time: that is not what is measured here.
for (const texts of [TEXTS, SOFT]) for (const text of texts) await decideOne(storm, [text], 0, 'escalate');

const times = await race({
  parse: (at) => JSON.parse(TEXTS[at & 4_095]).id.length,
  local: async (at) => decideOne(storm, TEXTS, at, 'escalate'),
  later: async (at) => decideOne(later, TEXTS, at, 'escalate'),
  no_rule: async (at) => decideOne(storm, SOFT, at, 'escalate'),
  whole: wholeOne,
  plan: async (at) => (await calm.controller.plan(JSON.parse(TEXTS[at & 4_095]))).gates.length,
});
await calm.ports.locks.close();
const ratio = (name) => round(times[name] / times.parse);
const results = {
  parse_ns: round(times.parse),
  local_vs_parse: ratio('local'),
  local_with_promises_vs_parse: ratio('later'),
  no_rule_vs_parse: ratio('no_rule'),
  whole_vs_parse: ratio('whole'),
  plan_vs_parse: ratio('plan'),
};
console.table(results);
if (sink.sum === 0) throw new Error('nothing was measured');
console.log(JSON.stringify({ bench: 'decide', node: process.version, ...results }));

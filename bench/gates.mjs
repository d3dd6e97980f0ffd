/**
 * What the deciding state machines cost, side by side with JSON.parse of the same event: limiter and breaker at 20 000
 * failing services, the memory adapters, locks and budgets, and the whole local part of a decision. Ratios hold where
 * absolute times do not.
 *
 * Run with `npm run bench:gates`. The last line is JSON.
 */
import {
  compilePatterns,
  createCircuitBreaker,
  createServiceLimiter,
  createSystemClock,
  parseEvent,
} from '@lazarus/core';
import { createMemoryBudgets, createMemoryLocks, createMemoryWindows } from '@lazarus/core/memory';
import { race, round, sink } from './race.mjs';
import { nagiosEvent } from './nagios-event.mjs';

const SERVICES = 20_000;
const clock = createSystemClock();

const eventOf = (at) => nagiosEvent(at, { services: SERVICES, time: '2026-01-31T12:00:00Z' });

const table = [];
const results = {};
const note = (name, what, value, target) => {
  results[name] = round(value);
  table.push({ what, value: round(value), target });
};

const TEXTS = Array.from({ length: 4_096 }, (_, at) => JSON.stringify(eventOf(at * 5)));
const parse = (at) => JSON.parse(TEXTS[at & 4_095]).id.length;
const services = Array.from({ length: SERVICES }, (_, at) => `service-${at}`);
/** Visits the services in an order that no cache can guess. */
const anyService = (at) => services[(at * 7_919) % SERVICES];

// Memory -----------------------------------------------------------------------------------------------------------------
{
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const windows = createMemoryWindows({ clock, history: [] });
  for (const service of services)
    await windows.observe({ eventId: service, region: 'r', service, entity: 'host-1' });
  globalThis.gc?.();
  note(
    'bytes_per_service',
    'retained bytes per failing service, event id included (needs --expose-gc)',
    (process.memoryUsage().heapUsed - before) / SERVICES,
  );
  sink.sum += (await windows.view({ region: 'r', service: services[0] })).entities;
}

// Limiter and breaker --------------------------------------------------------------------------------------------------
{
  const limiter = createServiceLimiter({}, { clock });
  const breaker = createCircuitBreaker({}, { clock });
  for (const service of services) {
    limiter.observe(service, 'host-1');
    breaker.observe(service);
  }
  const times = await race({
    parse,
    limiter: (at) => (limiter.observe(anyService(at), 'host-1').verdict === 'pass' ? 1 : 0),
    breaker: (at) => breaker.observe(anyService(at)).services,
  });
  note(
    'limiter_vs_parse',
    `limiter / JSON.parse, ${SERVICES} services`,
    times.limiter / times.parse,
    '<= 0.1',
  );
  note(
    'breaker_vs_parse',
    `breaker / JSON.parse, ${SERVICES} services`,
    times.breaker / times.parse,
    '<= 0.2',
  );
}

// Flat in the number of events and of entities per window ------------------------------------------------------------------
{
  const filled = (entities) => {
    const limiter = createServiceLimiter({}, { clock });
    for (let at = 0; at < entities; at += 1) limiter.observe('web', `host-${at}`);
    return limiter;
  };
  const [few, many] = [filled(4), filled(4_000)];
  const hosts = Array.from({ length: 4_000 }, (_, at) => `host-${at}`);
  const times = await race({
    few: (at) => (few.observe('web', hosts[at & 3]).verdict === 'pass' ? 1 : 0),
    many: (at) => (many.observe('web', hosts[at % 4_000]).verdict === 'pass' ? 1 : 0),
  });
  note(
    'limiter_growth_exponent',
    'limiter, 4 to 4000 entities in the window, exponent',
    Math.log(times.many / times.few) / Math.log(1_000),
    '<= 0.1',
  );
}

{
  // The same 4 hosts and the same 4 services, with 100 or with 100 000 events of them in the window.
  const filled = (events) => {
    const limiter = createServiceLimiter({}, { clock });
    const breaker = createCircuitBreaker({}, { clock });
    for (let at = 0; at < events; at += 1) {
      limiter.observe('web', `host-${at & 3}`);
      breaker.observe(services[at & 3]);
    }
    return { limiter, breaker };
  };
  const [few, many] = [filled(100), filled(100_000)];
  const times = await race({
    few: (at) => (few.limiter.observe('web', services[at & 3]).verdict === 'pass' ? 1 : 0),
    many: (at) => (many.limiter.observe('web', services[at & 3]).verdict === 'pass' ? 1 : 0),
    fewServices: (at) => few.breaker.observe(services[at & 3]).services,
    manyServices: (at) => many.breaker.observe(services[at & 3]).services,
  });
  const exponent = (more, less) => Math.log(more / less) / Math.log(1_000);
  note(
    'limiter_events_exponent',
    'limiter, 100 to 100 000 events in the window, exponent',
    exponent(times.many, times.few),
    '<= 0.1',
  );
  note(
    'breaker_events_exponent',
    'breaker, 100 to 100 000 events in the window, exponent',
    exponent(times.manyServices, times.fewServices),
    '<= 0.1',
  );
}

// The memory adapters --------------------------------------------------------------------------------------------------
{
  const windows = createMemoryWindows({ clock, history: [] });
  for (const service of services)
    await windows.observe({ eventId: `warm/${service}`, region: 'r', service, entity: 'host-1' });
  const locks = createMemoryLocks({ clock });
  const budgets = createMemoryBudgets({ clock, history: [] });
  const charge = { decisionId: 'd', service: 'web', zone: 'a', account: '1', region: 'r' };
  let count = 0;
  const times = await race({
    parse,
    windows: async (at) => {
      count += 1;
      return (
        await windows.observe({
          eventId: `e/${count}`,
          region: 'r',
          service: anyService(at),
          entity: 'host-1',
        })
      ).entities;
    },
    locks: async (at) => {
      const grant = await locks.acquire({
        target: { kind: 'host', service: 'web', host: `i-${at & 7}` },
        holder: 'd',
        ttlMs: 30_000,
      });
      await grant.lease.release();
      return 1;
    },
    budgets: async () => {
      await budgets.reserve(charge);
      await budgets.settle('d', { effects: false });
      return 1;
    },
  });
  await locks.close();
  note('windows_vs_parse', 'dedupe + limiter + breaker (memory) / JSON.parse', times.windows / times.parse);
  note('lock_pair_vs_parse', 'acquire + release (memory) / JSON.parse', times.locks / times.parse);
  note('budget_pair_vs_parse', 'reserve + settle (memory) / JSON.parse', times.budgets / times.parse);
}

// The whole local part of a decision -------------------------------------------------------------------------------------
{
  const types = [
    'NagiosHostAlarm',
    'NagiosServiceAlarm',
    'HealthcheckDown',
    'AWSScheduledEvent',
    'AutoScalingEvent',
  ];
  const patterns = compilePatterns(
    Array.from({ length: 100_000 }, (_, at) => ({
      name: `rule-${at}`,
      pattern: {
        service: [`service-${Math.floor(at / 5)}`],
        event_type: [types[at % 5]],
        attributes: { host_state_type: ['HARD'] },
      },
    })),
  );
  const windows = createMemoryWindows({ clock, history: [] });
  const now = Date.parse('2026-01-31T12:00:05Z');
  let count = 0;
  const times = await race({
    parse,
    local: async (at) => {
      const parsed = parseEvent(JSON.parse(TEXTS[at & 4_095]));
      if (!parsed.ok) throw new Error('the bench sends a bad event');
      const { event } = parsed;
      if (now - Date.parse(event.time) > 300_000) throw new Error('the bench sends a stale event');
      count += 1;
      const view = await windows.observe({
        eventId: `${event.source}/${count}`,
        region: event.region,
        service: event.service,
        entity: event.host,
      });
      return patterns.match(event).length + view.entities;
    },
  });
  note(
    'local_decision_vs_parse',
    'parse + validate + stale + dedupe + windows + match among 100 000 rules / JSON.parse',
    times.local / times.parse,
    '<= 3',
  );
}

console.table(table);
if (sink.sum === 0) throw new Error('nothing was measured');
console.log(JSON.stringify({ bench: 'gates', node: process.version, ...results }));

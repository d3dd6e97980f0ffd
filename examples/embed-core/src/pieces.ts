/** The parts of the decision, each on its own: take only what your program needs. */
import {
  compilePatterns,
  createCircuitBreaker,
  createServiceLimiter,
  createSystemClock,
  definePrecondition,
  evaluatePrechecks,
} from '@lazarus/core';
import type { LazarusEvent } from '@lazarus/core';
import type { Logger } from '@lazarus/core/ports';
import { z } from 'zod';
import { fleet, probe } from './stand-ins.ts';

const clock = createSystemClock();
const log: Logger = { debug: () => {}, info: () => {}, warn: console.warn, error: console.error };
const event: LazarusEvent = {
  id: 'nagios-4711',
  event_type: 'NagiosHostAlarm',
  source: 'nagios',
  time: new Date().toISOString(),
  region: 'us-east-1',
  environment: 'prod',
  service: 'web',
  host: 'web-1',
  attributes: { host_state_type: 'HARD' },
};

// Which of many patterns match an event? They are indexed, not tried one by one.
const patterns = compilePatterns([
  { name: 'web_down', pattern: { service: ['web'], attributes: { host_state_type: ['HARD'] } } },
  { name: 'db_down', pattern: { service: [{ prefix: 'db' }] } },
]);
console.log('patterns:', patterns.match(event));

// Is it still one broken host, or is it a storm? The third host within 10 minutes is one too many here.
const limiter = createServiceLimiter({ maxEntities: 2 }, { clock });
console.log(
  'limiter:',
  ['web-1', 'web-2', 'web-2', 'web-3'].map((host) => limiter.observe('web', host).verdict),
);

// Is the whole region in trouble? The third failing service opens the breaker here, and it stays open for a while.
const breaker = createCircuitBreaker({ maxServices: 2 }, { clock });
console.log(
  'breaker:',
  ['web', 'api', 'db'].map((service) => breaker.observe(service).state),
);

// What do the checks say? Errors and timeouts count as no.
const knownHost = definePrecondition({
  name: 'KnownHost',
  summary: 'The provider knows the host.',
  params: z.strictObject({}),
  check: ({ target }) =>
    target === undefined ? { verdict: 'fail', reason: 'nobody knows it' } : { verdict: 'pass' },
});
const results = await evaluatePrechecks({
  prechecks: [{ definition: knownHost, params: {}, timeoutMs: 1_000, provenance: {} }],
  event,
  target: await fleet.find({ service: 'web', host: 'web-1' }),
  fleet,
  probe,
  clock,
  log,
  signal: new AbortController().signal,
});
console.log(
  'prechecks:',
  results.map(({ check, verdict }) => `${check} ${verdict}`),
);

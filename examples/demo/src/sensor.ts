#!/usr/bin/env node
/** A healthcheck sensor as a program of its own: it opens pages and sends events, and decides nothing. */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { createAwsConnection, createAwsFleet, createHttpHealthProbe } from '@lazarus/actuators-aws';
import { createSystemClock } from '@lazarus/core';
import type { Logger } from '@lazarus/core/ports';
import { createPagerDutyEvents } from '@lazarus/pager-pagerduty';
import { createHealthcheckSensor } from '@lazarus/sensors-http';
import { requestJson } from './world/http.ts';

const FLAGS = {
  region: { type: 'string' },
  provider: { type: 'string' },
  pager: { type: 'string' },
  'routing-key': { type: 'string' },
  controller: { type: 'string' },
  services: { type: 'string', default: 'web,api' },
  'interval-ms': { type: 'string', default: '500' },
  'until-stdin-ends': { type: 'boolean' },
} as const;

function required(value: string | undefined, name: string): string {
  if (value !== undefined) return value;
  process.stderr.write(`sensor: --${name} is needed\n`);
  process.exit(2);
}

const { values } = parseArgs({ options: FLAGS });
const region = required(values.region, 'region');
const clock = createSystemClock();
const write = (level: string, message: string, fields?: object): void =>
  void process.stderr.write(`${JSON.stringify({ level, message, ...fields })}\n`);
const log: Logger = {
  debug: () => undefined,
  info: (message, fields) => write('info', message, fields),
  warn: (message, fields) => write('warn', message, fields),
  error: (message, fields) => write('error', message, fields),
};
const aws = createAwsConnection({
  region,
  endpoint: required(values.provider, 'provider'),
  credentials: { accessKeyId: 'simulated', secretAccessKey: 'simulated' },
  clock,
});
const pages = createPagerDutyEvents({
  routingKey: required(values['routing-key'], 'routing-key'),
  endpoint: required(values.pager, 'pager'),
  clock,
  random: { next: Math.random },
});
/** The nodes of the region; any of them takes an event. */
const controllers = required(values.controller, 'controller').split(',');

async function deposit(event: unknown): Promise<void> {
  for (const [index, url] of controllers.entries()) {
    try {
      await requestJson(`${url}/v1/events`, { body: event });
      return;
    } catch (error) {
      if (index === controllers.length - 1) throw error;
    }
  }
}

const sensor = createHealthcheckSensor(
  {
    name: 'demo',
    services: values.services.split(','),
    intervalMs: Number(values['interval-ms']),
    probeTimeoutMs: 1_000,
  },
  {
    fleet: createAwsFleet({ aws, clock }),
    probe: createHttpHealthProbe({ zone: `${region}a` }),
    clock,
    ids: { next: () => randomUUID() },
    log,
    deposit,
    openPage: ({ incidentKey, summary, host }) => pages.trigger({ incidentKey, summary, source: host }),
  },
);

async function stop(): Promise<void> {
  await sensor.close();
  await aws.close();
  process.exit(0);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
if (values['until-stdin-ends'] === true) process.stdin.on('end', () => void stop()).resume();
process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid })}\n`);

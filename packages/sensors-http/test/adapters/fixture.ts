import { readFileSync } from 'node:fs';
import type { LazarusEvent } from '@lazarus/core';
import type { Reading } from '@lazarus/sensors-http';

/** A payload as its sender writes it, from `fixtures/`; a fresh copy each time. */
export function fixture(name: string): Record<string, unknown> {
  const file = new URL(`fixtures/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}

/** What each reading is, short: the id of an event, the reason, or the paths of what is wrong. */
export function outline(readings: readonly Reading[]): readonly unknown[] {
  return readings.map((reading) => {
    if ('event' in reading) return reading.event.id;
    return 'ignored' in reading ? reading.ignored : reading.invalid.map(({ path }) => path);
  });
}

/** The one event of a payload. */
export function onlyEvent(readings: readonly Reading[]): LazarusEvent {
  const [reading] = readings;
  if (readings.length === 1 && reading !== undefined && 'event' in reading) return reading.event;
  throw new Error(`no single event: ${JSON.stringify(readings)}`);
}

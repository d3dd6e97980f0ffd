import { hostname } from 'node:os';
import { nagiosToEvent } from '@lazarus/sensors-http/nagios';
import { CliFailure } from '../cli-failure.ts';
import { EXIT } from '../exit-code.ts';
import { eventFromOptions } from './event-from-options.ts';
import type { DraftEvent, EventDefaults, EventOptions } from './event-from-options.ts';

/**
 * The event of a Nagios event handler, from its `NAGIOS_*` variables. Region, environment, account and service of the
 * flags stand in for custom variables that the object does not have; every other flag wins.
 *
 * @param onIgnored - Told why an alarm deposits nothing (a soft state, a recovery, a planned downtime).
 * @throws CliFailure with exit code 2 and every variable that is wrong.
 */
export function eventFromNagios(
  options: EventOptions,
  defaults: EventDefaults,
  onIgnored: (why: string) => void,
): DraftEvent | undefined {
  const { region, environment, account, service, ...flags } = options;
  const reading = nagiosToEvent(defaults.env, {
    node: defaults.env.LAZARUS_NAGIOS_NODE ?? hostname(),
    ...present({
      region: region ?? defaults.env.LAZARUS_REGION,
      environment: environment ?? defaults.env.LAZARUS_ENVIRONMENT,
      account,
      service,
    }),
  });
  if ('ignored' in reading) {
    onIgnored(`${reading.ignored.replaceAll('_', ' ')}: ${reading.detail}`);
    return undefined;
  }
  if ('invalid' in reading) {
    const lines = reading.invalid.map(
      ({ path, message, hint }) => `${path} ${message}${hint === undefined ? '' : ` (${hint})`}`,
    );
    throw new CliFailure(EXIT.invalid, 'the NAGIOS_* variables make no event', lines);
  }
  return eventFromOptions(flags, reading.event, defaults);
}

function present<T extends Record<string, string | undefined>>(values: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}

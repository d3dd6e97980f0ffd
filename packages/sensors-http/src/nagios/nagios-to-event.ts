import type { Issue, LazarusEvent } from '@lazarus/core';
import { EnvironmentReader, identifier, line, oneOf, wholeNumber } from './nagios-environment.ts';
import type { NagiosEnvironment } from './nagios-environment.ts';

/**
 * From a Nagios event handler to an event. One incident calls the handlers many times: soft states of the service and of
 * the host, hard ones, repeats, the recovery. Only hard problems become events, and all calls for one problem get the
 * same event id, so that the incident is decided once.
 *
 * @remarks Source: Nagios Core 4 manual, "Event Handlers" and "Standard Macros"; the order of calls was measured on 4.4.6.
 */

/** What the environment of a handler does not say. */
export interface NagiosOptions {
  /** Name of this Nagios server: event ids of two servers do not collide. */
  readonly node: string;
  /** Used when the object has no custom variable `_REGION`. */
  readonly region?: string;
  /** Used when the object has no custom variable `_ENVIRONMENT`. */
  readonly environment?: string;
  /** Used when the object has no custom variable `_ACCOUNT`. */
  readonly account?: string;
  /** Used when the object has no custom variable `_SERVICE_NAME`. */
  readonly service?: string;
}

/**
 * Why an alarm deposits nothing: `soft_state` is still being retried; `recovery` is no problem;
 * `host_alarm_will_follow` is a check of a host that is not up, which Nagios reports by itself; `scheduled_downtime` was
 * planned by a person.
 */
export type NagiosIgnored = 'soft_state' | 'recovery' | 'host_alarm_will_follow' | 'scheduled_downtime';

/** What {@link nagiosToEvent} makes of an alarm. */
export type NagiosReading =
  | { readonly event: LazarusEvent }
  | { readonly ignored: NagiosIgnored; readonly detail: string }
  | { readonly invalid: readonly Issue[] };

const HOST_STATES = ['UP', 'DOWN', 'UNREACHABLE'] as const;
const SERVICE_STATES = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;
const MAX_SUMMARY = 1024;

interface Alarm {
  readonly kind: 'host' | 'service';
  readonly host: string;
  readonly check: string | undefined;
  readonly hostState: string;
  readonly hostStateType: string;
  readonly state: string;
  readonly stateType: string;
}

/**
 * Reads one call of an event handler.
 *
 * @param environment - `NAGIOS_*` variables as Nagios set them; others are not looked at.
 * @returns An event that fits the envelope, why there is none, or the variables that cannot be used. Never throws.
 * @example
 * ```ts
 * const reading = nagiosToEvent(process.env, { node: 'nagios-a', region: 'us-east-1' });
 * if ('event' in reading) await stream.deposit(reading.event);
 * ```
 */
export function nagiosToEvent(environment: NagiosEnvironment, options: NagiosOptions): NagiosReading {
  const reader = new EnvironmentReader(environment);
  const alarm = readAlarm(reader);
  if (reader.issues.length > 0) return { invalid: reader.issues };
  const ignored = whyIgnored(alarm, reader);
  if (ignored !== undefined) return ignored;
  const event = describe(alarm, reader, options);
  return reader.issues.length > 0 ? { invalid: reader.issues } : { event };
}

function readAlarm(reader: EnvironmentReader): Alarm {
  const hint = 'is enable_environment_macros=1 set, and is this called by an event handler?';
  const check = reader.optional(['NAGIOS_SERVICEDESC'], line(255));
  const kind = reader.raw('NAGIOS_SERVICEDESC') === undefined ? 'host' : 'service';
  const stateType = oneOf(['SOFT', 'HARD']);
  const hostState = reader.required(['NAGIOS_HOSTSTATE'], oneOf(HOST_STATES), hint);
  const hostStateType = reader.required(['NAGIOS_HOSTSTATETYPE'], stateType, hint);
  const host = reader.required(['NAGIOS_HOSTNAME'], identifier(255), hint);
  if (kind === 'host') {
    return { kind, host, check, hostState, hostStateType, state: hostState, stateType: hostStateType };
  }
  return {
    kind,
    host,
    check,
    hostState,
    hostStateType,
    state: reader.required(['NAGIOS_SERVICESTATE'], oneOf(SERVICE_STATES), hint),
    stateType: reader.required(['NAGIOS_SERVICESTATETYPE'], stateType, hint),
  };
}

function whyIgnored(
  alarm: Alarm,
  reader: EnvironmentReader,
): { readonly ignored: NagiosIgnored; readonly detail: string } | undefined {
  const what = alarm.kind === 'host' ? alarm.host : `${alarm.check ?? ''} on ${alarm.host}`;
  if (alarm.state === 'UP' || alarm.state === 'OK')
    return { ignored: 'recovery', detail: `${what} is ${alarm.state}` };
  if (alarm.stateType !== 'HARD')
    return { ignored: 'soft_state', detail: `${what} is ${alarm.state} and still being retried` };
  if (alarm.kind === 'service' && alarm.hostState !== 'UP')
    return { ignored: 'host_alarm_will_follow', detail: `${alarm.host} itself is ${alarm.hostState}` };
  const depths = [reader.number('NAGIOS_HOSTDOWNTIME'), reader.number('NAGIOS_SERVICEDOWNTIME')];
  if (depths.some((depth) => depth !== undefined && depth > 0))
    return { ignored: 'scheduled_downtime', detail: `${what} is in scheduled downtime` };
  return undefined;
}

function describe(alarm: Alarm, reader: EnvironmentReader, options: NagiosOptions): LazarusEvent {
  const prefix = alarm.kind === 'host' ? 'HOST' : 'SERVICE';
  const output = reader.text(`NAGIOS_${prefix}OUTPUT`, MAX_SUMMARY);
  const summary = `${alarm.check ?? alarm.host} is ${alarm.state}${output === undefined ? '' : `: ${output}`}`;
  const names = readNames(alarm, reader, options);
  return {
    id: eventId(alarm, reader),
    event_type: alarm.kind === 'host' ? 'NagiosHostAlarm' : 'NagiosServiceAlarm',
    source: `nagios/${checkNode(options.node, reader)}`,
    time: eventTime(reader),
    ...names,
    summary: summary.slice(0, MAX_SUMMARY).replace(/[\uD800-\uDBFF]$/, ''),
    attributes: attributesOf(alarm, reader, output),
  };
}

type Names = Pick<LazarusEvent, 'region' | 'environment' | 'service' | 'account' | 'host' | 'incident_key'>;

/** Which entity the alarm is about: custom variables of the service check, then of the host, then the options. */
function readNames(alarm: Alarm, reader: EnvironmentReader, options: NagiosOptions): Names {
  const variables = (name: string): string[] => [
    ...(alarm.kind === 'service' ? [`NAGIOS__SERVICE${name}`] : []),
    `NAGIOS__HOST${name}`,
  ];
  const given = (name: string, fallback: string | undefined, maxLength: number): string => {
    const isSet = variables(name).some((variable) => reader.raw(variable) !== undefined);
    const value = isSet ? reader.optional(variables(name), identifier(maxLength)) : fallback;
    if (isSet || value !== undefined) return value ?? '';
    const hint = `add the custom variable _${name} to the host, or pass the value as an option`;
    return reader.required([`NAGIOS__HOST${name}`], identifier(maxLength), hint);
  };
  const account = reader.optional(variables('ACCOUNT'), identifier(64)) ?? options.account;
  const incidentKey = reader.optional(variables('INCIDENT_KEY'), line(255));
  return {
    region: given('REGION', options.region, 64),
    environment: given('ENVIRONMENT', options.environment, 64),
    ...(account === undefined ? {} : { account }),
    service: given('SERVICE_NAME', options.service, 128),
    host: reader.optional(['NAGIOS__HOSTINSTANCE_ID'], identifier(255)) ?? alarm.host,
    ...(incidentKey === undefined ? {} : { incident_key: incidentKey }),
  };
}

/**
 * The same for every call about one problem, and new for the next one: Nagios numbers problems, and the start of its event
 * loop tells apart the numbers of a server that lost its retention file.
 */
function eventId(alarm: Alarm, reader: EnvironmentReader): string {
  const hint = 'is enable_environment_macros=1 set?';
  const number = `NAGIOS_${alarm.kind === 'host' ? 'HOST' : 'SERVICE'}EVENTID`;
  const started = reader.required(['NAGIOS_EVENTSTARTTIME'], wholeNumber, hint);
  return `${alarm.kind}-${started}-${reader.required([number], wholeNumber, hint)}`;
}

function eventTime(reader: EnvironmentReader): string {
  const seconds = reader.required(['NAGIOS_TIMET'], wholeNumber, 'is enable_environment_macros=1 set?');
  const date = new Date(Number(seconds) * 1000);
  if (!Number.isNaN(date.getTime()) && date.getTime() < Date.UTC(10_000, 0, 1)) return date.toISOString();
  reader.issues.push({ path: 'NAGIOS_TIMET', message: `found ${seconds}, expected seconds since 1970` });
  return '';
}

function checkNode(node: string, reader: EnvironmentReader): string {
  const rule = identifier(128);
  if (node.length > rule.maxLength || !rule.pattern.test(node))
    reader.issues.push({ path: 'node', message: `cannot be used, expected ${rule.expected}` });
  return node;
}

function attributesOf(
  alarm: Alarm,
  reader: EnvironmentReader,
  output: string | undefined,
): LazarusEvent['attributes'] {
  const values = {
    host_name: alarm.host,
    host_state: alarm.hostState,
    host_state_type: alarm.hostStateType,
    ...(alarm.kind === 'host'
      ? {
          host_attempt: reader.number('NAGIOS_HOSTATTEMPT'),
          problem_id: reader.number('NAGIOS_HOSTPROBLEMID'),
        }
      : {
          service_description: alarm.check,
          service_state: alarm.state,
          service_state_type: alarm.stateType,
          service_attempt: reader.number('NAGIOS_SERVICEATTEMPT'),
          problem_id: reader.number('NAGIOS_SERVICEPROBLEMID'),
        }),
    output,
  };
  const present = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as LazarusEvent['attributes'];
}

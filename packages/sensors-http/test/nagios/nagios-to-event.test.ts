import { parseEvent } from '@lazarus/core';
import type { LazarusEvent } from '@lazarus/core';
import { nagiosToEvent } from '@lazarus/sensors-http/nagios';
import type { NagiosEnvironment } from '@lazarus/sensors-http/nagios';
import { describe, expect, it } from 'vitest';
import { hostAlarm, serviceAlarm } from './nagios-environment.ts';

const options = { node: 'nagios-a' };

function eventOf(environment: NagiosEnvironment): LazarusEvent {
  const reading = nagiosToEvent(environment, options);
  if ('event' in reading) return reading.event;
  throw new Error(`no event: ${JSON.stringify(reading)}`);
}

function issuesOf(environment: NagiosEnvironment): readonly string[] {
  const reading = nagiosToEvent(environment, options);
  return 'invalid' in reading ? reading.invalid.map(({ path, message }) => `${path} ${message}`) : [];
}

describe('a hard problem', () => {
  it('of a host becomes a NagiosHostAlarm about the instance of its custom variable', () => {
    expect(eventOf(hostAlarm())).toEqual({
      id: 'host-1767220000-12',
      event_type: 'NagiosHostAlarm',
      source: 'nagios/nagios-a',
      time: '2026-01-01T00:00:00.000Z',
      region: 'us-east-1',
      environment: 'prod',
      account: '111122223333',
      service: 'web',
      host: 'i-0abc',
      incident_key: 'web/web-1',
      summary: 'web-1 is DOWN: CRITICAL - connect to address 127.0.0.1: Connection refused',
      attributes: {
        host_name: 'web-1',
        host_state: 'DOWN',
        host_state_type: 'HARD',
        host_attempt: 3,
        problem_id: 7,
        output: 'CRITICAL - connect to address 127.0.0.1: Connection refused',
      },
    });
  });

  it('of a check becomes a NagiosServiceAlarm while its host is UP', () => {
    const event = eventOf(serviceAlarm());
    expect(event).toMatchObject({
      id: 'service-1767220000-13',
      event_type: 'NagiosServiceAlarm',
      host: 'i-0abc',
    });
    expect(event.attributes).toMatchObject({
      service_description: 'healthcheck',
      service_state: 'CRITICAL',
      service_state_type: 'HARD',
      service_attempt: 3,
      host_state: 'UP',
    });
  });

  it('makes an event that the event reader takes as it is', () => {
    for (const environment of [hostAlarm(), serviceAlarm()]) {
      const event = eventOf(environment);
      expect(parseEvent(event, { knownTypesOnly: true })).toEqual({ ok: true, event });
    }
  });

  it('keeps its id when it is reported again later, with another output', () => {
    const again = hostAlarm({
      NAGIOS_TIMET: '1767225999',
      NAGIOS_HOSTOUTPUT: 'timeout',
      NAGIOS_HOSTATTEMPT: '9',
    });
    expect(eventOf(again).id).toBe(eventOf(hostAlarm()).id);
  });

  it('has a new id for the next problem, and after Nagios lost its numbers', () => {
    const first = eventOf(hostAlarm()).id;
    expect(eventOf(hostAlarm({ NAGIOS_HOSTEVENTID: '14' })).id).not.toBe(first);
    expect(eventOf(hostAlarm({ NAGIOS_EVENTSTARTTIME: '1767223333' })).id).not.toBe(first);
  });

  it('of a check and of its host never share an id, whatever their numbers are', () => {
    expect(eventOf(serviceAlarm({ NAGIOS_SERVICEEVENTID: '12' })).id).not.toBe(eventOf(hostAlarm()).id);
  });
});

describe('an alarm that deposits nothing', () => {
  const cases = [
    ['a soft state of a host', hostAlarm({ NAGIOS_HOSTSTATETYPE: 'SOFT' }), 'soft_state'],
    ['a soft state of a check', serviceAlarm({ NAGIOS_SERVICESTATETYPE: 'SOFT' }), 'soft_state'],
    ['a recovered host', hostAlarm({ NAGIOS_HOSTSTATE: 'UP' }), 'recovery'],
    ['a recovered check', serviceAlarm({ NAGIOS_SERVICESTATE: 'OK' }), 'recovery'],
    [
      'a hard state of a check whose host is down and still soft',
      serviceAlarm({ NAGIOS_HOSTSTATE: 'DOWN', NAGIOS_HOSTSTATETYPE: 'SOFT' }),
      'host_alarm_will_follow',
    ],
    [
      'a check of an unreachable host',
      serviceAlarm({ NAGIOS_HOSTSTATE: 'UNREACHABLE' }),
      'host_alarm_will_follow',
    ],
    ['a host in scheduled downtime', hostAlarm({ NAGIOS_HOSTDOWNTIME: '1' }), 'scheduled_downtime'],
    ['a check in scheduled downtime', serviceAlarm({ NAGIOS_SERVICEDOWNTIME: '2' }), 'scheduled_downtime'],
  ] as const;

  it.each(cases)('is %s', (_title, environment, reason) => {
    expect(nagiosToEvent(environment, options)).toMatchObject({ ignored: reason });
  });
});

describe('custom variables', () => {
  it('of the check win over those of its host', () => {
    expect(eventOf(serviceAlarm({ NAGIOS__SERVICESERVICE_NAME: 'ratequeue' })).service).toBe('ratequeue');
  });

  it('win over the options, which fill what is not there', () => {
    const bare = hostAlarm({
      NAGIOS__HOSTREGION: '',
      NAGIOS__HOSTINSTANCE_ID: undefined,
      NAGIOS__HOSTACCOUNT: '',
    });
    const reading = nagiosToEvent(bare, {
      ...options,
      region: 'eu-west-1',
      environment: 'dev',
      account: '9',
    });
    expect(reading).toMatchObject({
      event: { region: 'eu-west-1', environment: 'prod', account: '9', host: 'web-1' },
    });
  });

  it('that are missing everywhere are named, each with the variable to add', () => {
    const bare = hostAlarm({ NAGIOS__HOSTREGION: undefined, NAGIOS__HOSTSERVICE_NAME: '' });
    const reading = nagiosToEvent(bare, options);
    expect(reading).toMatchObject({
      invalid: [
        { path: 'NAGIOS__HOSTREGION', hint: expect.stringContaining('_REGION') as string },
        { path: 'NAGIOS__HOSTSERVICE_NAME', hint: expect.stringContaining('_SERVICE_NAME') as string },
      ],
    });
  });

  it('that are wrong are never replaced by an option', () => {
    const reading = nagiosToEvent(hostAlarm({ NAGIOS__HOSTREGION: '$(id)' }), {
      ...options,
      region: 'us-east-1',
    });
    expect(reading).toMatchObject({ invalid: [{ path: 'NAGIOS__HOSTREGION' }] });
  });
});

describe('hostile text', () => {
  const attacks = [
    '$(touch /tmp/x)',
    '`id`',
    '; rm -rf /',
    '$_HOSTINSTANCE_ID$',
    'a b',
    '../..',
    '-rf',
    '${{ 1 }}',
    'a\nb',
    'ä',
  ];

  it.each(attacks)('%j is no name of a host, an instance or a service', (text) => {
    for (const name of ['NAGIOS_HOSTNAME', 'NAGIOS__HOSTINSTANCE_ID', 'NAGIOS__HOSTSERVICE_NAME']) {
      expect(issuesOf(hostAlarm({ [name]: text }))).toEqual([expect.stringContaining(`${name} found `)]);
    }
  });

  it('in the output of a check stays text, on one line of at most 1024 characters', () => {
    const output = `$(id) "quoted" \u0007\n'x' \${{ 1 }} ${'y'.repeat(5_000)}`;
    const event = eventOf(hostAlarm({ NAGIOS_HOSTOUTPUT: output }));
    expect(event.attributes['output']).toMatch(/^\$\(id\) "quoted" {2}'x' \$\{\{ 1 \}\} y+$/);
    expect(event.attributes['output']).toHaveLength(1024);
    expect(event.summary?.length).toBeLessThanOrEqual(1024);
  });

  it('longer than a name may be is refused and shown cut', () => {
    const [issue = ''] = issuesOf(hostAlarm({ NAGIOS_HOSTNAME: 'h'.repeat(300) }));
    expect(issue).toContain('expected 1 to 255 letters');
    expect(issue.length).toBeLessThan(200);
  });
});

describe('a broken environment', () => {
  it('without any macros says which are missing and what to set', () => {
    const reading = nagiosToEvent({ PATH: '/bin' }, options);
    expect(reading).toMatchObject({
      invalid: [{ path: 'NAGIOS_HOSTSTATE' }, { path: 'NAGIOS_HOSTSTATETYPE' }, { path: 'NAGIOS_HOSTNAME' }],
    });
    expect(JSON.stringify(reading)).toContain('enable_environment_macros=1');
  });

  it.each(['NAGIOS_HOSTEVENTID', 'NAGIOS_EVENTSTARTTIME', 'NAGIOS_TIMET'])(
    'without %s has no event',
    (name) => {
      expect(issuesOf(hostAlarm({ [name]: '' }))).toEqual([`${name} is missing, expected a whole number`]);
    },
  );

  it('with an unknown state, or a time beyond the year 9999, is refused', () => {
    expect(issuesOf(hostAlarm({ NAGIOS_HOSTSTATE: 'BROKEN' }))).toHaveLength(1);
    expect(issuesOf(hostAlarm({ NAGIOS_TIMET: '999999999999999' }))).toHaveLength(1);
  });

  it('with a node name that is no name is refused', () => {
    expect(nagiosToEvent(hostAlarm(), { node: 'a b' })).toMatchObject({ invalid: [{ path: 'node' }] });
  });
});

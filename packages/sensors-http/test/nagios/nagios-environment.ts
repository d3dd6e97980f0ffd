import type { NagiosEnvironment } from '@lazarus/sensors-http/nagios';

/** What Nagios 4.4.6 sets for a host event handler, as recorded, without the macros that nobody reads. */
export function hostAlarm(overrides: NagiosEnvironment = {}): NagiosEnvironment {
  return {
    PATH: '/usr/bin:/bin',
    NAGIOS_HOSTNAME: 'web-1',
    NAGIOS_HOSTADDRESS: '127.0.0.1',
    NAGIOS_HOSTSTATE: 'DOWN',
    NAGIOS_HOSTSTATETYPE: 'HARD',
    NAGIOS_HOSTATTEMPT: '3',
    NAGIOS_HOSTOUTPUT: 'CRITICAL - connect to address 127.0.0.1: Connection refused',
    NAGIOS_HOSTEVENTID: '12',
    NAGIOS_LASTHOSTEVENTID: '0',
    NAGIOS_HOSTPROBLEMID: '7',
    NAGIOS_HOSTDOWNTIME: '0',
    NAGIOS_SERVICEDESC: '',
    NAGIOS_SERVICESTATE: '',
    NAGIOS_SERVICEDOWNTIME: '',
    NAGIOS_TIMET: '1767225600',
    NAGIOS_EVENTSTARTTIME: '1767220000',
    NAGIOS__HOSTINSTANCE_ID: 'i-0abc',
    NAGIOS__HOSTSERVICE_NAME: 'web',
    NAGIOS__HOSTREGION: 'us-east-1',
    NAGIOS__HOSTENVIRONMENT: 'prod',
    NAGIOS__HOSTACCOUNT: '111122223333',
    NAGIOS__HOSTINCIDENT_KEY: 'web/web-1',
    ...overrides,
  };
}

/** The same for a check of that host, while the host itself is up. */
export function serviceAlarm(overrides: NagiosEnvironment = {}): NagiosEnvironment {
  return hostAlarm({
    NAGIOS_HOSTSTATE: 'UP',
    NAGIOS_HOSTEVENTID: '0',
    NAGIOS_SERVICEDESC: 'healthcheck',
    NAGIOS_SERVICESTATE: 'CRITICAL',
    NAGIOS_SERVICESTATETYPE: 'HARD',
    NAGIOS_SERVICEATTEMPT: '3',
    NAGIOS_SERVICEOUTPUT: 'HTTP CRITICAL: HTTP/1.1 503 Service Unavailable',
    NAGIOS_SERVICEEVENTID: '13',
    NAGIOS_SERVICEPROBLEMID: '8',
    NAGIOS_SERVICEDOWNTIME: '0',
    ...overrides,
  });
}

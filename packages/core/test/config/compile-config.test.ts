import { compileConfig } from '@lazarus/core/config';
import { describe, expect, it } from 'vitest';
import {
  compile,
  event,
  OPTIONS,
  PLAIN_RULE,
  profile,
  refusals,
  rule,
  service,
  settings,
} from './fixture.ts';

const WEB = 'service: web\nteam: storefront\nprofile: stateless\n';
const minutes = (count: number): number => count * 60_000;

describe('the plain rule of the post', () => {
  it('loads, and applies to a service that gives MaxActiveHosts a value', () => {
    const snapshot = compile(
      rule(PLAIN_RULE),
      service('service: web\nteam: storefront\noverrides: { max_active_hosts: 6 }\n'),
    );
    const match = snapshot.match(event());
    expect(match).toMatchObject({
      matched: true,
      others: [],
      why: 'the only rule that matches',
      rule: {
        name: 'nagios_host_down',
        description: 'rule for nagios host down event',
        mode: 'notify',
        action: 'workflow',
        workflow: { name: 'default.replace_host', timeoutMs: minutes(30), inputs: {} },
        lock: { type: 'host', onBusy: 'attach' },
        quorum: { required: 2, timeoutMs: 20_000 },
        holdDownMs: 10_000,
        staleAfterMs: minutes(5),
        decideWithinMs: 45_000,
        limits: { maxEntities: 3 },
        notificationGroup: 'lazarus-orchestration',
      },
    });
    const prechecks = match.matched ? match.rule.prechecks : [];
    expect(
      prechecks.map(({ definition, params, timeoutMs }) => [definition.name, params, timeoutMs]),
    ).toEqual([
      ['MinActiveHosts', { min: 2 }, 5_000],
      ['MaxActiveHosts', { max: 6 }, 5_000],
      ['HealthCheckDown', { zones: 3, agree: 2 }, 5_000],
    ]);
  });

  it('loads alone, and matches no service because MaxActiveHosts has no value', () => {
    expect(compile(rule(PLAIN_RULE)).match(event())).toEqual({
      matched: false,
      nearest: [
        {
          rule: 'nagios_host_down',
          because: 'MaxActiveHosts of rule nagios_host_down has no value for service "web"',
        },
      ],
    });
  });

  it('applies to a service without a document when the settings give the value', () => {
    const match = compile(rule(PLAIN_RULE), settings('prechecks: { MaxActiveHosts: 9 }\n')).match(event());
    expect(match).toMatchObject({
      matched: true,
      rule: {
        provenance: { 'prechecks.MaxActiveHosts.max': { value: 9, from: 'settings.yaml (settings)' } },
      },
    });
  });

  it('is refused for a documented service without a value, naming rule, service and what to add', () => {
    expect(refusals(rule(PLAIN_RULE), service('service: web\nteam: storefront\n'))).toEqual([
      'rules/a.yaml:11:5 prechecks[1] MaxActiveHosts of rule nagios_host_down has no value for service "web"' +
        ' (add "max_active_hosts: <value>" to the overrides of services/web.yaml, or "default: <value>" to the check)',
    ]);
  });

  it('is refused for a service that its criteria name, when no document gives the value', () => {
    expect(refusals(rule(PLAIN_RULE.replace('criteria:', 'criteria:\n  service: api|web')))).toHaveLength(2);
  });

  it('does not match an event of another state, and says what kept it from matching', () => {
    const snapshot = compile(rule(PLAIN_RULE), settings('prechecks: { MaxActiveHosts: 9 }\n'));
    expect(snapshot.match(event({ environment: 'lab', attributes: { host_state_type: 'SOFT' } }))).toEqual({
      matched: false,
      nearest: [
        {
          rule: 'nagios_host_down',
          because:
            'environment is string "lab", expected "dev" or "stage" or "prod", host_state_type is string "SOFT", expected "HARD"',
        },
      ],
    });
  });
});

describe('effective values', () => {
  const custom = `
profile: custom
parameters:
  min_active_hosts: { type: integer, default: 4, min: 1, max: 9, description: Hosts that stay. }
defaults: { mode: act, hold_down: 5s, max_entities: 7 }
rules:
  - name: down
    criteria: { event_type: NagiosHostAlarm }
    prechecks:
      - { checkName: MinActiveHosts, default: { $param: min_active_hosts } }
      - { checkName: MaxActiveHosts, default: 8 }
    workflow: { name: default.replace_host }
    hold_down: 7s
`;

  const effective = (...documents: Parameters<typeof compile>) => {
    const match = compile(...documents).match(event());
    if (!match.matched) throw new Error(JSON.stringify(match));
    return match.rule;
  };

  it('come from the override of the service before the profile, with its place', () => {
    const { provenance } = effective(
      profile(custom),
      service('service: web\nteam: t\nprofile: custom\noverrides:\n  min_active_hosts: 3\n  hold_down: 1s\n'),
    );
    expect(provenance['prechecks.MinActiveHosts.min']).toEqual({
      value: 3,
      from: 'services/web.yaml:5:3 (override)',
    });
    expect(provenance['hold_down']).toEqual({ value: 1_000, from: 'services/web.yaml:6:3 (override)' });
  });

  it('come from the profile before the default of a rule, and from a rule before the defaults of its profile', () => {
    const { provenance } = effective(profile(custom), service('service: web\nteam: t\nprofile: custom\n'));
    expect(provenance['prechecks.MinActiveHosts.min']).toEqual({
      value: 4,
      from: 'profile custom (default)',
    });
    expect(provenance['prechecks.MaxActiveHosts.max']).toEqual({
      value: 8,
      from: 'rule custom.down (default)',
    });
    expect(provenance['hold_down']).toEqual({ value: 7_000, from: 'rule custom.down' });
    expect(provenance['max_entities']).toEqual({ value: 7, from: 'profile custom (default)' });
    expect(provenance['workflow_timeout']).toEqual({ value: 1_800_000, from: 'built in (default)' });
    expect(provenance['notification_group']).toEqual({ value: 't', from: 'team of services/web.yaml' });
  });

  it('use the value of the profile for a rule that stands alone and brings only a default', () => {
    const alone = `name: alone\npriority: 5\nmode: act\ncriteria: { event_type: NagiosHostAlarm }\nprechecks: [{ checkName: MinActiveHosts, default: 1 }]\nworkflow: { name: default.replace_host }\n`;
    const { name, provenance } = effective(
      rule(alone),
      profile(custom),
      service('service: web\nteam: t\nprofile: custom\n'),
    );
    expect(name).toBe('alone');
    expect(provenance['prechecks.MinActiveHosts.min']).toEqual({
      value: 4,
      from: 'profile custom (default)',
    });
  });

  it('are checked against type and range of the parameter', () => {
    const override = (value: string) =>
      refusals(profile(custom), service(`service: web\nteam: t\nprofile: custom\noverrides: { ${value} }\n`));
    expect(override('min_active_hosts: 12')).toEqual([
      'services/web.yaml:4:32 overrides.min_active_hosts found number 12, expected at most 9',
    ]);
    expect(override('min_active_hosts: two')).toEqual([
      'services/web.yaml:4:32 overrides.min_active_hosts found string "two", expected a whole number',
    ]);
    expect(override('min_activ_hosts: 2')[0]).toMatch(
      /overrides\.min_activ_hosts nothing is called "min_activ_hosts".*did you mean "min_active_hosts"\?/,
    );
    expect(override('hold_down: 5')).toEqual([
      'services/web.yaml:4:25 overrides.hold_down found number 5, expected a duration such as 500ms, 30s, 10m or 2h',
    ]);
    expect(override('hold_down: 45s')[0]).toMatch(
      'hold_down 45s leaves nothing of decide_within 45s for service "web"',
    );
  });

  it('are the same for the alias of a check', () => {
    const aliased = PLAIN_RULE.replace('checkName: HealthCheckDown', 'checkName: PeerHealth');
    const { prechecks } = effective(
      rule(aliased),
      service('service: web\nteam: t\noverrides: { max_active_hosts: 6, peer_health: 1 }\n'),
    );
    expect(prechecks[2]).toMatchObject({
      definition: { name: 'PeerCheck' },
      params: { max_unhealthy_peers: 1 },
    });
  });
});

describe('the mode', () => {
  const act =
    PLAIN_RULE.replace('checkName: MaxActiveHosts', 'checkName: MaxActiveHosts\n    default: 9') +
    'mode: act\n';
  const modeOf = (ruleText: string, serviceText: string, settingsText: string): string => {
    const match = compile(rule(ruleText), service(serviceText), settings(settingsText)).match(event());
    return match.matched
      ? `${match.rule.mode} from ${match.rule.provenance['mode']?.from ?? ''}`
      : 'no match';
  };
  const plain = 'service: web\nteam: t\n';

  it.each([
    [act, plain, '{}', 'act from rule nagios_host_down'],
    [act.replace('mode: act\n', ''), plain, 'mode: act', 'notify from a new rule'],
    [
      act,
      `${plain}overrides: { mode: notify }`,
      'mode: act',
      'notify from services/web.yaml:3:14 (override)',
    ],
    [act, plain, 'modes: { environments: { prod: notify } }', 'notify from settings.yaml (environment prod)'],
    [act, plain, 'modes: { environments: { stage: off } }', 'act from rule nagios_host_down'],
    [
      act,
      `${plain}overrides: { mode: notify }`,
      'modes: { regions: { eu-west-1: off } }',
      'off from settings.yaml (region eu-west-1)',
    ],
    [act, plain, 'mode: off', 'off from settings.yaml (mode)'],
  ])('is the most cautious of all levels: %#', (ruleText, serviceText, settingsText, expected) => {
    expect(modeOf(ruleText, serviceText, settingsText)).toBe(expected);
  });

  it('is that of the profile where it is more cautious than a rule, in the profile or beside it', () => {
    const ofProfile = `profile: p
defaults: { mode: off }
rules:
  - name: down
    criteria: { event_type: NagiosHostAlarm }
    prechecks: [{ checkName: MinActiveHosts, default: 1 }, { checkName: MaxActiveHosts, default: 9 }]
    workflow: { name: default.replace_host }
    mode: act
`;
    const modeUnder = (profileText: string, ...rules: Parameters<typeof compile>): string => {
      const documents = [profile(profileText), service(`${plain}profile: p\n`), ...rules];
      const match = compile(...documents).match(event());
      return match.matched ? `${match.rule.mode} from ${match.rule.provenance['mode']?.from ?? ''}` : 'none';
    };
    expect(modeUnder(ofProfile)).toBe('off from profile p');
    expect(modeUnder(ofProfile.replace('mode: off', 'mode: act'))).toBe('act from rule p.down');
    expect(modeUnder(ofProfile.replace('NagiosHostAlarm', 'HealthcheckDown'), rule(act))).toBe(
      'off from profile p',
    );
  });
});

describe('the profile stateless', () => {
  it.each([
    ['NagiosHostAlarm', { host_state_type: 'HARD', host_state: 'DOWN' }, 'stateless.host_down', 4],
    ['NagiosHostAlarm', { host_state_type: 'HARD' }, 'stateless.host_down', 4],
    ['HealthcheckDown', {}, 'stateless.healthcheck_down', 4],
    ['AWSScheduledEvent', {}, 'stateless.aws_scheduled_event', 3],
  ])('has a rule for %s', (event_type, attributes, name, prechecks) => {
    const match = compile(service(WEB)).match(event({ event_type, attributes }));
    expect(match).toMatchObject({
      matched: true,
      rule: {
        name,
        mode: 'act',
        workflow: { name: 'default.replace_host' },
        notificationGroup: 'storefront',
      },
    });
    expect(match.matched ? match.rule.prechecks : []).toHaveLength(prechecks);
  });

  it.each([
    [{ host_state_type: 'SOFT', host_state: 'DOWN' }],
    [{ host_state_type: 'HARD', host_state: 'UP' }],
  ])('has no rule for a host alarm with %j', (attributes) => {
    expect(compile(service(WEB)).match(event({ attributes })).matched).toBe(false);
  });

  it('applies to nobody who did not opt in', () => {
    expect(compile(service(WEB)).match(event({ service: 'other' }))).toEqual({ matched: false, nearest: [] });
  });

  it('gives way to a document of the same name', () => {
    const own =
      'profile: stateless\nrules:\n  - { name: only, criteria: { event_type: ScaleRequest }, action: notify_only }\n';
    const snapshot = compile(service(WEB), profile(own));
    expect(snapshot.summary.rules).toEqual(['stateless.only']);
    expect(snapshot.match(event({ event_type: 'ScaleRequest' }))).toMatchObject({
      rule: { action: 'notify_only', mode: 'notify' },
    });
  });
});

describe('several rules that match', () => {
  const named = (name: string, more: string) =>
    rule(
      `name: ${name}\ncriteria: { ${more} }\naction: notify_only\n${name === 'urgent' ? 'priority: 1\n' : ''}`,
      `rules/${name}.yaml`,
    );

  it('are ordered by priority, then by the number of fields they name, then by name', () => {
    const broad = named('broad', 'event_type: NagiosHostAlarm');
    const exact = named('exact', 'event_type: NagiosHostAlarm, service: web');
    const bread = named('bread', 'event_type: NagiosHostAlarm');
    const urgent = named('urgent', 'environment: prod');
    const first = (...documents: Parameters<typeof compile>) => compile(...documents).match(event());
    expect(first(broad, exact, urgent, bread)).toMatchObject({
      rule: { name: 'urgent' },
      others: ['exact', 'bread', 'broad'],
      why: 'its priority 1 is above 0 of exact',
    });
    expect(first(broad, exact)).toMatchObject({
      rule: { name: 'exact' },
      why: 'it names 2 fields and broad names 1',
    });
    expect(first(broad, bread)).toMatchObject({ rule: { name: 'bread' } });
  });
});

describe('criteria', () => {
  const matches = (criteria: string, fields: Parameters<typeof event>[0] = {}): boolean =>
    compile(rule(`name: r\naction: notify_only\ncriteria: ${criteria}\n`)).match(event(fields)).matched;

  it.each([
    ['{ event_type: NagiosHostAlarm }', true],
    ['{ environment: [dev, prod] }', true],
    ['{ environment: dev | prod }', true],
    ['{ environment: dev|stage }', false],
    ['{ host: { prefix: web- } }', true],
    ['{ host_state: { anything-but: UP } }', true],
    ['{ host_state: [UP, { wildcard: D*N }] }', true],
    ['{ rack: { exists: false } }', true],
    ['{ account: { exists: true } }', false],
    ['{ attributes.host_state: DOWN }', true],
    ['{ attributes: { host_state: DOWN } }', true],
    ['{ $or: [{ host_state: UP }, { service: web, host: web-1 }] }', true],
    ['{ $or: [{ host_state: UP }, { service: web, host: web-2 }] }', false],
    ['{ pattern: { attributes: { host_state: [{ equals-ignore-case: down }] } } }', true],
    ['{ host_state: { prefix: D }, pattern: { attributes: { host_state: [{ suffix: X }] } } }', false],
    [
      "{ event_type: NagiosHostAlarm, where: \"host.startsWith('web') && attributes.host_state == 'DOWN'\" }",
      true,
    ],
    ['{ event_type: NagiosHostAlarm, where: "host.startsWith(\'api\')" }', false],
    ['{ where: "host == \'web-1\'" }', true],
    ['{ place: { rack: 7 } }', false],
    ['{ event_type: NagiosHostAlarm, where: "attributes.output == \'x\'" }', false],
  ])('%s match: %s', (criteria, expected) => {
    expect(matches(criteria)).toBe(expected);
  });

  it('name an event type in any of its spellings', () => {
    expect(matches('{ event_type: HealthCheckDown }', { event_type: 'HealthcheckDown' })).toBe(true);
  });

  it.each([
    ['{}', 'rules/r.yaml:3:11 criteria found no criteria, expected at least one'],
    [
      '{ event_type: NagiosHostAlrm }',
      'rules/r.yaml:3:25 criteria.event_type no event type is called "NagiosHostAlrm" (did you mean "NagiosHostAlarm"?)',
    ],
    [
      '{ host: { prefx: a } }',
      'rules/r.yaml:3:28 criteria.host.prefx found the unknown matcher "prefx" (did you mean "prefix"?)',
    ],
    [
      '{ rack: { sufix: a } }',
      'rules/r.yaml:3:28 criteria.rack.sufix found the unknown matcher "sufix" (did you mean "suffix"?)',
    ],
    [
      '{ load: { numeric: [">", x] } }',
      'rules/r.yaml:3:36 criteria.load.numeric[1] found string "x", expected a number',
    ],
    [
      '{ host: [{ wildcard: "a**b" }] }',
      'rules/r.yaml:3:32 criteria.host[0].wildcard found two wildcard characters in a row at position 2',
    ],
    [
      '{ pattern: { host: web } }',
      'rules/r.yaml:3:30 criteria.pattern.host found string "web", expected a list of matchers or a mapping of fields',
    ],
    [
      '{ where: "hst == 1" }',
      'rules/r.yaml:3:20 criteria.where the expression was refused: Unknown variable: hst',
    ],
    [
      '{ event_type: HealthcheckDown, where: "attributes.failures == \'3\'" }',
      'rules/r.yaml:3:49 criteria.where the expression was refused: no such overload: double == string',
    ],
    [
      '{ where: "host.matches(\'^(a+)+$\')" }',
      'rules/r.yaml:3:20 criteria.where the expression was refused: the pattern "^(a+)+$" repeats a group that repeats inside',
    ],
  ])('%s are refused with place and reason', (criteria, message) => {
    expect(refusals(rule(`name: r\naction: notify_only\ncriteria: ${criteria}\n`, 'rules/r.yaml'))).toEqual([
      message,
    ]);
  });
});

describe('a refused configuration', () => {
  it('names every problem of every document at once', () => {
    const issues = refusals(
      rule(
        'name: a\ncriteria: { event_type: NagiosHostAlarm }\nprechecks: [{ checkName: MinActivHosts }]\nworkflow: { name: default.replace_hots, inputs: {} }\n',
        'rules/a.yaml',
      ),
      rule(
        'name: a\ncriteria: { host: x }\nworkflow: { name: default.replace_host, inputs: { hst: x } }\n',
        'rules/b.yaml',
      ),
      rule('name: c\ncriteria: [\n', 'rules/c.yaml'),
      service('service: web\nteam: t\nprofile: statless\n'),
      settings('breaker: { max_services: 3, close_below: 4 }\nmodes: { environment: {} }\n'),
    );
    expect(issues.map((issue) => issue.split(' ')[0])).toEqual([
      'rules/c.yaml:3:1',
      'settings.yaml:1:42',
      'settings.yaml:2:10',
      'rules/b.yaml:1:7',
      'services/web.yaml:3:10',
      'rules/a.yaml:3:26',
      'rules/a.yaml:4:19',
      'rules/b.yaml:3:56',
    ]);
    expect(issues[4]).toMatch('no profile is called "statless" (did you mean "stateless"?)');
    expect(issues[5]).toMatch('no check is called "MinActivHosts" (did you mean "MinActiveHosts"?)');
    expect(issues[6]).toMatch(
      'no workflow is called "default.replace_hots" (did you mean "default.replace_host"?)',
    );
    expect(issues[7]).toMatch('has no input "hst" (did you mean "host"?)');
  });

  it('is refused when a profile refers to a parameter that it does not have, or shares criteria that depend on one', () => {
    const text = `
profile: p
parameters: { hosts: { type: integer, default: 2, description: Hosts. }, hold_down: { type: duration, description: x } }
common: { prechecks: [{ checkName: MinActiveHosts, default: { $param: host } }] }
rules:
  - { name: a, criteria: { event_type: { $param: hosts } }, action: notify_only }
`;
    const issues = refusals(profile(text));
    expect(issues.join('\n')).toMatch('hold_down is built in and cannot be a parameter');
    expect(issues.join('\n')).toMatch(/no parameter is called "host" \(did you mean "hosts"\?\)/);
    expect(issues.join('\n')).toMatch('criteria cannot depend on a parameter: all services share it');
  });
});

describe('the workflow of a rule', () => {
  it('S15: is pinned by the digest of its definition, and another definition makes another rule', () => {
    const effective = (digest: string | undefined) => {
      const workflows = [{ name: 'default.replace_host', ...(digest === undefined ? {} : { digest }) }];
      const documents = [
        rule(PLAIN_RULE),
        service('service: web\nteam: t\noverrides: { max_active_hosts: 9 }\n'),
      ];
      const snapshot = compileConfig(documents, { ...OPTIONS, workflows });
      return snapshot.rulesOf('web')[0];
    };
    expect(effective('d1')?.workflow).toMatchObject({ name: 'default.replace_host', digest: 'd1' });
    expect(effective(undefined)?.workflow).not.toHaveProperty('digest');
    expect(effective('d2')?.digest).not.toBe(effective('d1')?.digest);
  });
});

describe('the digest', () => {
  const base = [
    rule(PLAIN_RULE),
    service(`${WEB}overrides: { max_active_hosts: 6 }\n`),
    settings('mode: act\n'),
  ];
  const digest = (...documents: Parameters<typeof compile>) => compile(...documents).digest;

  it('is the same whatever the order, the file names, the comments and the white space', () => {
    const [first, second, third] = base.map((document) => ({
      ...document,
      path: `other/${document.path}`,
      text: `# comment\n${document.text}\n`,
    }));
    expect(digest(third!, second!, first!)).toBe(digest(...base));
    expect(digest(...base)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('changes with any rule, service or setting', () => {
    const changed = [
      [rule(PLAIN_RULE.replace('default: 2', 'default: 3')), base[1]!, base[2]!],
      [base[0]!, service(`${WEB}overrides: { max_active_hosts: 7 }\n`), base[2]!],
      [base[0]!, base[1]!, settings('mode: notify\n')],
    ].map((documents) => digest(...documents));
    expect(new Set([digest(...base), ...changed]).size).toBe(4);
  });

  it('of a rule changes with its effective values and not with where they came from', () => {
    const ruleDigest = (overrides: string, path?: string) => {
      const match = compile(
        rule(PLAIN_RULE),
        service(`service: web\nteam: t\noverrides: { ${overrides} }\n`, path),
      ).match(event());
      return match.matched ? match.rule.digest : '';
    };
    expect(ruleDigest('max_active_hosts: 6')).toBe(
      ruleDigest('MaxActiveHosts: 6', 'services/elsewhere.yaml'),
    );
    expect(ruleDigest('max_active_hosts: 6')).not.toBe(ruleDigest('max_active_hosts: 7'));
  });
});

describe('a snapshot', () => {
  it('finds a rule by name for the service of an event', () => {
    const snapshot = compile(service(WEB));
    expect(snapshot.rule('stateless.host_down', event())?.name).toBe('stateless.host_down');
    expect(snapshot.rule('stateless.host_down', event({ service: 'other' }))).toBeUndefined();
    expect(snapshot.rule('nothing', event())).toBeUndefined();
  });

  it('knows the age at which events of a type no longer act', () => {
    const snapshot = compile(settings('stale_after: { AWSScheduledEvent: 1h }\n'));
    expect(snapshot.staleAfterMs('NagiosHostAlarm')).toBe(minutes(5));
    expect(snapshot.staleAfterMs('AWSScheduledEvent')).toBe(minutes(60));
    expect(snapshot.staleAfterMs('Unheard')).toBe(minutes(5));
  });

  it('lists what is in it', () => {
    expect(
      compile(rule(PLAIN_RULE), service(`${WEB}overrides: { max_active_hosts: 6 }\n`)).summary,
    ).toMatchObject({
      rules: [
        'nagios_host_down',
        'stateless.aws_scheduled_event',
        'stateless.healthcheck_down',
        'stateless.host_down',
      ],
      services: ['web'],
      profiles: ['stateless'],
      workflows: ['default.notify_only', 'default.replace_host'],
    });
  });
});

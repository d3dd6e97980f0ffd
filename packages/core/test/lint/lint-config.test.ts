import { describe, expect, it } from 'vitest';
import { compileConfig } from '../../src/config/compile-config.ts';
import { formatIssue } from '../../src/errors/lazarus-error.ts';
import { lintConfig } from '../../src/lint/lint-config.ts';
import type { LintOptions } from '../../src/lint/lint-config.ts';
import type { Finding } from '../../src/lint/finding.ts';
import type { ConfigDocument } from '../../src/ports/config-source.ts';
import { OPTIONS, PLAIN_RULE, rule, service, settings } from '../config/fixture.ts';

const WEB = service('service: web\nteam: t\nprofile: stateless\noverrides: { max_active_hosts: 6 }\n');

function lint(documents: readonly ConfigDocument[], timing: LintOptions['timing'] = {}): readonly Finding[] {
  return lintConfig(documents, { ...OPTIONS, timing });
}

const told = (findings: readonly Finding[]): readonly string[] =>
  findings.map(({ code, severity, issue }) => `${severity} ${code}: ${formatIssue(issue)}`);

const notify = (name: string, criteria: string, more = ''): ConfigDocument =>
  rule(`name: ${name}\ncriteria: ${criteria}\naction: notify_only\n${more}`, `rules/${name}.yaml`);

describe('the linter', () => {
  it('has nothing to say about a service with the stateless profile', () => {
    expect(told(lint([WEB]))).toEqual([]);
  });

  it('tells every issue that would refuse the configuration, and never throws', () => {
    const documents = [
      rule('name: a\ncriteria: {\n'),
      rule('name: b\ncriteria: { event_type: Nope }\naction: notify_only\n', 'rules/b.yaml'),
      service('service: x\nteam: t\nprofile: statles\n'),
    ];
    const findings = lint(documents);
    expect(findings.filter(({ code }) => code === 'invalid').map(({ issue }) => issue.file)).toEqual([
      'rules/a.yaml',
      'services/web.yaml',
      'rules/b.yaml',
    ]);
    expect(() => compileConfig(documents, OPTIONS)).toThrow();
  });

  it('tells that MaxActiveHosts has no value, also when there is no service yet', () => {
    expect(told(lint([rule(PLAIN_RULE)]))).toEqual([
      'error missing_value: rules/a.yaml:11:5 prechecks[1] MaxActiveHosts of rule nagios_host_down has no value for service "any"' +
        ' (add "max_active_hosts: <value>" to the overrides of a document for the service, or "default: <value>" to the check)',
    ]);
  });

  it('tells of a rule that acts without asking whether the service can bear it', () => {
    const careless = rule(
      'name: careless\ncriteria: { event_type: NagiosHostAlarm }\nworkflow: { name: default.replace_host }\n',
    );
    expect(told(lint([careless]))).toEqual([
      'warning missing_check: rules/a.yaml:1:1 rule careless for service "any": acts without MinActiveHosts, MaxActiveHosts, HealthCheckDown, PeerCheck (add the checks, or use action: notify_only)',
    ]);
  });
});

describe('rules that meet', () => {
  it('are told of when only their names decide, with an event that both match', () => {
    const [finding, ...others] = lint([
      notify('prod_alarms', '{ event_type: NagiosHostAlarm, environment: [stage, prod] }'),
      notify('web_alarms', '{ event_type: NagiosHostAlarm, service: { prefix: web } }'),
    ]);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      code: 'overlap',
      severity: 'warning',
      rule: 'web_alarms',
      counterexample: { event_type: 'NagiosHostAlarm', service: 'web', environment: 'prod' },
    });
  });

  it('are in order when one names more fields, or has a priority', () => {
    const broad = notify('broad', '{ event_type: NagiosHostAlarm }');
    expect(lint([broad, notify('narrow', '{ event_type: NagiosHostAlarm, service: web }')])).toEqual([]);
    expect(
      lint([
        broad,
        notify('other', '{ environment: prod, event_type: NagiosHostAlarm }', 'priority: -1\n'),
      ]).map(({ code }) => code),
    ).toEqual(['shadowed']);
  });

  it('are told of when one of them never wins', () => {
    const findings = lint([
      notify(
        'first',
        '{ load: { numeric: [">", 1] }, event_type: [NagiosHostAlarm, HealthcheckDown] }',
        'priority: 5\n',
      ),
      notify(
        'second',
        '{ load: { numeric: [">=", 2, "<", 3] }, event_type: HealthcheckDown, host: { exists: true } }',
      ),
      notify(
        'third',
        '{ load: { numeric: [">=", 1] }, event_type: HealthcheckDown, host: { exists: true } }',
      ),
    ]);
    expect(findings.filter(({ code }) => code === 'shadowed').map((finding) => finding.rule)).toEqual([
      'second',
    ]);
    expect(findings[0]?.counterexample).toMatchObject({
      event_type: 'HealthcheckDown',
      attributes: { load: 2 },
    });
  });

  it('are those of one profile and of its subscribers, not of services that do not use it', () => {
    const other = notify('api_alarms', '{ service: api, event_type: HealthcheckDown }');
    expect(lint([WEB, other])).toEqual([]);
    const mine = notify('web_alarms', '{ event_type: HealthCheckDown }');
    expect(lint([WEB, mine]).map(({ code, rule: name }) => [code, name])).toEqual([
      ['shadowed', 'web_alarms'],
    ]);
  });

  it('carry an event that the compiled snapshot answers as the finding says', () => {
    const documents = [
      notify('a', '{ event_type: NagiosHostAlarm, host: { prefix: w } }'),
      notify('b', '{ event_type: NagiosHostAlarm, environment: prod }'),
    ];
    const [finding] = lint(documents);
    expect(compileConfig(documents, OPTIONS).match(finding!.counterexample!)).toMatchObject({
      matched: true,
      rule: { name: 'a' },
      others: ['b'],
    });
  });
});

describe('a rule that no event reaches', () => {
  it.each([
    [
      '{ event_type: NagiosHostAlarm, host_state_type: HRAD }',
      'no NagiosHostAlarm has string "HRAD" as host_state_type (did you mean "HARD"?)',
    ],
    [
      '{ event_type: NagiosHostAlarm, host: web, pattern: { host: [api] } }',
      'two conditions on one field exclude each other',
    ],
  ])('is told of: %s', (criteria, message) => {
    const [finding] = lint([notify('dead', criteria)]);
    expect(finding).toMatchObject({ code: 'unreachable' });
    expect(formatIssue(finding!.issue)).toMatch(message);
  });

  it('is told of when it is tested for every event', () => {
    expect(lint([notify('slow', '{ host: { wildcard: "*x*" } }')]).map(({ code }) => code)).toEqual([
      'scanned',
    ]);
  });
});

describe('the deadline proof', () => {
  it('adds up stream, hold-down, ballot, lock and acknowledgement', () => {
    const slow = service('service: web\nteam: t\nprofile: stateless\noverrides: { hold_down: 18s }\n');
    const findings = lint([slow]);
    expect(findings.map(({ code }) => code)).toEqual(['deadline', 'deadline', 'deadline']);
    expect(formatIssue(findings[0]!.issue)).toMatch(
      'rule stateless.host_down for service "web": stream 2s + hold_down 18s + ballot 20s (checks 5s) + lock 1s + acknowledge 5s = 46s, which is more than decide_within 45s',
    );
  });

  it('knows a check that may take longer than the ballot', () => {
    const text = PLAIN_RULE.replace(
      '- checkName: MaxActiveHosts',
      '- { checkName: MaxActiveHosts, default: 9, timeout: 25s }',
    ).replace('- checkName: HealthCheckDown', '- checkName: HealthCheckDown\n  - checkName: PeerCheck');
    expect(told(lint([rule(text)]))).toEqual([
      'warning check_timeout: rules/a.yaml:2:1 rule nagios_host_down for service "any": MaxActiveHosts may take 25s, and the ballot ends after 20s (a check that is not done by then counts as failed)',
    ]);
  });
});

describe('the pager and the lock', () => {
  const codes = (text: string, timing: LintOptions['timing'] = {}) => [
    ...new Set(lint([WEB, settings(text)], timing).map(({ code }) => code)),
  ];

  it('are held against the workflow: an acknowledgement that ends while it runs', () => {
    expect(codes('pager: { re_acknowledge: false }')).toEqual(['pager_acknowledgement']);
    expect(codes('pager: { re_acknowledge: false, acknowledgement_timeout: 32m }')).toEqual([]);
  });

  it('are held against the first level: only one target escalates after one minute', () => {
    expect(codes('pager: { first_level_targets: 2 }')).toEqual(['pager_first_level']);
  });

  it('are held against the decision: it must come before the pager escalates by itself', () => {
    expect(codes('pager: { escalation_timeout: 45s }')).toEqual(['pager_escalation']);
  });

  it('are held against the run: a lock that nobody renews must outlive it', () => {
    expect(codes('{}', { lockIsRenewed: false, lockTtlMs: 1_800_000 })).toEqual(['lock_ttl']);
    expect(codes('{}', { lockIsRenewed: false, lockTtlMs: 2_100_000 })).toEqual([]);
  });
});

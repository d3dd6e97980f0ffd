import { compileLabConfig, labDocuments, ruleCoverage, runRunbookTests } from '@lazarus/testing/lab';
import type { RunbookTestResult } from '@lazarus/testing/lab';
import { describe, expect, it } from 'vitest';

const config = compileLabConfig(
  labDocuments({ services: '{ service: web, team: shop, profile: stateless }' }),
);

const SUITE = `rules: [services/web.yaml]
tests:
  - name: one dead host is replaced, one voter cut off, the alarm twice
    given:
      prechecks: { MinActiveHosts: pass, HealthCheckDown: { a: pass, b: pass, c: timeout } }
      actions:
        clone: { output: { host_id: i-web-peer-5, zone: us-east-1a }, takes: 40s }
        verify:
          - { error: { code: NOT_READY, retryable: true } }
          - { output: { ok: true, status: healthy, consecutive: 3, detail: '200' } }
    when:
      - { at: 0s, event: { type: NagiosHostAlarm, host: web-1, host_state: DOWN, host_state_type: HARD } }
      - { at: 3s, same_event: true }
    then:
      outcome: remediated
      rule: host_down
      votes: 2/3
      page: resolved
      run: succeeded
      calls: { host.clone: 1, verify: 2 }
      never: [pager.escalate]
      order: [clone, verify, into_lb, resolve]
      notified: [acknowledged, resolved]
      within: 90s
  - name: everything is down, so we touch nothing
    given: { prechecks: { PeerCheck: fail } }
    when: [{ event: { type: HealthcheckDown, host: web-1 } }]
    then: { outcome: escalated, blocked_by: PeerCheck, page: escalated, calls: {} }
`;

const run = (text: string, more: object = {}): Promise<readonly RunbookTestResult[]> =>
  runRunbookTests(text, {
    file: 'web.test.yaml',
    workflow: () => undefined,
    rules: async () => config,
    ...more,
  });
const suite = (test: string): string => `rules: [web.yaml]\ntests:\n${test}`;

describe('tests of rules in YAML', () => {
  it('pass when event, votes, decision, calls and page are as expected', async () => {
    const results = await run(SUITE);
    expect(results.map(({ name, failures }) => [name, failures])).toEqual([
      ['one dead host is replaced, one voter cut off, the alarm twice', []],
      ['everything is down, so we touch nothing', []],
    ]);
    expect(results[0]).toMatchObject({ subject: 'services/web.yaml', line: 3, seed: 1 });
  });

  it.each([
    ['outcome: remediated', 'outcome: suppressed', 'outcome', 'remediated'],
    ['rule: host_down', 'rule: other', 'rule', 'stateless.host_down'],
    ['votes: 2/3', 'votes: 3/3', 'votes', '2/3'],
    ['run: succeeded', 'run: failed', 'run', 'succeeded'],
    ['page: resolved', 'page: open', 'page', 'resolved'],
    ['verify: 2 }', 'verify: 3 }', 'calls.verify', '2'],
    [
      'never: [pager.escalate]',
      'never: [lb.add]',
      'never[0]',
      expect.stringMatching(/^step into_lb called it at/) as string,
    ],
    ['within: 90s', 'within: 30s', 'within', expect.stringMatching(/^\d+ ms$/) as string],
    ['notified: [acknowledged', 'notified: [alarm', 'notified[0]', 'acknowledged, resolved'],
    ['blocked_by: PeerCheck', 'blocked_by: budget', 'blocked_by', 'precondition_failed, ballot, PeerCheck'],
    ['escalated, calls: {}', 'escalated, calls: { clone: 1 }', 'calls.clone', '0'],
  ])('that say %s fail at its place when they say %s', async (right, wrong, path, actual) => {
    expect(SUITE).toContain(right);
    const text = SUITE.replace(right, wrong);
    const failures = (await run(text)).flatMap((result) => result.failures);
    const lines = text.split('\n');
    expect(failures).toHaveLength(1);
    expect(failures[0]?.path).toContain(`then.${path}`);
    expect(failures[0]?.actual).toEqual(actual);
    const key = path.split(/[.[]/)[0] ?? '';
    expect(lines[(failures[0]?.line ?? 0) - 1]).toContain(key);
  });

  it('with calls: {} fail when anything was called, and show each call as surplus', async () => {
    const [first] = await run(SUITE.replace('calls: { host.clone: 1, verify: 2 }', 'calls: {}'), { line: 3 });
    expect(first?.failures[0]).toMatchObject({ path: 'tests[0].then.calls', expected: 'no calls' });
    expect(first?.diff.filter((line) => line.startsWith('+')).join('\n')).toContain(
      'clone calls host.clone@1',
    );
  });

  it('run alone by their line, whichever of their lines it is', async () => {
    expect((await run(SUITE, { line: 3 })).map(({ line }) => line)).toEqual([3]);
    expect((await run(SUITE, { line: 20 })).map(({ line }) => line)).toEqual([3]);
    expect((await run(SUITE, { line: 99 })).map(({ name }) => name)).toEqual([
      'everything is down, so we touch nothing',
    ]);
    expect(await run(SUITE, { line: 1 })).toEqual([]);
  });

  it('let nodes die, come back, lose each other and their locks; people pause, resume and take pages', async () => {
    const results = await run(
      suite(`  - name: the node that decides dies
    when:
      - { event: { type: HealthcheckDown, host: web-1 }, node: c }
      - { at: 5s, crash: c }
      - { at: 1m, restart: c }
    then: { outcome: remediated, votes: 2/3 }
  - name: two partitions
    when:
      - { partition: [[a], [b], [c]] }
      - { at: 1s, event: { type: HealthcheckDown, host: web-1 } }
      - { at: 1m, heal: true }
      - { at: 1m, health: { i-web-1: healthy } }
      - { at: 1m, event: { type: HealthcheckDown, host: web-peer-1 } }
    then: { outcome: escalated, blocked_by: quorum_timed_out, events: { event-2: { outcome: remediated, votes: 3/3 } } }
  - name: a slow link
    when:
      - { delay: { from: a, to: b, by: 1m } }
      - { at: 1s, event: { type: HealthcheckDown, host: web-1 }, node: a }
    then: { outcome: remediated, votes: 2/3 }
  - name: a lost lock
    when:
      - { event: { type: HealthcheckDown, host: web-1 } }
      - { at: 15s, lose_lock: { service: web, host: i-web-1 } }
    then: { outcome: escalated, run: canceled, never: [lb.add] }
  - name: a person takes the page
    when:
      - { event: { type: HealthcheckDown, host: web-1 } }
      - { at: 12s, page_taken: web/web-1 }
    then: { outcome: escalated, page: escalated, run: canceled }
  - name: a pause and its end
    when:
      - { pause: { reason: release } }
      - { at: 1s, event: { type: HealthcheckDown, host: web-1 } }
      - { at: 2m, resume: true }
      - { at: 3m, event: { type: HealthcheckDown, host: web-1, incident_key: second } }
    then: { blocked_by: paused, events: { event-2: { outcome: remediated } } }
`),
    );
    expect(results.map(({ name, failures }) => [name, failures])).toEqual(
      results.map(({ name }) => [name, []]),
    );
  });

  it('take hosts of their own: too few of them, or one that has not opted in', async () => {
    const results = await run(
      suite(`  - name: too few
    given: { hosts: [{ name: web-1, zone: us-east-1a }, { name: web-2, zone: us-east-1b }] }
    when: [{ event: { type: HealthcheckDown, host: web-1 } }]
    then: { outcome: escalated, blocked_by: MinActiveHosts }
  - name: not ours
    given: { hosts: [{ name: web-1, managed: false }] }
    when: [{ event: { type: HealthcheckDown, host: web-1 } }]
    then: { outcome: escalated, blocked_by: target_protected, calls: {} }
  - name: seen down from one zone only
    given: { hosts: [{ name: web-1, zone: us-east-1a, health: { a: unreachable, b: healthy, c: healthy } }, { name: web-2 }, { name: web-3 }, { name: web-4 }] }
    when: [{ event: { type: HealthcheckDown, host: web-1 } }]
    then: { outcome: escalated, votes: 1/3, blocked_by: HealthCheckDown }
`),
    );
    expect(results.flatMap(({ failures }) => failures)).toEqual([]);
  });

  it.each([
    [
      'PeerChek: fail',
      /web\.test\.yaml:\d+:\d+ .*names the precheck PeerChek, which does not exist \(did you mean "PeerCheck"\?\)/,
    ],
    ['PeerCheck: { d: fail }', /names the node d, which does not exist/],
  ])('are refused with the place of %s', async (reply, message) => {
    await expect(run(SUITE.replace('PeerCheck: fail', reply))).rejects.toThrow(message);
  });

  it('are refused for a node, an event field or a key that is not there', async () => {
    const when = (what: string) => run(suite(`  - { name: x, when: [${what}], then: { calls: {} } }\n`));
    await expect(when('{ crash: z }')).rejects.toThrow(/tests\[0\]\.when\[0\]\.crash names the node z/);
    await expect(when('{ event: { hots: web-1 } }')).rejects.toThrow(/hots/);
    await expect(run(SUITE.replace('blocked_by', 'blockedby'))).rejects.toThrow(/did you mean "blocked_by"/);
    await expect(runRunbookTests(SUITE, { file: 'x', workflow: () => undefined })).rejects.toThrow(
      /cannot be loaded here/,
    );
  });

  it.each([
    [
      'given: { actions: { clon: { hangs: true } } }',
      /actions\.clon names the step or action clon, .*"clone"/,
    ],
    [
      'then: { never: [host.terminat] }',
      /never\[0\] names the step or action host\.terminat, .*"host\.terminate"/,
    ],
    ['then: { calls: { host.clone@2: 0 } }', /calls\["host\.clone@2"\] names the step or action/],
    ['then: { order: [clone, host.clone] }', /order\[1\] names the step host\.clone, which does not exist/],
    ['then: { steps: { finally.notifi: succeeded } }', /names the step finally\.notifi, .*"finally\.notify"/],
    ['then: { error: { step: cloned } }', /error\.step names the step cloned, .*"clone"/],
    ['then: {}', /then expects nothing, so it cannot fail/],
    [
      'when: [{ event: { type: HealthCheckDwn } }]',
      /type names the event type HealthCheckDwn, .*"HealthcheckDown"/,
    ],
  ])('are refused when they could not fail, or speak of what is not there: %s', async (part, message) => {
    const [key = ''] = part.split(':');
    const rest = {
      given: 'given: {}',
      when: 'when: [{ event: { host: web-1 } }]',
      then: 'then: { calls: {} }',
    };
    const lines = Object.values({ ...rest, [key]: part }).join(', ');
    await expect(run(suite(`  - { name: x, ${lines} }\n`))).rejects.toThrow(message);
    await expect(run(suite(`  - { name: x, ${lines} }\n`))).rejects.toThrow(/web\.test\.yaml:3:\d+/);
  });

  it('take an event type that nobody knows and that resembles none', async () => {
    const [result] = await run(
      suite(`  - { name: x, when: [{ event: { type: DiskFull } }], then: { blocked_by: no_rule } }\n`),
    );
    expect(result?.failures).toEqual([]);
  });

  it('are refused when their file names neither rules nor a workflow', async () => {
    await expect(run('rule: [web.yaml]\ntests: []\n')).rejects.toThrow(
      /web\.test\.yaml:1:1 names neither "rules" nor the "workflow" that it tests \(did you mean "rules"\?\)/,
    );
    await expect(run('')).rejects.toThrow(/names neither "rules" nor the "workflow"/);
  });

  it('make a host well by its name as by its id', async () => {
    const well = (host: string) =>
      `  - { name: x, when: [{ health: { ${host}: healthy } }, { event: { host: web-1 } }], then: { blocked_by: HealthCheckDown } }\n`;
    const given = `rules: [web.yaml]\ntests:\n  - { name: x, given: { hosts: [{ name: web-1 }, { name: web-2 }, { name: web-3 }, { name: web-4 }] }, `;
    for (const host of ['web-1', 'i-web-1']) {
      const [result] = await run(well(host).replace('  - { name: x, ', given));
      expect(result?.failures).toEqual([]);
    }
  });

  it('say which rules no event matched and which prechecks never stopped anything', async () => {
    const [down, other] = ruleCoverage(
      ['stateless.healthcheck_down', 'stateless.aws_scheduled_event'],
      await run(SUITE),
    );
    expect(down?.missing).toEqual([
      'MinActiveHosts passed',
      'MinActiveHosts blocked',
      'MaxActiveHosts passed',
      'MaxActiveHosts blocked',
      'HealthCheckDown passed',
      'HealthCheckDown blocked',
      'PeerCheck passed',
    ]);
    expect(other).toEqual({ subject: 'rule stateless.aws_scheduled_event', missing: ['matched'], ratio: 0 });
  });

  it('run with the seed that is asked for, and a test may insist on one', async () => {
    const [first] = await run(SUITE, { seed: 7 });
    expect(first?.seed).toBe(7);
    const [own] = await run(SUITE.replace('given:\n', 'given:\n      seed: 9\n'), { seed: 7 });
    expect(own?.seed).toBe(9);
  });
});

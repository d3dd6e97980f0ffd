import {
  builtinActions,
  createActionRegistry,
  defineAction,
  loadShippedWorkflows,
  loadWorkflow,
} from '@lazarus/dag';
import {
  checkRunbook,
  runbookCoverage,
  runbookViolations,
  runRunbook,
  runRunbookTests,
} from '@lazarus/testing/lab';
import type { RunbookResult } from '@lazarus/testing/lab';
import { z } from 'zod';
import { describe, expect, it } from 'vitest';

const registry = createActionRegistry(builtinActions);
const shipped = loadShippedWorkflows(registry);
const replaceHost = shipped.find(({ name }) => name === 'default.replace_host');
if (replaceHost === undefined) throw new Error('default.replace_host is missing');

const load = (text: string) =>
  loadWorkflow(
    `apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: test.flow, version: 1 }\n${text}`,
    { file: 'flow.yaml', actions: registry },
  );

describe('runRunbook', () => {
  it('refuses a call that the test does not mock', async () => {
    const { run } = await runRunbook(replaceHost, { actions: { 'notify.send': { output: { sent: true } } } });
    expect(run.error).toMatchObject({ step: 'acknowledge' });
    expect(run.error?.message).toContain('which the test does not mock');
  });

  it('takes 25 min of waiting without waiting', async () => {
    const started = performance.now();
    const { run, tookMs } = await runRunbook(load('steps: { rest: { wait: 25m } }\n'), { unmocked: 'happy' });
    expect(run.status).toBe('succeeded');
    expect(tookMs).toBe(25 * 60_000);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('gives the replies of a list one by one, and repeats the last', async () => {
    const { callsOf, tookMs } = await runRunbook(replaceHost, {
      unmocked: 'happy',
      actions: {
        'healthcheck.verify': [
          { error: { code: 'LZ_ACTUATOR_TRANSIENT' } },
          { output: { ok: false, status: 'unhealthy', consecutive: 0, detail: '' }, takes: '1s' },
          { output: { ok: true, status: 'healthy', consecutive: 3, detail: '' } },
        ],
      },
    });
    expect(callsOf('verify').map(({ outcome }) => outcome)).toEqual(['error', 'ok', 'ok']);
    expect(tookMs).toBeGreaterThanOrEqual(3_000);
  });

  it('is repeatable: the same seed gives the same trace', async () => {
    const options = {
      unmocked: 'happy',
      seed: 7,
      actions: {
        clone: [
          { error: { retryable: true } },
          { error: { retryable: true } },
          { output: { host_id: 'i-2', zone: 'z' } },
        ],
      },
    } as const;
    const [first, second] = [await runRunbook(replaceHost, options), await runRunbook(replaceHost, options)];
    expect(second.trace).toEqual(first.trace);
  });
});

describe('checkRunbook', () => {
  it('finds a workflow that puts a host aside before its replacement is verified', async () => {
    const careless = load(`inputs: { host: { type: string, required: true } }
steps:
  clone: { uses: host.clone@1, with: { from: '\${{ inputs.host }}' } }
  aside: { uses: host.set_state@1, needs: [clone], with: { host: '\${{ inputs.host }}', state: forensics } }
`);
    const { violations } = await checkRunbook(careless);
    expect(violations.map(({ message }) => message)).toContain(
      'step aside ended a host before a replacement was verified',
    );
  });

  it('finds a workflow that leaves a launched host behind', async () => {
    const careless = load(`inputs: { host: { type: string, required: true } }
steps:
  clone: { uses: host.clone@1, with: { from: '\${{ inputs.host }}' } }
  later: { uses: notify.send@1, needs: [clone], with: { text: done } }
`);
    const { violations } = await checkRunbook(careless);
    expect(violations.map(({ message }) => message)).toContain(
      'a launched host was neither put into service nor terminated',
    );
    expect(violations.map(({ scenario }) => scenario)).toContain('permanent error after the effect of clone');
  });
});

describe('checkRunbook with a planted bug', () => {
  const shop = defineAction({
    name: 'shop.open',
    version: 1,
    summary: 'Opens a shop.',
    idempotent: true,
    input: z.strictObject({}),
    output: z.strictObject({ id: z.int() }),
    run: async () => ({ id: 0 }),
  });
  const actions = createActionRegistry([...builtinActions, shop]);
  const opening = loadWorkflow(
    'apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: shop.open, version: 1 }\nsteps: { open: { uses: shop.open@1 } }\n',
    { file: 'shop.yaml', actions },
  );
  /** Scenarios in which something was found, with what. */
  const found = async (open: (key: string) => number): Promise<readonly string[]> => {
    const report = await checkRunbook(opening, {
      definitions: [shop],
      actions: { open: (_input, { idempotencyKey }) => ({ id: open(idempotencyKey) }) },
    });
    return report.violations.map(({ scenario, message }) => `${scenario}: ${message}`);
  };

  it('finds a duplicate and a crash that an action answers with a second effect, and nothing when it knows its key (S1)', async () => {
    let opened = 0;
    const messages = await found(() => (opened += 1));
    expect(messages).toEqual([
      expect.stringMatching(
        /^crash after the effect of open: step open had 2 effects for one idempotency key/,
      ) as string,
      expect.stringMatching(
        /^open delivered twice: step open had 2 effects for one idempotency key/,
      ) as string,
    ]);
    const known = new Map<string, number>();
    expect(await found((key) => known.get(key) ?? known.set(key, known.size).size)).toEqual([]);
  });

  it('finds a refusal, a hang and a crash after which nobody is told', async () => {
    const silent = load(`inputs: { incident: { type: string } }
steps:
  acknowledge: { uses: pager.acknowledge@1, with: { incident: '\${{ run.incident_key }}' } }
  restart: { uses: host.command@1, needs: [acknowledge], with: { host: i-1, command: restart } }
`);
    const { violations } = await checkRunbook(silent, {
      actions: { 'pager.escalate': { output: { page: 'none', changed: false } } },
    });
    const scenarios = violations.map(({ scenario }) => scenario.replace(/ of \w+$/, ''));
    expect(new Set(scenarios)).toContain('refusal');
    expect(new Set(scenarios)).toContain('hang');
  });

  it('finds each broken promise in what a run left behind', async () => {
    const result = await runRunbook(replaceHost, { unmocked: 'happy' });
    const { calls, run } = result;
    const spoiled = (part: Partial<RunbookResult>): readonly string[] =>
      runbookViolations(replaceHost, { ...result, ...part });
    const clone = calls.filter(({ step }) => step === 'clone');
    const rekeyed = clone.map((call) => ({ ...call, idempotencyKey: 'another' }));
    expect(spoiled({})).toEqual([]);
    expect(spoiled({ calls: [...calls, ...clone] })).toContain(
      'step clone was repeated after it had completed',
    );
    expect(spoiled({ calls: [...calls, ...rekeyed] })).toContain('step clone used 2 idempotency keys');
    expect(spoiled({ calls: calls.filter(({ step }) => step !== 'verify') })).toContain(
      'step forensics ended a host before a replacement was verified',
    );
    expect(spoiled({ run: { ...run, page: 'left_alone' } })).toEqual([
      'it succeeded and left an acknowledged page alone',
    ]);
    expect(spoiled({ run: { ...run, ended_at: '2026-01-01T09:00:00.000Z' } })[0]).toMatch(
      /ms after its deadline$/,
    );
    const stopped = { ...run, status: 'failed', page: 'left_alone' } as const;
    expect(spoiled({ run: stopped, calls: clone })).toEqual([
      'it ended as failed and nobody was told',
      'a launched host was neither put into service nor terminated',
    ]);
  });
});

const SUITE = `workflow: default.replace_host
tests:
  - name: a dead host is replaced within 90 s
    given:
      actions:
        host.clone: { output: { host_id: i-2, zone: a }, takes: 40s }
    then:
      outcome: succeeded
      page: resolved
      calls: { host.clone: 1 }
      never: [pager.escalate, host.terminate]
      order: [out_of_lb, clone, verify, into_lb, forensics, resolve]
      outputs: { new_host: i-2 }
      within: 90s
  - name: a replacement that stays sick is terminated
    given:
      actions:
        verify: { output: { ok: false, status: unhealthy, consecutive: 0, detail: '503' } }
    then:
      outcome: failed
      page: escalated
      error: { step: verify, code: LZ_WORKFLOW_STEP_TIMEOUT }
      steps: { clone: compensated, into_lb: skipped }
      never: [lb.add]
`;

describe('runbook tests in YAML', () => {
  const options = { file: 'replace_host.test.yaml', workflow: () => replaceHost };

  it('pass when everything is as expected', async () => {
    const results = await runRunbookTests(SUITE, options);
    expect(results.map(({ name, failures }) => [name, failures])).toEqual([
      ['a dead host is replaced within 90 s', []],
      ['a replacement that stays sick is terminated', []],
    ]);
  });

  it('fail with file, line and column of each expectation, and a trace', async () => {
    const wrong = SUITE.replace('page: resolved', 'page: escalated')
      .replace('host.clone: 1', 'host.clone: 2')
      .replace('within: 90s', 'within: 10s');
    const [first] = await runRunbookTests(wrong, { ...options, only: /dead host/ });
    expect(first?.failures).toEqual([
      {
        file: 'replace_host.test.yaml',
        line: 9,
        column: 13,
        path: 'tests[0].then.page',
        expected: 'escalated',
        actual: 'resolved',
      },
      {
        file: 'replace_host.test.yaml',
        line: 10,
        column: 28,
        path: 'tests[0].then.calls["host.clone"]',
        expected: '2 calls of host.clone',
        actual: '1',
      },
      {
        file: 'replace_host.test.yaml',
        line: 14,
        column: 15,
        path: 'tests[0].then.within',
        expected: 'at most 10000 ms',
        actual: expect.stringMatching(/^4\d{4} ms$/) as string,
      },
    ]);
    expect(first?.trace.some((line) => line.includes('clone calls host.clone@1, attempt 1: ok'))).toBe(true);
  });

  it('fail with a diff: what is surplus has a +, what is missing a -, and a test that passes has none', async () => {
    const wrong = SUITE.replace('host.clone: 1', 'host.clone: 0')
      .replace('[pager.escalate, host.terminate]', '[lb.add]')
      .replace('within: 90s', 'within: 10s\n      steps: { verify: failed }');
    const [first, second] = await runRunbookTests(wrong, options);
    const marked = first?.diff
      .filter((line) => !line.startsWith(' '))
      .map((line) => line.replace(/[\d.]+ s {2}/, ''));
    expect(marked?.map((line) => line.replace(/ +/g, ' '))).toEqual([
      '+ clone calls host.clone@1, attempt 1: ok',
      '- verify failed',
      '+ verify succeeded',
      '+ into_lb calls lb.add@1, attempt 1: ok',
      '- within: at most 10000 ms',
      expect.stringMatching(/^\+ within: 4\d{4} ms$/) as string,
    ]);
    expect(second?.diff).toEqual([]);
  });

  it('stop after the first failure when asked to', async () => {
    const wrong = SUITE.replace('page: resolved', 'page: escalated');
    expect(await runRunbookTests(wrong, { ...options, bail: true })).toHaveLength(1);
    expect(await runRunbookTests(wrong, options)).toHaveLength(2);
  });

  it('fail, and do not end the others, when a run cannot start', async () => {
    const wrong = SUITE.replace('given:\n', 'given:\n      inputs: { no_such_input: 1 }\n');
    const results = await runRunbookTests(wrong, options);
    expect(results.map(({ passed }) => passed)).toEqual([false, true]);
    expect(results[0]?.failures[0]).toMatchObject({
      line: 3,
      path: 'tests[0]',
      actual: expect.stringContaining('no_such_input') as string,
    });
  });

  it('are refused at the line of a workflow that is not there', async () => {
    await expect(runRunbookTests(SUITE, { ...options, workflow: () => undefined })).rejects.toThrow(
      /replace_host\.test\.yaml:1:11 workflow names the workflow default\.replace_host, which is neither/,
    );
  });

  it('say which ends of steps no test took', async () => {
    const coverage = runbookCoverage(replaceHost, await runRunbookTests(SUITE, options));
    expect(coverage.missing).toContain('clone failed');
    expect(coverage.missing).not.toContain('verify failed');
    expect(coverage.missing).not.toContain('clone undone');
    expect(coverage.ratio).toBeCloseTo(11 / 19);
  });

  it('are refused with their place when they are malformed', async () => {
    await expect(
      runRunbookTests(SUITE.replace('outcome: succeeded', 'outcom: succeeded'), options),
    ).rejects.toThrow(
      /replace_host\.test\.yaml:8:7 tests\[0\]\.then\.outcom found the unknown key "outcom" \(did you mean "outcome"\?\)/,
    );
  });
});

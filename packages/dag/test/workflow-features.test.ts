import type { Json, RunView } from '@lazarus/core/ports';
import { createSeededRandom } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineAction, resolveInputs } from '../src/index.ts';
import type { Action, EngineOptions } from '../src/index.ts';
import { aRequest, createBench, workflow } from './support/bench.ts';
import { createScript } from './support/script.ts';
import type { Script } from './support/script.ts';
import { refused, transient } from './support/world.ts';

const HEAD = 'apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: test.flow, version: 1 }\n';

interface Ran {
  readonly run: RunView;
  readonly world: ReturnType<typeof createBench>['world'];
  readonly steps: Readonly<Record<string, string>>;
  /** From start to end of a step, milliseconds. */
  tookMs(step: string): number;
}

async function runFlow(
  text: string,
  script: Script,
  options: Partial<EngineOptions> & {
    readonly inputs?: Readonly<Record<string, Json>>;
    readonly more?: readonly Action[];
    readonly timeoutMs?: number;
  } = {},
): Promise<Ran> {
  const { inputs = {}, more = [], timeoutMs, ...overrides } = options;
  const actions = [...script.actions, ...more];
  const bench = createBench({ workflows: [workflow(HEAD + text, actions)], actions });
  const engine = await bench.open(overrides);
  const time = timeoutMs === undefined ? {} : { timeoutMs };
  await engine.submit(aRequest({ workflow: 'test.flow', inputs, ...time }));
  const run = await bench.finish(engine);
  return {
    run,
    world: bench.world,
    steps: Object.fromEntries(run.steps.map(({ step, status }) => [step, status])),
    tookMs: (name) => {
      const step = run.steps.find((one) => one.step === name);
      return Date.parse(step?.ended_at ?? '') - Date.parse(step?.started_at ?? '');
    },
  };
}

const inputOf = (script: Script, step: string): unknown =>
  (script.log.find((entry) => entry.step === step)?.input as { readonly value?: unknown } | undefined)?.value;

describe('inputs', () => {
  const flow = workflow(
    `${HEAD}inputs:
  host: { type: string, required: true }
  n: { type: integer, default: 3 }
  pause: { type: duration, default: 5m }
  deep: { type: boolean }
  ratio: { type: number }
steps: { a: { wait: 5s } }
`,
  );
  const resolve = (inputs: Readonly<Record<string, Json>>) =>
    resolveInputs(flow, aRequest({ workflow: 'test.flow', inputs }));

  it('are what the request gives, then what it knows by itself, then defaults, then null', () => {
    expect(resolve({ n: 7 })).toEqual({ host: 'i-old', n: 7, pause: '5m', deep: null, ratio: null });
    expect(resolve({ host: 'i-2' })).toMatchObject({ host: 'i-2', n: 3 });
  });

  it.each<[Readonly<Record<string, Json>>, string]>([
    [{ n: 1.5 }, 'the input "n" is 1.5, expected integer'],
    [{ n: '3' }, 'the input "n" is "3", expected integer'],
    [{ pause: '5 min' }, 'the input "pause" is "5 min", expected duration'],
    [{ deep: 'yes' }, 'the input "deep" is "yes", expected boolean'],
    [{ ratio: '0.5' }, 'the input "ratio" is "0.5", expected number'],
    [{ host: 5 }, 'the input "host" is 5, expected string'],
    [{ hots: 'x' }, 'found the unknown input "hots" (did you mean "host"?)'],
    [{ constructor: 'x' }, 'found the unknown input "constructor"'],
  ])('%j are refused before a run begins', (inputs, message) => {
    expect(() => resolve(inputs)).toThrow(message);
    expect(() => resolve(inputs)).toThrow(expect.objectContaining({ code: 'LZ_WORKFLOW_INPUT' }) as Error);
  });

  it('with the names of what every object has are inputs like others', () => {
    const odd = workflow(
      `${HEAD}inputs: { constructor: { type: string, default: x } }\nsteps: { a: { wait: 5s } }\n`,
    );
    expect(resolveInputs(odd, aRequest({ workflow: 'test.flow' }))).toEqual({ constructor: 'x' });
  });
});

describe('an expression', () => {
  it('that is the whole text gives the action a number, a truth value, a list and a mapping, beside others a text', async () => {
    const script = createScript();
    script.replies['a'] = [{ give: { list: ['x'], map: { k: 1 } } }];
    await runFlow(
      `inputs: { n: { type: integer, default: 3 }, deep: { type: boolean, default: true } }
steps:
  a: { uses: test.do@1 }
  number: { uses: test.do@1, needs: [a], with: { value: '\${{ inputs.n }}' } }
  truth: { uses: test.do@1, needs: [a], with: { value: '\${{ inputs.deep }}' } }
  list: { uses: test.do@1, needs: [a], with: { value: '\${{ steps.a.outputs.list }}' } }
  map: { uses: test.do@1, needs: [a], with: { value: '\${{ steps.a.outputs.map }}' } }
  text: { uses: test.do@1, needs: [a], with: { value: 'n=\${{ inputs.n }}' } }
`,
      script,
    );
    expect(['number', 'truth', 'list', 'map', 'text'].map((step) => inputOf(script, step))).toEqual([
      3,
      true,
      ['x'],
      { k: 1 },
      'n=3',
    ]);
  });

  it('that fails at run time fails its step with LZ_EXPRESSION_INVALID, undoes what was done and wakes a human', async () => {
    const script = createScript();
    script.replies['a'] = [{ give: { n: 0 } }];
    const { run, steps } = await runFlow(
      `steps:
  a: { uses: test.checked@1, compensate: { uses: test.do@1 } }
  b: { uses: test.do@1, needs: [a], with: { value: '\${{ 1 / steps.a.outputs.n }}' } }
`,
      script,
    );
    expect(run.error).toMatchObject({ step: 'b', code: 'LZ_EXPRESSION_INVALID' });
    expect(run.error?.message).toContain('Infinity');
    expect(steps).toMatchObject({ a: 'compensated', b: 'failed' });
    expect(run.page).toBe('escalated');
    expect(script.bodies).not.toContain('b#1');
  });

  it('can tell in on_error and finally what failed, where and how the run ended', async () => {
    const script = createScript();
    script.replies['a'] = [{ fail: refused('no rights') }];
    const tells = `'\${{ run.outcome }} \${{ error.step }} \${{ error.code }} \${{ steps.a.status }}'`;
    const { world } = await runFlow(
      `steps: { a: { uses: test.do@1 } }
on_error:
  steps: { e: { uses: pager.escalate@1, with: { incident: '\${{ run.incident_key }}', reason: ${tells} } } }
finally:
  f: { uses: test.do@1, with: { value: ${tells} } }
`,
      script,
    );
    const told = 'failed a LZ_ACTUATOR_REFUSED failed';
    expect(world.escalations).toEqual([told]);
    expect(inputOf(script, 'finally.f')).toBe(told);
  });
});

describe('outputs', () => {
  it('of a step are mapped from its result, of a run from its steps; what did not run is left out', async () => {
    const script = createScript();
    script.replies['a'] = [{ give: { inner: { leaf: 'x' }, list: ['p', 'q'] } }];
    const { run } = await runFlow(
      `steps:
  a: { uses: test.do@1, outputs: { leaf: $.inner.leaf, count: '\${{ size(result.list) }}' } }
  never: { uses: test.do@1, needs: [{ step: a, on: [failed] }] }
outputs:
  leaf: '\${{ steps.a.outputs.leaf }}'
  count: '\${{ steps.a.outputs.count }}'
  never: '\${{ steps.never.outputs.x }}'
`,
      script,
    );
    expect(run.outputs).toEqual({ leaf: 'x', count: 2 });
  });

  it('that the result lacks fail the step, also when every object has something of that name', async () => {
    for (const path of ['missing', 'constructor']) {
      const { run } = await runFlow(
        `steps: { a: { uses: test.do@1, outputs: { x: $.${path} } } }\n`,
        createScript(),
      );
      expect(run.error).toMatchObject({ step: 'a', message: `the result has no $.${path}` });
    }
  });
});

describe('uses', () => {
  it('picks the version that is written, also beside another one in the same workflow', async () => {
    const calls: string[] = [];
    const greet = (version: number) =>
      defineAction({
        name: 'acme.greet',
        version,
        summary: 'Greets.',
        input: z.strictObject({}),
        output: z.strictObject({ version: z.number() }),
        idempotent: true,
        run: async () => (calls.push(`v${version}`), { version }),
      });
    const { run } = await runFlow(
      `steps:
  two: { uses: acme.greet@2 }
  one: { uses: acme.greet@1, needs: [two] }
`,
      createScript(),
      { more: [greet(1), greet(2)] },
    );
    expect(calls).toEqual(['v2', 'v1']);
    expect(run.steps.map(({ uses }) => uses)).toEqual(['acme.greet@2', 'acme.greet@1']);
  });

  it('fails the step whose action gives something else than it declares', async () => {
    const liar = defineAction({
      name: 'acme.lie',
      version: 1,
      summary: 'Lies.',
      input: z.strictObject({}),
      output: z.strictObject({ n: z.number() }),
      idempotent: true,
      run: async () => ({ n: 'three' }) as never,
    });
    const { run } = await runFlow('steps: { a: { uses: acme.lie@1 } }\n', createScript(), { more: [liar] });
    expect(run).toMatchObject({ status: 'failed', page: 'escalated', error: { step: 'a' } });
  });
});

describe('retries', () => {
  it('by class: transient, timeout or permanent, and nothing that is not listed', async () => {
    const cases: [on: string, reply: Script['replies'][string], attempts: number][] = [
      ['[transient]', [{ fail: transient() }, { give: {} }], 2],
      ['[timeout]', [{ fail: transient() }, { give: {} }], 1],
      ['[timeout]', [{ hang: true }, { give: {} }], 2],
      ['[transient]', [{ hang: true }, { give: {} }], 1],
      ['[permanent]', [{ fail: refused() }, { give: {} }], 2],
      ['[transient, timeout]', [{ fail: refused() }, { give: {} }], 1],
    ];
    for (const [on, reply, attempts] of cases) {
      const script = createScript();
      script.replies['a'] = reply;
      const { run } = await runFlow(
        `steps: { a: { uses: test.do@1, attempt_timeout: 1s, retry: { on: ${on} } } }\n`,
        script,
      );
      expect([on, run.steps[0]?.attempts, run.status]).toEqual([
        on,
        attempts,
        attempts === 2 ? 'succeeded' : 'failed',
      ]);
    }
  });

  it('of a step win over those of the workflow, field by field', async () => {
    const script = createScript();
    script.replies['a'] = [{ fail: transient() }];
    script.replies['b'] = [{ fail: transient() }];
    const flow = (step: string): string =>
      `retry: { max_attempts: 4, backoff: { initial: 1s, factor: 1, jitter: none } }\nsteps: { ${step} }\n`;
    await runFlow(flow('a: { uses: test.do@1 }'), script);
    await runFlow(
      flow('b: { uses: test.do@1, retry: { max_attempts: 3, backoff: { initial: 3s } } }'),
      script,
    );
    const times = (step: string) => script.log.filter((one) => one.step === step).map(({ atMs }) => atMs);
    const pauses = (step: string) =>
      times(step)
        .slice(1)
        .map((atMs, index) => atMs - (times(step)[index] ?? 0));
    expect(pauses('a')).toEqual([1_000, 1_000, 1_000]);
    expect(pauses('b')).toEqual([3_000, 3_000]);
  });

  it('of a step that fails 20 times keep every pause within its ceiling, no two alike', async () => {
    const script = createScript();
    script.replies['a'] = [{ fail: transient() }];
    await runFlow('steps: { a: { uses: test.do@1, timeout: 20m, retry: { max_attempts: 20 } } }\n', script, {
      random: createSeededRandom(3),
    });
    const times = script.log.filter(({ step }) => step === 'a').map(({ atMs }) => atMs);
    expect(times).toHaveLength(20);
    const pauses = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
    // The clock of the test moves in steps of 100 ms.
    pauses.forEach((pause, index) =>
      expect(pause).toBeLessThanOrEqual(Math.min(30_000, 1_000 * 2 ** index) + 100),
    );
    expect(new Set(pauses).size).toBeGreaterThan(15);
  });

  it('begin anew after a poll that was answered', async () => {
    const script = createScript();
    const broken = { fail: transient() };
    script.replies['a'] = [broken, { give: { ok: false } }, broken, { give: { ok: true } }];
    const { run } = await runFlow(
      "steps: { a: { uses: test.look@1, poll: { every: 1s, until: '${{ result.ok }}' }, retry: { max_attempts: 2 } } }\n",
      script,
    );
    expect(run.status).toBe('succeeded');
  });
});

describe('time', () => {
  it('of a step bounds all its attempts and pauses together: 5 s, then it has failed', async () => {
    const script = createScript();
    script.replies['a'] = [{ fail: transient() }];
    const { run, tookMs } = await runFlow(
      'steps: { a: { uses: test.do@1, timeout: 5s, retry: { max_attempts: 20, backoff: { initial: 2s, factor: 1, jitter: none } } } }\n',
      script,
    );
    expect(run.error).toMatchObject({ step: 'a', code: 'LZ_WORKFLOW_STEP_TIMEOUT' });
    expect(tookMs('a')).toBe(5_000);
    expect(script.bodies.filter((body) => body.startsWith('a#'))).toHaveLength(3);
  });

  it('of a step ends a call that hangs, although the call might take longer', async () => {
    const script = createScript();
    script.replies['a'] = [{ hang: true }];
    const { run, steps, tookMs } = await runFlow('steps: { a: { uses: test.do@1, timeout: 3s } }\n', script);
    expect(run.error).toMatchObject({ step: 'a', code: 'LZ_WORKFLOW_STEP_TIMEOUT' });
    expect([steps['a'], tookMs('a')]).toEqual(['unknown', 3_000]);
  });

  it('of a step is 2 min when nobody says otherwise, and can come from an input', async () => {
    for (const [timeout, expectedMs] of [
      ['', 120_000],
      [", timeout: '${{ inputs.patience }}'", 7_000],
    ] as const) {
      const script = createScript();
      script.replies['a'] = [{ give: { ok: false } }];
      const { tookMs } = await runFlow(
        `inputs: { patience: { type: duration, default: 7s } }
steps: { a: { uses: test.look@1, poll: { every: 5s, until: '\${{ result.ok }}' }${timeout} } }
`,
        script,
      );
      expect(tookMs('a')).toBe(expectedMs);
    }
  });

  it('to clean up bounds finally, and a finally that hangs does not change the outcome', async () => {
    const script = createScript();
    script.replies['finally.tell'] = [{ hang: true }];
    const { run, steps, tookMs } = await runFlow(
      `timeouts: { cleanup: 30s }
steps: { a: { uses: test.do@1 } }
finally: { tell: { uses: test.do@1, timeout: 10m, retry: { max_attempts: 20 } } }
`,
      script,
    );
    expect(run.status).toBe('succeeded');
    expect(steps['finally.tell']).toBe('unknown');
    expect(tookMs('finally.tell')).toBe(30_000);
  });

  it('to clean up begins when the run has ended, however little was left of its own', async () => {
    const script = createScript();
    script.replies['a'] = [{ hang: true }];
    script.replies['compensate.make'] = [async ({ clock }) => (await clock.sleep(20_000), {})];
    const { run, steps } = await runFlow(
      `steps:
  make: { uses: test.checked@1, compensate: { uses: test.do@1 } }
  a: { uses: test.do@1, needs: [make], timeout: 1h, attempt_timeout: 60s, retry: { max_attempts: 20 } }
finally: { tell: { uses: test.do@1 } }
`,
      script,
      { timeoutMs: 30_000 },
    );
    expect(run.status).toBe('timed_out');
    expect(steps).toMatchObject({
      make: 'compensated',
      'on_error.escalate': 'succeeded',
      'finally.tell': 'succeeded',
    });
  });
});

describe('compensation', () => {
  const undo = 'compensate: { uses: test.do@1 }';

  it('undoes what happened and nothing else: neither what was skipped, nor what was refused, nor what only waits', async () => {
    const script = createScript();
    script.replies['no'] = [{ fail: refused() }];
    script.replies['last'] = [{ fail: refused() }];
    const { steps } = await runFlow(
      `steps:
  one: { uses: test.checked@1, ${undo} }
  skipped: { uses: test.checked@1, when: '\${{ false }}', ${undo} }
  no: { uses: test.checked@1, ${undo} }
  plain: { uses: test.do@1 }
  caught: { uses: test.do@1, needs: [{ step: no, on: [failed] }] }
  last: { uses: test.do@1, needs: [one, plain, caught] }
  later: { uses: test.checked@1, needs: [last], ${undo} }
`,
      script,
    );
    expect(script.bodies.filter((body) => body.includes('.'))).toEqual(['compensate.one#1']);
    expect(steps).toMatchObject({
      one: 'compensated',
      skipped: 'skipped',
      no: 'failed',
      plain: 'succeeded',
      later: 'skipped',
    });
  });

  it('follows the order in which steps ended, not the one in which they are written', async () => {
    const script = createScript();
    const slow = (ms: number): Script['replies'][string] => [
      async ({ clock }) => (await clock.sleep(ms), { done: true }),
    ];
    script.replies['first'] = slow(3_000);
    script.replies['second'] = slow(1_000);
    script.replies['third'] = slow(2_000);
    script.replies['last'] = [{ fail: refused() }];
    await runFlow(
      `steps:
  first: { uses: test.checked@1, ${undo} }
  second: { uses: test.checked@1, ${undo} }
  third: { uses: test.checked@1, ${undo} }
  last: { uses: test.do@1, needs: [first, second, third] }
`,
      script,
    );
    expect(script.bodies.filter((body) => body.startsWith('compensate'))).toEqual([
      'compensate.first#1',
      'compensate.third#1',
      'compensate.second#1',
    ]);
  });

  it('goes on with the others when one of them fails, and a human is told all the same', async () => {
    const script = createScript();
    script.replies['last'] = [{ fail: refused('no') }];
    script.replies['compensate.two'] = [{ fail: refused('cannot') }];
    const { run, steps } = await runFlow(
      `steps:
  one: { uses: test.checked@1, ${undo} }
  two: { uses: test.checked@1, needs: [one], ${undo} }
  last: { uses: test.do@1, needs: [two] }
`,
      script,
    );
    expect(steps).toMatchObject({ one: 'compensated', two: 'succeeded', 'compensate.two': 'failed' });
    expect(run).toMatchObject({ page: 'escalated', error: { step: 'last', message: 'no' } });
  });

  it('can be switched off for a workflow', async () => {
    const script = createScript();
    script.replies['last'] = [{ fail: refused() }];
    const { steps, run } = await runFlow(
      `steps:
  one: { uses: test.checked@1, ${undo} }
  last: { uses: test.do@1, needs: [one] }
on_error:
  compensate: none
  steps: { e: { uses: pager.escalate@1, with: { incident: '\${{ run.incident_key }}', reason: broken } } }
`,
      script,
    );
    expect(steps).toEqual({ one: 'succeeded', last: 'failed', 'on_error.e': 'succeeded' });
    expect(run.page).toBe('escalated');
  });

  it('still happens when the point of no return was not reached, and not when its step failed half-way', async () => {
    const flow = `steps:
  one: { uses: test.checked@1, ${undo} }
  before: { uses: test.do@1, needs: [one] }
  edge: { uses: test.do@1, needs: [before], point_of_no_return: true }
`;
    const early = createScript();
    early.replies['before'] = [{ fail: refused() }];
    expect((await runFlow(flow, early)).steps).toMatchObject({ one: 'compensated', edge: 'skipped' });
    const late = createScript();
    late.replies['edge'] = [{ hang: true }];
    expect((await runFlow(flow, late)).steps).toMatchObject({ one: 'succeeded', edge: 'unknown' });
  });

  it('does not happen when the time of the run ends while the point of no return is in flight', async () => {
    const script = createScript();
    script.replies['edge'] = [{ hang: true }];
    const { run, steps } = await runFlow(
      `steps:
  one: { uses: test.checked@1, ${undo} }
  edge: { uses: test.do@1, needs: [one], point_of_no_return: true }
`,
      script,
      { timeoutMs: 20_000 },
    );
    expect(run).toMatchObject({ status: 'timed_out', page: 'escalated' });
    expect(steps).toEqual({ one: 'succeeded', edge: 'unknown', 'on_error.escalate': 'succeeded' });
  });
});

describe('finally', () => {
  it.each([
    ['after a success', [{ give: {} }], 'succeeded'],
    ['after a failure', [{ fail: refused() }], 'failed'],
  ] as const)('runs once %s, its steps at once', async (_title, reply, outcome) => {
    const script = createScript();
    script.replies['a'] = reply;
    const { run } = await runFlow(
      `steps: { a: { uses: test.do@1 } }
finally:
  x: { uses: test.do@1, with: { value: '\${{ run.outcome }}' } }
  y: { uses: test.do@1 }
`,
      script,
    );
    expect(run.status).toBe(outcome);
    expect(script.bodies.filter((body) => body.startsWith('finally'))).toEqual([
      'finally.x#1',
      'finally.y#1',
    ]);
    expect(inputOf(script, 'finally.x')).toBe(outcome);
  });
});

describe('when', () => {
  it.each([
    ["steps.a.outputs.state == 'bad'", 'succeeded'],
    ["steps.a.outputs.state != 'bad'", 'skipped'],
    ["steps.a.status == 'succeeded' && run.service == 'web'", 'succeeded'],
    ['event.attributes.missing ?? false', 'skipped'],
  ])('%s lets the step end as %s', async (condition, status) => {
    const script = createScript();
    script.replies['a'] = [{ give: { state: 'bad' } }];
    const { steps } = await runFlow(
      `steps:
  a: { uses: test.do@1 }
  b: { uses: test.do@1, needs: [a], when: "\${{ ${condition} }}" }
`,
      script,
    );
    expect(steps['b']).toBe(status);
  });
});

import type { RunView } from '@lazarus/core/ports';
import { describe, expect, it } from 'vitest';
import type { EngineOptions } from '../src/index.ts';
import { aRequest, createBench, workflow } from './support/bench.ts';
import { createScript } from './support/script.ts';
import type { Script } from './support/script.ts';
import { refused, TestLocks, transient } from './support/world.ts';

const HEAD = 'apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: test.flow, version: 1 }\n';

interface Ran {
  readonly run: RunView;
  readonly bench: ReturnType<typeof createBench>;
  /** `step: status` of each step. */
  readonly steps: Readonly<Record<string, string>>;
}

/** Runs a workflow whose document continues `HEAD`. */
async function runFlow(
  text: string,
  script: Script,
  options: Partial<EngineOptions> & { readonly timeoutMs?: number } = {},
): Promise<Ran> {
  const { timeoutMs, ...overrides } = options;
  const bench = createBench({ workflows: [workflow(HEAD + text, script.actions)], actions: script.actions });
  const engine = await bench.open(overrides);
  await engine.submit(aRequest({ workflow: 'test.flow', ...(timeoutMs === undefined ? {} : { timeoutMs }) }));
  const run = await bench.finish(engine);
  return { run, bench, steps: Object.fromEntries(run.steps.map(({ step, status }) => [step, status])) };
}

describe('needs', () => {
  it('start steps in declared order and run independent ones together', async () => {
    const script = createScript();
    await runFlow(
      `steps:
  a: { uses: test.do@1 }
  b: { uses: test.do@1, needs: [a] }
  c: { uses: test.do@1, needs: [a] }
  d: { uses: test.do@1, needs: [b, c] }
`,
      script,
    );
    expect(script.bodies).toEqual(['a#1', 'b#1', 'c#1', 'd#1']);
    expect(script.log[1]?.atMs).toBe(script.log[2]?.atMs);
  });

  it('on a failure run the step that asked for it, and the run succeeds', async () => {
    const script = createScript();
    script.replies['a'] = [{ fail: refused() }];
    const { run, steps } = await runFlow(
      `steps:
  a: { uses: test.do@1 }
  fallback: { uses: test.do@1, needs: [{ step: a, on: [failed] }] }
  after: { uses: test.do@1, needs: [a] }
`,
      script,
    );
    expect(steps).toEqual({ a: 'failed', fallback: 'succeeded', after: 'skipped' });
    expect(run.status).toBe('succeeded');
  });

  it('skip a step whose condition is false, and what needs its success', async () => {
    const script = createScript();
    const { steps } = await runFlow(
      `inputs: { deep: { type: boolean, default: false } }
steps:
  a: { uses: test.do@1, when: '\${{ inputs.deep }}' }
  b: { uses: test.do@1, needs: [a] }
  c: { uses: test.do@1, needs: [{ step: a, on: [skipped, succeeded] }] }
`,
      script,
    );
    expect(steps).toEqual({ a: 'skipped', b: 'skipped', c: 'succeeded' });
  });

  it('stop at the first failure that nobody asked for, wait for what is in flight, and start nothing more', async () => {
    const script = createScript();
    script.replies['a'] = [{ fail: refused('denied') }];
    script.replies['slow'] = [async ({ clock }) => (await clock.sleep(5_000), { done: true })];
    const { run, steps } = await runFlow(
      `steps:
  a: { uses: test.do@1 }
  slow: { uses: test.do@1 }
  b: { uses: test.do@1, needs: [slow] }
`,
      script,
    );
    expect(steps).toMatchObject({
      a: 'failed',
      slow: 'succeeded',
      b: 'skipped',
      'on_error.escalate': 'succeeded',
    });
    expect(run).toMatchObject({
      status: 'failed',
      page: 'escalated',
      error: { step: 'a', code: 'LZ_ACTUATOR_REFUSED', message: 'denied' },
    });
  });
});

describe('retries', () => {
  it('repeat a transient failure with the same idempotency key, after a part of 1 s, then of 2 s', async () => {
    const script = createScript();
    script.replies['a'] = [{ fail: transient() }, { fail: transient() }, { give: { ok: true } }];
    const { run } = await runFlow('steps: { a: { uses: test.do@1 } }\n', script, {
      random: { next: () => 0.5 },
    });
    expect(run.status).toBe('succeeded');
    expect(run.steps[0]?.attempts).toBe(3);
    const [first, second, third] = script.log;
    expect([(second?.atMs ?? 0) - (first?.atMs ?? 0), (third?.atMs ?? 0) - (second?.atMs ?? 0)]).toEqual([
      500, 1_000,
    ]);
    expect(new Set(script.log.map(({ key }) => key)).size).toBe(1);
    expect(first?.key).toMatch(/^[0-9a-f]{64}$/);
  });

  it('do not repeat a refusal', async () => {
    const script = createScript();
    script.replies['a'] = [{ fail: refused() }];
    const { run } = await runFlow('steps: { a: { uses: test.do@1 } }\n', script);
    expect(script.bodies.filter((body) => body.startsWith('a#'))).toEqual(['a#1']);
    expect(run.status).toBe('failed');
  });

  it('wait at least as long as the provider asked', async () => {
    const script = createScript();
    script.replies['a'] = [{ fail: Object.assign(transient(), { retryAfterMs: 7_000 }) }, { give: {} }];
    await runFlow('steps: { a: { uses: test.do@1 } }\n', script);
    expect((script.log[1]?.atMs ?? 0) - (script.log[0]?.atMs ?? 0)).toBe(7_000);
  });

  it('abort an attempt after its 2 s and repeat it, because timeouts are retried', async () => {
    const script = createScript();
    script.replies['a'] = [{ hang: true }, { give: {} }];
    const { run } = await runFlow('steps: { a: { uses: test.do@1, attempt_timeout: 2s } }\n', script, {
      random: { next: () => 0 },
    });
    expect(run.status).toBe('succeeded');
    expect((script.log[1]?.atMs ?? 0) - (script.log[0]?.atMs ?? 0)).toBe(2_000);
  });
});

describe('polling', () => {
  it('asks every 5 s until the condition holds, and gives the previous result to the next question', async () => {
    const script = createScript();
    script.replies['a'] = [
      async ({ previous }) => ({ n: ((previous as { n?: number } | undefined)?.n ?? 0) + 1 }),
    ];
    const { run } = await runFlow(
      `steps: { a: { uses: test.look@1, poll: { every: 5s, until: '\${{ result.n >= 3 }}' } } }\n`,
      script,
    );
    expect(run.steps[0]).toMatchObject({ status: 'succeeded', attempts: 3, output: { n: 3 } });
    expect((script.log[2]?.atMs ?? 0) - (script.log[0]?.atMs ?? 0)).toBe(10_000);
  });

  it('fails the step when its timeout ends first, and says what was seen last', async () => {
    const script = createScript();
    script.replies['a'] = [{ give: { ready: false } }];
    const { run } = await runFlow(
      `steps: { a: { uses: test.look@1, timeout: 12s, poll: { every: 5s, until: '\${{ result.ready }}' } } }\n`,
      script,
    );
    expect(run.error).toMatchObject({ step: 'a', code: 'LZ_WORKFLOW_STEP_TIMEOUT' });
    expect(run.error?.message).toContain('not done within 12 s; last seen: {"ready":false}');
    expect(script.bodies.filter((body) => body.startsWith('a#'))).toHaveLength(3);
  });
});

const UNDO = `steps:
  make: { uses: test.checked@1, compensate: { uses: test.do@1, with: { value: '\${{ steps.make.outputs.done }}' } } }
  more: { uses: test.do@1, needs: [make], compensate: { uses: test.do@1 } }
  last: { uses: test.do@1, needs: [more] }
`;

describe('compensation', () => {
  it('undoes completed steps in reverse order, then a human is told, with the reason', async () => {
    const script = createScript();
    script.replies['last'] = [{ fail: refused('no rights') }];
    const { run, steps, bench } = await runFlow(UNDO, script);
    expect(script.bodies).toEqual(['make#1', 'more#1', 'last#1', 'compensate.more#1', 'compensate.make#1']);
    expect(steps).toMatchObject({ make: 'compensated', more: 'compensated', last: 'failed' });
    expect(run).toMatchObject({ status: 'failed', page: 'escalated' });
    expect(bench.world.escalations).toEqual(['last: LZ_ACTUATOR_REFUSED no rights']);
  });

  it('asks first what happened when a step has no known result, and undoes it when it did happen', async () => {
    const script = createScript();
    script.replies['make'] = [{ hang: true }];
    script.happened['make'] = true;
    const { steps } = await runFlow(
      UNDO.replace(
        'make: { uses: test.checked@1,',
        'make: { uses: test.checked@1, timeout: 3s, retry: { max_attempts: 1 },',
      ),
      script,
    );
    expect(script.bodies).toEqual(['make#1', 'check check.make', 'compensate.make#1']);
    expect(steps).toMatchObject({ make: 'compensated' });
  });

  it('asks three times, 5 s apart, before it believes that nothing happened', async () => {
    const script = createScript();
    script.replies['make'] = [{ hang: true }];
    const { steps } = await runFlow(
      UNDO.replace(
        'make: { uses: test.checked@1,',
        'make: { uses: test.checked@1, timeout: 3s, retry: { max_attempts: 1 },',
      ),
      script,
    );
    expect(script.bodies).toEqual(['make#1', 'check check.make', 'check check.make', 'check check.make']);
    expect(steps).toMatchObject({ make: 'unknown', 'compensate.make': 'skipped' });
  });

  it('undoes nothing once the point of no return has begun', async () => {
    const script = createScript();
    script.replies['last'] = [{ fail: refused() }];
    const { steps, run } = await runFlow(
      UNDO.replace('needs: [more] }', 'needs: [more], point_of_no_return: true }'),
      script,
    );
    expect(steps).toEqual({
      make: 'succeeded',
      more: 'succeeded',
      last: 'failed',
      'on_error.escalate': 'succeeded',
    });
    expect(run.page).toBe('escalated');
  });

  it('does not keep a human waiting: the page is escalated 40 s after the failure while undoing still hangs', async () => {
    const script = createScript();
    script.replies['last'] = [{ fail: refused() }];
    script.replies['compensate.more'] = [{ hang: true }];
    let escalatedAtMs = 0;
    const { bench } = await runFlow(UNDO, script, {
      onStep: ({ step }) => {
        if (step.step === 'on_error.escalate' && step.status === 'succeeded')
          escalatedAtMs = Date.parse(step.ended_at ?? '');
      },
    });
    const failedAtMs = script.log.find(({ step }) => step === 'last')?.atMs ?? 0;
    expect(escalatedAtMs - failedAtMs).toBe(40_000);
    expect(bench.world.escalations).toHaveLength(1);
  });

  it("undoes with the action's own undo", async () => {
    const script = createScript();
    script.replies['after'] = [{ fail: refused() }];
    const { bench, steps } = await runFlow(
      `inputs: { host: { type: string, required: true } }
steps:
  take: { uses: lb.remove@1, with: { host: '\${{ inputs.host }}' }, compensate: undo }
  after: { uses: test.do@1, needs: [take] }
`,
      script,
    );
    expect(steps).toMatchObject({ take: 'compensated' });
    expect(bench.world.story).toEqual(['lb.remove i-old', 'lb.add i-old', 'page escalated INC-1']);
  });
});

describe('time', () => {
  it('ends a run at its deadline although a step hangs, escalates within 60 s, and still runs finally', async () => {
    const script = createScript();
    script.replies['a'] = [{ hang: true }];
    const { run, steps, bench } = await runFlow(
      `steps: { a: { uses: test.do@1, timeout: 1h, retry: { max_attempts: 20 } } }
finally: { tell: { uses: test.do@1 } }
`,
      script,
      { timeoutMs: 90_000 },
    );
    expect(run).toMatchObject({
      status: 'timed_out',
      page: 'escalated',
      error: { code: 'LZ_WORKFLOW_TIMEOUT' },
    });
    expect(steps).toMatchObject({ a: 'unknown', 'finally.tell': 'succeeded' });
    const escalated = run.steps.find(({ step }) => step === 'on_error.escalate')?.ended_at ?? '';
    expect(Date.parse(escalated) - Date.parse(run.deadline_at)).toBeLessThan(60_000);
    expect(bench.world.escalations[0]).toContain('run: LZ_WORKFLOW_TIMEOUT');
  });

  it('waits on durable timers', async () => {
    const script = createScript();
    const { run } = await runFlow(
      `inputs: { pause: { type: duration, default: 20m } }
steps:
  a: { wait: 10m }
  b: { uses: wait@1, needs: [a], with: { for: '\${{ inputs.pause }}' } }
`,
      script,
      { timeoutMs: 3_600_000 },
    );
    expect(run.status).toBe('succeeded');
    expect(Date.parse(run.ended_at ?? '') - Date.parse(run.started_at)).toBe(30 * 60_000);
  });

  it('acknowledges the page again every 10 min while the run goes on', async () => {
    const script = createScript();
    const { run, bench, steps } = await runFlow(
      `inputs: { incident_key: { type: string } }
steps:
  ack: { uses: pager.acknowledge@1, with: { incident: '\${{ inputs.incident_key }}' } }
  pause: { wait: 25m, needs: [ack] }
`,
      script,
    );
    expect(run.status).toBe('succeeded');
    expect(bench.world.calls.filter((call) => call === 'pager.acknowledge')).toHaveLength(3);
    expect(steps).toEqual({ ack: 'succeeded', pause: 'succeeded' });
  });

  it('stops a long run within 10 min of a person taking the page', async () => {
    const script = createScript();
    const flow = `inputs: { incident_key: { type: string } }
steps:
  ack: { uses: pager.acknowledge@1, with: { incident: '\${{ inputs.incident_key }}' } }
  pause: { wait: 25m, needs: [ack] }
`;
    const bench = createBench({
      workflows: [workflow(HEAD + flow, script.actions)],
      actions: script.actions,
    });
    const engine = await bench.open();
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(60_000);
    bench.world.page = { ...bench.world.page, takenByHuman: true };
    const run = await bench.finish(engine);
    expect(run).toMatchObject({
      status: 'canceled',
      error: { message: expect.stringContaining('a person has taken the page') as string },
    });
    expect(Date.parse(run.ended_at ?? '') - Date.parse(run.started_at)).toBeLessThanOrEqual(10 * 60_000);
  });

  it('keeps finally from changing the outcome', async () => {
    const script = createScript();
    script.replies['finally.tell'] = [{ fail: refused() }];
    const { run } = await runFlow(
      'steps: { a: { uses: test.do@1 } }\nfinally: { tell: { uses: test.do@1 } }\n',
      script,
    );
    expect(run.status).toBe('succeeded');
    expect(run.error).toBeUndefined();
  });
});

describe('signals', () => {
  it('give their payload to the step that waits for them', async () => {
    const script = createScript();
    const bench = createBench({
      workflows: [workflow(`${HEAD}steps: { approval: { signal: approve, timeout: 10m } }\n`)],
    });
    const engine = await bench.open();
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(60_000);
    expect(script.bodies).toEqual([]);
    await engine.signal('run-1', 'approve', 'by ops');
    const run = await bench.finish(engine);
    expect(run.steps[0]).toMatchObject({ status: 'succeeded', output: 'by ops' });
  });

  it('that never come fail the step at its timeout', async () => {
    const bench = createBench({
      workflows: [workflow(`${HEAD}steps: { approval: { signal: approve, timeout: 10m } }\n`)],
    });
    const engine = await bench.open();
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    expect((await bench.finish(engine)).error).toMatchObject({
      step: 'approval',
      code: 'LZ_WORKFLOW_STEP_TIMEOUT',
    });
  });

  it('to cancel stop a run at its next safe point and escalate', async () => {
    const script = createScript();
    const bench = createBench({
      workflows: [
        workflow(
          `${HEAD}steps: { a: { uses: test.look@1, timeout: 1h, poll: { every: 5s, until: '\${{ result.ok }}' } } }\n`,
          script.actions,
        ),
      ],
      actions: script.actions,
    });
    script.replies['a'] = [{ give: { ok: false } }];
    const engine = await bench.open();
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(12_000);
    await engine.cancel('run-1', 'ops asked to stop');
    const run = await bench.finish(engine);
    expect(run).toMatchObject({
      status: 'canceled',
      page: 'escalated',
      error: { code: 'LZ_WORKFLOW_CANCELED', message: 'ops asked to stop' },
    });
  });
});

const DESTROY = `steps:
  look: { uses: test.look@1 }
  make: { uses: test.checked@1, needs: [look], compensate: { uses: test.do@1 } }
  destroy: { uses: test.destroy@1, needs: [make] }
  again: { uses: test.destroy@1, needs: [destroy] }
`;

describe('safe points', () => {
  it('tell the guard which destructive step is the first one', async () => {
    const script = createScript();
    const asked: string[] = [];
    await runFlow(DESTROY, script, {
      guard: async (_run, point) => {
        asked.push(`${point.firstDestructive} ${point.evidenceAtMs !== undefined}`);
        return { verdict: 'pass' };
      },
    });
    expect(asked).toEqual(['false true', 'false true', 'true true', 'false true']);
  });

  it('give the guard the time of the ballot, and none after a takeover', async () => {
    const script = createScript();
    const asked: (number | undefined)[] = [];
    script.replies['a'] = [async ({ clock }) => (await clock.sleep(5_000), {})];
    const flow = workflow(
      `${HEAD}steps:\n  a: { uses: test.do@1 }\n  b: { uses: test.destroy@1, needs: [a] }\n`,
      script.actions,
    );
    const bench = createBench({ workflows: [flow], actions: script.actions });
    const options: Partial<EngineOptions> = {
      evidenceAtMs: (runId) => (runId === 'run-1' ? 777 : undefined),
      guard: async (_run, point) => {
        asked.push(point.evidenceAtMs);
        return { verdict: 'pass' };
      },
    };
    const first = await bench.open(options);
    await first.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(1_000);
    await first.close();
    await bench.finish(await bench.open(options));
    expect(asked).toEqual([777, undefined, undefined]);
  });

  it('stop the run before the effect when the guard refuses, undo what was done, and escalate with the reason', async () => {
    const script = createScript();
    const { run, steps, bench } = await runFlow(DESTROY, script, {
      guard: async (_run, point) =>
        point.firstDestructive ? { verdict: 'fail', reason: 'paused by ops' } : { verdict: 'pass' },
    });
    expect(script.bodies).toEqual(['look#1', 'make#1', 'compensate.make#1']);
    expect(steps).toMatchObject({ destroy: 'failed', again: 'skipped', make: 'compensated' });
    expect(run).toMatchObject({
      status: 'canceled',
      page: 'escalated',
      error: { step: 'destroy', code: 'LZ_WORKFLOW_REVALIDATION', message: 'paused by ops' },
    });
    expect(bench.world.escalations[0]).toContain('paused by ops');
  });

  it('fail closed when the guard throws', async () => {
    const script = createScript();
    const { run } = await runFlow(DESTROY, script, { guard: () => Promise.reject(new Error('store gone')) });
    expect(script.bodies).toEqual([]);
    expect(run).toMatchObject({
      status: 'canceled',
      error: { message: 'the safe point could not be checked: store gone' },
    });
  });

  it('keep the lock for the whole run and release it at the end', async () => {
    const script = createScript();
    const locks = new TestLocks();
    const holders: (string | undefined)[] = [];
    script.replies['destroy'] = [
      async ({ fence }) => (
        holders.push([...locks.held.values()][0]?.holder),
        { fence: fence?.counter ?? 0 }
      ),
    ];
    const { run } = await runFlow(DESTROY, script, { locks });
    expect(holders).toEqual(['run-1']);
    expect(locks.held.size).toBe(0);
    expect(run.steps.find(({ step }) => step === 'destroy')?.output).toEqual({ fence: 1 });
  });

  it('do nothing when somebody else holds the lock', async () => {
    const script = createScript();
    const locks = new TestLocks();
    await locks.acquire({ target: aRequest().lock, holder: 'other', ttlMs: 1 });
    const { run } = await runFlow(DESTROY, script, { locks });
    expect(script.bodies).toEqual([]);
    expect(run).toMatchObject({
      status: 'canceled',
      page: 'escalated',
      error: { code: 'LZ_LOCK_LOST', message: 'the lock is held by other' },
    });
  });

  it('abort the step in flight when the lock is lost, undo nothing without the lock, and escalate', async () => {
    const script = createScript();
    const locks = new TestLocks();
    script.replies['destroy'] = [{ hang: true }];
    const flow = workflow(HEAD + DESTROY, script.actions);
    const bench = createBench({ workflows: [flow], actions: script.actions });
    const engine = await bench.open({ locks });
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    await bench.clock.advance(1_000);
    expect(script.bodies.at(-1)).toBe('destroy#1');
    locks.loseAll();
    const run = await bench.finish(engine);
    expect(run).toMatchObject({
      status: 'canceled',
      page: 'escalated',
      error: { step: 'destroy', code: 'LZ_LOCK_LOST' },
    });
    expect(script.bodies).not.toContain('compensate.make#1');
  });

  it('stop the run when a person has taken the page', async () => {
    const bench = createBench();
    bench.world.page = { ...bench.world.page, takenByHuman: true };
    const engine = await bench.open();
    await engine.submit(aRequest());
    const run = await bench.finish(engine);
    expect(run).toMatchObject({
      status: 'canceled',
      error: { step: 'acknowledge', code: 'LZ_WORKFLOW_CANCELED' },
    });
    expect(bench.world.story.filter((line) => !line.startsWith('page'))).toEqual([]);
  });
});

describe('the budget', () => {
  it.each([
    ['is settled with effects after a destructive step', 'test.destroy@1', true],
    ['is given back when nothing destructive was done', 'test.do@1', false],
  ])('%s', async (_title, uses, effects) => {
    const settled: unknown[] = [];
    const budgets: NonNullable<EngineOptions['budgets']> = {
      reserve: async () => ({ granted: true, inFlight: 1, perHour: 1 }),
      peek: async () => ({ granted: true, inFlight: 1, perHour: 1 }),
      holds: async () => true,
      settle: async (decisionId, options) => void settled.push([decisionId, options]),
    };
    await runFlow(`steps: { a: { uses: ${uses} } }\n`, createScript(), { budgets });
    expect(settled).toEqual([['run-1', { effects }]]);
  });

  it.each<[string, () => Promise<boolean>, string]>([
    [
      'holds no reservation',
      async () => false,
      'run-1 holds no reservation in the blast-radius budget; reserve',
    ],
    [
      'cannot be asked about it',
      async () => {
        throw refused();
      },
      'the blast-radius budget could not be asked (LZ_ACTUATOR_REFUSED: not allowed); look after its store',
    ],
    ['is not answered within 5 s', () => new Promise(() => undefined), 'no answer within 5000 ms'],
  ])('stops a run that %s before its first destructive step', async (_title, holds, message) => {
    const budgets: NonNullable<EngineOptions['budgets']> = {
      reserve: async () => ({ granted: true, inFlight: 1, perHour: 1 }),
      peek: async () => ({ granted: true, inFlight: 1, perHour: 1 }),
      holds,
      settle: async () => undefined,
    };
    const steps = 'steps: { a: { uses: test.do@1 }, b: { uses: test.destroy@1, needs: [a] } }\n';
    const { run, steps: ended } = await runFlow(steps, createScript(), { budgets });
    expect(run).toMatchObject({ status: 'canceled', page: 'escalated' });
    expect(run.error).toMatchObject({ step: 'b', code: 'LZ_WORKFLOW_REVALIDATION' });
    expect(run.error?.message).toContain(message);
    expect(ended).toMatchObject({ a: 'succeeded', b: 'failed' });
  });
});

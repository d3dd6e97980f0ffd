import type { DecisionRecord, Snapshot } from '@lazarus/core';
import { aRecord, createManualClock } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  builtinActions,
  createActionRegistry,
  createDryRuns,
  defineAction,
  dryRunWorkflow,
} from '../src/index.ts';
import type { Action, DryRun, WorkflowDefinition } from '../src/index.ts';
import { aRequest, event, registry, shipped, workflow } from './support/bench.ts';

const context = { run: aRequest(), event, step: 's' };

/** Inputs that each built-in action takes. */
const INPUTS: Readonly<Record<string, unknown>> = {
  'pager.acknowledge': { incident: 'INC-1' },
  'pager.resolve': { incident: 'INC-1' },
  'pager.escalate': { incident: 'INC-1', reason: 'r' },
  'host.clone': { from: 'i-old' },
  'host.set_state': { host: 'i-old', state: 'forensics', keep: '3d' },
  'host.command': { host: 'i-old', command: 'restart' },
  'host.query': { host: 'i-old', command: 'status' },
  'host.find_peer': { of: 'i-old', same_tag: 'shard', role: 'standby' },
  'service.set_hosts': { service: 'web', hosts: 4 },
  'service.active_hosts': { service: 'web' },
  'notify.send': { text: 'hello' },
  'http.get': { url: 'https://example.org/' },
  'http.call': { method: 'POST', url: 'https://example.org/' },
};

describe('a built-in action', () => {
  it.each(builtinActions.map((action) => [action.name, action] as const))(
    '%s says what it would do in words of its own, with nothing to act with',
    (name, action) => {
      const input = action.input.parse(INPUTS[name] ?? { host: 'i-old' });
      const dry = action.dry?.(input, context);
      expect(dry?.summary).toMatch(/^[a-z].*[a-z0-9>/]$/);
      expect(dry?.summary).not.toBe(action.summary);
      const isEffect = !action.readOnly && name !== 'notify.send';
      expect(Object.keys(dry?.changes ?? {}).length > 0).toBe(isEffect);
    },
  );

  it('puts its values into the words', () => {
    const say = (uses: string, input: unknown): string | undefined =>
      registry.get(uses)?.dry?.(registry.get(uses)?.input.parse(input), context).summary;
    expect(say('host.set_state@1', INPUTS['host.set_state'])).toBe('marks i-old as forensics for 3d');
    expect(say('pager.resolve@1', { incident: null })).toBe('touches no page: the event names none');
    expect(say('notify.send@1', { text: 'hello' })).toBe('tells web-team: hello');
  });
});

describe('an action without words for a dry run', () => {
  it('is described by its summary and the names of its inputs', () => {
    const action = defineAction({
      name: 'acme.do',
      version: 1,
      summary: 'Does it.',
      input: z.strictObject({ rack: z.string() }),
      output: z.unknown(),
      idempotent: true,
      run: async () => null,
    });
    expect(action.dry?.({ rack: 'r1' }, context)).toEqual({
      summary: 'Does it.',
      changes: { inputs: ['rack'] },
    });
  });
});

describe('the dry run of a workflow', () => {
  it('tells every step in the order of its waves and names what only a step could tell', () => {
    const steps = dryRunWorkflow(shipped('replace_host'), aRequest(), registry);
    expect(steps.map(({ wave, step, summary }) => `${wave} ${step}: ${summary}`)).toEqual([
      '1 acknowledge: acknowledges page INC-1',
      '2 out_of_lb: takes i-old out of the load balancer',
      '2 clone: launches a host like i-old',
      '3 booted: reads the state of <new_host of clone>',
      '4 verify: probes the healthcheck of <new_host of clone> until it is healthy 3 times in a row',
      '5 into_lb: puts <new_host of clone> into the load balancer',
      '6 in_service: asks the load balancer about <new_host of clone>',
      '7 forensics: marks i-old as forensics for 3d',
      '8 resolve: resolves page INC-1',
      '9 notify: tells web-team: default.replace_host of i-old succeeded; replacement <new_host of clone>',
    ]);
    expect(steps.filter(({ destructive }) => destructive).map(({ step }) => step)).toEqual([
      'out_of_lb',
      'clone',
      'forensics',
    ]);
  });

  it('calls nothing, and shows the names of the inputs when their values are not known yet', () => {
    let calls = 0;
    const count = defineAction({
      name: 'acme.count',
      version: 1,
      summary: 'Counts.',
      input: z.strictObject({ n: z.number() }),
      output: z.strictObject({ n: z.number() }),
      idempotent: true,
      run: async ({ n }) => ((calls += 1), { n }),
    });
    const flow = workflow(
      `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: test.flow, version: 1 }
steps:
  a: { uses: acme.count@1, with: { n: 1 } }
  b: { uses: acme.count@1, needs: [a], when: '\${{ steps.a.outputs.n > 0 }}', with: { n: '\${{ steps.a.outputs.n }}' } }
  c: { signal: approve, needs: [b] }
`,
      [count],
    );
    const actions = createActionRegistry([...builtinActions, count]);
    expect(dryRunWorkflow(flow, aRequest({ workflow: 'test.flow' }), actions)).toMatchObject([
      { step: 'a', summary: 'Counts.', changes: { inputs: ['n'] } },
      { step: 'b', changes: { inputs: ['n'] }, onlyIf: '${{ steps.a.outputs.n > 0 }}' },
      { step: 'c', summary: 'waits for the signal approve' },
    ]);
    expect(calls).toBe(0);
  });

  it('tells no value of a header, also when the URL is not known yet', () => {
    const flow = workflow(`apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: test.flow, version: 1 }
steps:
  u: { uses: http.get@1, with: { url: "https://a.example.com/x" }, outputs: { url: $.body } }
  b: { uses: http.call@1, needs: [u], with: { method: POST, url: "\${{ steps.u.outputs.url }}", headers: { authorization: "Bearer hunter2" } } }
`);
    const request = aRequest({ workflow: 'test.flow' });
    for (const actions of [registry, createActionRegistry([])]) {
      const steps = dryRunWorkflow(flow, request, actions);
      expect(JSON.stringify(steps)).not.toContain('hunter2');
      expect(steps[1]?.changes).toEqual({ inputs: ['method', 'url', 'headers'] });
    }
  });
});

/** A workflow of one step, `s`, whose action answers a dry run like this. */
function dryStepOf(dry: () => unknown) {
  const { flow, actions } = wrong({ s: dry });
  return dryRunWorkflow(flow, aRequest({ workflow: 'test.flow' }), actions)[0];
}

/** A workflow of independent steps, each with an action of its own. */
function wrong(steps: Readonly<Record<string, () => unknown>>): {
  readonly flow: WorkflowDefinition;
  readonly actions: ReturnType<typeof createActionRegistry>;
} {
  const own: Action[] = Object.entries(steps).map(([step, dry]) =>
    defineAction({
      name: `acme.${step}`,
      version: 1,
      summary: 'Does it.',
      input: z.strictObject({ secret: z.string() }),
      output: z.unknown(),
      idempotent: true,
      dry: dry as () => DryRun,
      run: async () => null,
    }),
  );
  const lines = Object.keys(steps).map(
    (step) => `  ${step}: { uses: acme.${step}@1, with: { secret: hunter2 } }`,
  );
  const text = `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: test.flow, version: 1 }
steps:
${lines.join('\n')}
`;
  return { flow: workflow(text, own), actions: createActionRegistry([...builtinActions, ...own]) };
}

function forever(): never {
  try {
    for (;;);
  } finally {
    // A `finally` that holds on is ended, too.
    for (;;);
  }
}

describe('a dry run that its author got wrong', () => {
  it('S17: that throws is a problem of its step, told without the message', () => {
    const step = dryStepOf(() => {
      throw new TypeError('hunter2 is no rack');
    });
    expect(step).toMatchObject({
      summary: 'Does it.',
      changes: { inputs: ['secret'] },
      problem: 'its dry run threw TypeError',
    });
    expect(JSON.stringify(step)).not.toContain('hunter2');
  });

  it('that never returns is ended after 100 ms, and the other steps are told', () => {
    const { flow, actions } = wrong({
      a: forever,
      b: () => ({ summary: 'does b', changes: {} }),
    });
    const startedMs = performance.now();
    expect(dryRunWorkflow(flow, aRequest({ workflow: 'test.flow' }), actions)).toMatchObject([
      { step: 'a', problem: 'its dry run did not end within 100 ms' },
      { step: 'b', summary: 'does b' },
    ]);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  it('that answers a promise is told to answer at once, and a rejection of it ends no process', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const step = dryStepOf(() => Promise.reject(new Error('late')));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(step?.problem).toBe('its dry run answered a promise; it has to answer at once');
    expect(unhandled).toEqual([]);
  });

  it.each([
    ['nothing', () => undefined, 'no summary'],
    ['a sentence alone', () => 'does it', 'no summary'],
    ['no words', () => ({ summary: ' ', changes: {} }), 'no summary'],
    ['a list', () => ({ summary: 'x', changes: [1] }), 'changes that are no object'],
    [
      'more than 10000 characters',
      () => ({ summary: 'x', changes: { a: 'x'.repeat(10_001) } }),
      'more than 10000',
    ],
    ['a number that is no JSON', () => ({ summary: 'x', changes: { n: 1n } }), 'threw TypeError'],
    [
      'a circle',
      () => {
        const changes: Record<string, unknown> = {};
        changes.self = changes;
        return { summary: 'x', changes };
      },
      'threw TypeError',
    ],
  ])('that answers %s is a problem of its step', (_what, dry, problem) => {
    expect(dryStepOf(dry)?.problem).toContain(problem);
  });
});

describe('dry runs of decisions', () => {
  const rule = {
    name: 'host_down',
    mode: 'notify',
    lock: { type: 'host' },
    workflow: { name: 'test.flow', timeoutMs: 60_000, inputs: {} },
  };
  const snapshot = { digest: 'cfg-1', rule: () => rule, match: () => ({ matched: true, rule }) };
  const record: DecisionRecord = aRecord({ event, rule: 'host_down', config_digest: 'cfg-1' });

  it('tell workflow, rule and configuration beside the steps', () => {
    const { flow, actions } = wrong({ s: () => ({ summary: 'does it', changes: { rack: 'r1' } }) });
    const dryRuns = createDryRuns({
      actions,
      workflows: () => [flow],
      snapshot: () => snapshot as unknown as Snapshot,
      clock: createManualClock(),
    });
    expect(dryRuns.of(record)).toEqual({
      workflow: 'test.flow',
      rule: 'host_down',
      config_digest: 'cfg-1',
      steps: [
        {
          step: 's',
          uses: 'acme.s@1',
          wave: 1,
          destructive: false,
          summary: 'does it',
          changes: { rack: 'r1' },
        },
      ],
    });
  });

  it('ask nobody any more when 500 ms have passed', () => {
    let nowMs = 0;
    const clock = { monotonic: () => nowMs };
    const slow = () => {
      nowMs += 300;
      return { summary: 'took 300 ms', changes: {} };
    };
    const { flow, actions } = wrong({ a: slow, b: slow, c: slow });
    const dryRuns = createDryRuns({
      actions,
      workflows: () => [flow],
      snapshot: () => snapshot as unknown as Snapshot,
      clock,
    });
    expect(dryRuns.of(record)?.steps.map(({ problem }) => problem)).toEqual([
      undefined,
      undefined,
      'it was not asked: the dry runs before it took too long',
    ]);
  });

  it('say that the workflow is gone, or was edited, instead of telling steps', () => {
    const dryRuns = createDryRuns({
      actions: registry,
      workflows: () => [],
      snapshot: () => snapshot as unknown as Snapshot,
      clock: createManualClock(),
    });
    expect(dryRuns.of(record)).toMatchObject({
      steps: [],
      problem: 'no workflow is called "test.flow"',
    });
  });

  it('are none without a configuration', () => {
    const dryRuns = createDryRuns({
      actions: registry,
      workflows: () => [],
      snapshot: () => undefined,
      clock: createManualClock(),
    });
    expect(dryRuns.of(record)).toBeUndefined();
  });
});

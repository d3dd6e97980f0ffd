import { WorkflowError } from '@lazarus/core';
import { runRunbook } from '@lazarus/testing/lab';
import type { RunbookOptions, RunbookResult } from '@lazarus/testing/lab';
import { describe, expect, it } from 'vitest';
import { builtinActions, createActionRegistry, loadShippedWorkflows } from '../src/index.ts';
import type { WorkflowDefinition } from '../src/index.ts';

const workflows = new Map(
  loadShippedWorkflows(createActionRegistry(builtinActions)).map((workflow) => [workflow.name, workflow]),
);

/** What changes in the world, step by step; `-clone` undoes `clone`. */
type Changes = string;

interface Story {
  readonly options?: RunbookOptions;
  readonly succeeds: Changes;
  /** What has changed when the step is refused; the same when it hangs, unless `hangs` says otherwise. */
  readonly refused: Readonly<Record<string, Changes>>;
  /** Where a call without an answer may have had an effect that is undone. */
  readonly hangs?: Readonly<Record<string, Changes>>;
}

const unused = { output: { status: 'unused', in_service: false } };

const STORIES: Readonly<Record<string, Story>> = {
  replace_host: {
    succeeds: 'acknowledge out_of_lb clone into_lb forensics resolve',
    refused: {
      acknowledge: '',
      out_of_lb: 'acknowledge clone -clone',
      clone: 'acknowledge out_of_lb',
      booted: 'acknowledge out_of_lb clone -clone',
      verify: 'acknowledge out_of_lb clone -clone',
      into_lb: 'acknowledge out_of_lb clone',
      in_service: 'acknowledge out_of_lb clone into_lb',
      forensics: 'acknowledge out_of_lb clone into_lb',
      resolve: 'acknowledge out_of_lb clone into_lb forensics',
    },
  },
  replace_host_with_standby_promotion: {
    succeeds: 'acknowledge out_of_lb promote clone into_lb forensics resolve',
    refused: {
      acknowledge: '',
      standby: 'acknowledge',
      standby_healthy: 'acknowledge',
      out_of_lb: 'acknowledge',
      promote: 'acknowledge out_of_lb',
      promoted: 'acknowledge out_of_lb promote',
      clone: 'acknowledge out_of_lb promote',
      booted: 'acknowledge out_of_lb promote clone',
      verify: 'acknowledge out_of_lb promote clone',
      into_lb: 'acknowledge out_of_lb promote clone',
      forensics: 'acknowledge out_of_lb promote clone into_lb',
      resolve: 'acknowledge out_of_lb promote clone into_lb forensics',
    },
  },
  restart_service: {
    succeeds: 'acknowledge out_of_lb restart into_lb resolve',
    refused: {
      acknowledge: '',
      out_of_lb: 'acknowledge',
      restart: 'acknowledge out_of_lb',
      verify: 'acknowledge out_of_lb restart',
      into_lb: 'acknowledge out_of_lb restart',
      in_service: 'acknowledge out_of_lb restart into_lb',
      resolve: 'acknowledge out_of_lb restart into_lb',
    },
  },
  scale_service: {
    options: { inputs: { hosts: 3 } },
    succeeds: 'acknowledge resize resolve',
    refused: {
      acknowledge: '',
      resize: 'acknowledge',
      serving: 'acknowledge resize -resize',
      resolve: 'acknowledge resize',
    },
  },
  drain_and_reboot_for_scheduled_event: {
    options: { actions: { out_of_service: unused } },
    succeeds: 'acknowledge out_of_lb reboot into_lb resolve',
    refused: {
      acknowledge: '',
      out_of_lb: 'acknowledge',
      out_of_service: 'acknowledge out_of_lb -out_of_lb',
      reboot: 'acknowledge out_of_lb',
      verify: 'acknowledge out_of_lb reboot',
      into_lb: 'acknowledge out_of_lb reboot',
      in_service: 'acknowledge out_of_lb reboot into_lb',
      resolve: 'acknowledge out_of_lb reboot into_lb',
    },
    hangs: { out_of_lb: 'acknowledge -out_of_lb' },
  },
  cassandra_replace_node: {
    succeeds: 'acknowledge clone join forensics resolve',
    refused: {
      acknowledge: '',
      clone: 'acknowledge',
      booted: 'acknowledge clone -clone',
      verify: 'acknowledge clone -clone',
      ring_quiet: 'acknowledge clone -clone',
      join: 'acknowledge clone',
      joined: 'acknowledge clone join',
      forensics: 'acknowledge clone join',
      resolve: 'acknowledge clone join forensics',
    },
  },
  elasticsearch_replace_node: {
    succeeds: 'acknowledge out_of_lb clone exclude into_lb forensics resolve',
    refused: {
      acknowledge: '',
      out_of_lb: 'acknowledge clone -clone',
      clone: 'acknowledge out_of_lb',
      booted: 'acknowledge out_of_lb clone -clone',
      verify: 'acknowledge out_of_lb clone -clone',
      exclude: 'acknowledge out_of_lb clone -clone',
      green: 'acknowledge out_of_lb clone exclude -exclude -clone',
      into_lb: 'acknowledge out_of_lb clone exclude',
      in_service: 'acknowledge out_of_lb clone exclude into_lb',
      forensics: 'acknowledge out_of_lb clone exclude into_lb',
      resolve: 'acknowledge out_of_lb clone exclude into_lb forensics',
    },
    hangs: { exclude: 'acknowledge out_of_lb clone -exclude -clone' },
  },
  notify_only: { succeeds: 'notify', refused: { notify: '' } },
};

const run = (workflow: WorkflowDefinition, { options = {} }: Story, more: RunbookOptions = {}) =>
  runRunbook(workflow, {
    unmocked: 'happy',
    ...options,
    ...more,
    actions: { ...options.actions, ...more.actions },
  });

/** Steps of the workflow that changed something, undoing marked, without the page and the team being told. */
function changesOf({ calls }: RunbookResult): Changes {
  return calls
    .filter(
      ({ readOnly, outcome, step }) => !readOnly && outcome === 'ok' && !/^(on_error|finally)\./.test(step),
    )
    .map(({ step }) => step.replace('compensate.', '-'))
    .join(' ');
}

/** What holds however a run of a shipped workflow went. */
function expectDecency({ run: ended, callsOf }: RunbookResult, workflow: WorkflowDefinition): void {
  // A failed host is kept: only a launch that is undone is ever terminated.
  for (const { step, input } of callsOf('host.terminate')) {
    expect(step).toBe('compensate.clone');
    expect(input).toEqual({ host: 'i-new' });
  }
  for (const { input } of callsOf('host.set_state'))
    expect(input).toEqual({ host: 'i-old', state: 'forensics', keep: 259_200_000 });
  const told = callsOf('finally.notify').map(({ input }) => (input as { readonly kind: string }).kind);
  const kind = ended.status === 'succeeded' ? 'resolved' : 'escalated';
  if (workflow.finally.length > 0) expect(new Set(told)).toEqual(new Set([kind]));
}

const touch = (message: string) => () => {
  throw new WorkflowError({ code: 'LZ_WORKFLOW_CANCELED', message });
};

it('every shipped workflow has its story', () => {
  expect([...workflows.keys()].sort()).toEqual(
    Object.keys(STORIES)
      .map((name) => `default.${name}`)
      .sort(),
  );
});

describe.each(Object.entries(STORIES))('default.%s', (name, story) => {
  const workflow = workflows.get(`default.${name}`)!;
  const branches = Object.entries(story.refused);
  const hangs = branches.map(([step, changes]): [string, Changes] => [step, story.hangs?.[step] ?? changes]);

  it('succeeds in this order, and the page is resolved', async () => {
    const result = await run(workflow, story);
    expect(changesOf(result)).toBe(story.succeeds);
    expect(result.run.status).toBe('succeeded');
    expect(result.run.page).toBe(name === 'notify_only' ? 'left_alone' : 'resolved');
    expectDecency(result, workflow);
  });

  it('has a branch here for every step that calls something', async () => {
    const calling = workflow.steps.filter(({ kind }) => kind === 'action').map(({ id }) => id);
    expect(branches.map(([step]) => step).sort()).toEqual([...calling].sort());
  });

  it.each(branches)('refused at %s leaves behind "%s" and a human who knows', async (step, changes) => {
    const result = await run(workflow, story, { actions: { [step]: { error: { message: 'no rights' } } } });
    expect(changesOf(result)).toBe(changes);
    expect(result.run).toMatchObject({
      status: 'failed',
      page: 'escalated',
      error: { step, code: 'LZ_ACTUATOR_REFUSED', message: 'no rights' },
    });
    const [{ input } = { input: {} }] = result.callsOf('on_error.escalate');
    expect(input).toMatchObject({ incident: 'INC-1', reason: expect.stringContaining(step) as string });
    expectDecency(result, workflow);
  });

  it.each(hangs)('hanging at %s leaves behind "%s", after the time of the step', async (step, changes) => {
    const result = await run(workflow, story, { actions: { [step]: { hangs: true } } });
    expect(changesOf(result)).toBe(changes);
    expect(result.run).toMatchObject({
      status: 'failed',
      page: 'escalated',
      error: { step, code: 'LZ_WORKFLOW_STEP_TIMEOUT' },
    });
    expect(result.tookMs).toBeLessThan(8 * 60_000);
    expectDecency(result, workflow);
  });

  it.each(hangs)(
    'out of time at %s leaves behind "%s", and a human knows within 60 s',
    async (step, changes) => {
      const { calls } = await run(workflow, story);
      const beganAtMs = calls.find((call) => call.step === step)?.atMs ?? 0;
      const result = await run(workflow, story, {
        actions: { [step]: { hangs: true } },
        timeoutMs: beganAtMs + 9_000,
      });
      expect(changesOf(result)).toBe(changes);
      expect(result.run).toMatchObject({ status: 'timed_out', page: 'escalated' });
      const told = result.callsOf('on_error.escalate')[0]?.atMs ?? Infinity;
      expect(told - (beganAtMs + 9_000)).toBeLessThanOrEqual(60_000);
      expectDecency(result, workflow);
    },
  );

  it.each(hangs)('stopped by a person during %s leaves behind "%s"', async (step, changes) => {
    const { calls } = await run(workflow, story);
    const beganAtMs = calls.find((call) => call.step === step)?.atMs ?? 0;
    const result = await run(workflow, story, {
      actions: { [step]: { hangs: true } },
      signals: [{ atMs: beganAtMs + 1_000, name: '$cancel', payload: 'ops does it by hand' }],
    });
    expect(changesOf(result)).toBe(changes);
    expect(result.run).toMatchObject({
      status: 'canceled',
      page: 'escalated',
      error: { code: 'LZ_WORKFLOW_CANCELED', message: 'ops does it by hand' },
    });
    expectDecency(result, workflow);
  });

  if (name === 'notify_only') return;
  it('touches nothing when a person has taken the page', async () => {
    const result = await run(workflow, story, {
      actions: { acknowledge: touch('a person has taken the page') },
    });
    expect(changesOf(result)).toBe('');
    expect(result.run).toMatchObject({ status: 'canceled', error: { step: 'acknowledge' } });
    expect(result.calls.filter(({ destructive }) => destructive)).toEqual([]);
  });
});

describe('a person who takes the page while a shipped workflow waits', () => {
  it.each(['replace_host', 'cassandra_replace_node', 'elasticsearch_replace_node'])(
    'stops default.%s within 10 min; the launched host is undone',
    async (name) => {
      const workflow = workflows.get(`default.${name}`)!;
      const pending = {
        host_id: 'i-new',
        state: 'pending',
        lifecycle: 'launching',
        zone: 'z',
        service: 'web',
        known: true,
      };
      const result = await run(workflow, STORIES[name]!, {
        actions: { booted: { output: pending }, $reacknowledge: touch('a person has taken the page') },
      });
      expect(result.run).toMatchObject({
        status: 'canceled',
        error: { message: expect.stringContaining('a person has taken the page') as string },
      });
      expect(result.tookMs).toBeLessThanOrEqual(10 * 60_000);
      expect(changesOf(result)).toMatch(/clone -clone$/);
    },
  );
});

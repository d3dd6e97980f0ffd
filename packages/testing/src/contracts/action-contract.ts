import { describeError } from '@lazarus/core';
import type { Json } from '@lazarus/core/ports';
import { builtinActions, createActionRegistry, loadWorkflow } from '@lazarus/dag';
import type { Action, ActionContext, ActionPorts } from '@lazarus/dag';
import { createManualClock } from '../clock/manual-clock.ts';
import type { ManualClock } from '../clock/manual-clock.ts';
import { silentLogger } from '../fakes/logger.ts';
import { turnOfTheEventLoop } from '../clock/system-turn.ts';
import { outcomeOf } from './outcome.ts';
import type { ContractRunner } from './runner.ts';

/** What an author of an action provides to have it examined. */
export interface ActionHarness {
  /** An input with which the action succeeds. */
  readonly input: unknown;
  /** Inputs that its schema must refuse, besides one with a key that it does not know. */
  readonly refused?: readonly unknown[];
  /** What the action acts with; its own clients belong to the action itself. */
  readonly ports?: ActionPorts;
  /** Changes of the outside world so far; a repeated call with the same key must add none. */
  effects(): number | Promise<number>;
  /** Texts of the input that nobody may read. @defaultValue values of keys such as `token`, `password`, `authorization` */
  readonly secrets?: readonly string[];
  /** @defaultValue a new one */
  readonly clock?: ManualClock;
  close?(): Promise<void>;
}

const KEY = 'a'.repeat(64);

/**
 * What every action promises to the engine (S1, S12, S13): inputs are checked, outputs are JSON of their schema, an abort ends
 * it, looking changes nothing, a repeated attempt has no second effect, and a check hook tells the truth.
 *
 * @param options.create - A fresh world for each test.
 * @example
 * ```ts
 * describeActionContract({ describe, it, expect }, purge, {
 *   create: async () => ({ input: { zone: 'shop' }, effects: () => cdn.purges }),
 * });
 * ```
 */
export function describeActionContract(
  runner: ContractRunner,
  action: Action,
  options: { readonly create: () => Promise<ActionHarness> | ActionHarness },
): void {
  const { describe, expect } = runner;
  const id = `${action.name}@${action.version}`;
  const it = (title: string, body: (harness: ActionHarness) => Promise<void>): void =>
    runner.it(title, async () => {
      const harness = await options.create();
      try {
        await body(harness);
      } finally {
        await harness.close?.();
      }
    });
  const run = (harness: ActionHarness, more: Partial<ActionContext> = {}): Promise<unknown> =>
    action.run(action.input.parse(harness.input), contextOf(harness, more));

  describe(`action contract: ${id}`, () => {
    it('can be registered beside the built-in ones, and a workflow that calls it loads', async ({
      input,
    }) => {
      const others = builtinActions.filter((each) => `${each.name}@${each.version}` !== id);
      const actions = createActionRegistry([...others, action]);
      const workflow = loadWorkflow(workflowText(id, input), { file: 'contract.yaml', actions });
      expect(workflow.steps[0]?.uses).toBe(id);
    });

    it('takes its input, and refuses what it does not know', async ({ input, refused = [] }) => {
      expect(action.input.safeParse(input).success).toBe(true);
      const unknownKey = { ...(input as object), a_key_that_no_action_has: 1 };
      for (const bad of [unknownKey, ...refused]) expect(action.input.safeParse(bad).success).toBe(false);
    });

    it('answers with JSON that its output schema accepts unchanged', async (harness) => {
      const output = await run(harness);
      expect(action.output.parse(output)).toEqual(output);
      expect(JSON.parse(JSON.stringify(output)) as Json).toEqual(output);
    });

    it('ends when its signal is aborted before it starts, and changes nothing', async (harness) => {
      const reason = new Error('the run lost its lock');
      const before = await harness.effects();
      const outcome = await outcomeOf(run(harness, { signal: AbortSignal.abort(reason) }));
      expect({ isError: outcome instanceof Error, why: describeError(outcome) }).toMatchObject({
        isError: true,
      });
      expect(await harness.effects()).toBe(before);
    });

    const { dry } = action;
    if (dry !== undefined) {
      it('S13: its dry run answers at once with words and JSON, changes nothing, and tells no secret', async (harness) => {
        const input = action.input.parse(harness.input);
        const given = JSON.stringify(input);
        const before = await harness.effects();
        const { run: request, event, step } = contextOf(harness);
        const answer = dry.call(action, input, { run: request, event, step });
        // What it has only begun would change something now.
        await turnOfTheEventLoop();
        expect(await harness.effects()).toBe(before);
        expect(JSON.stringify(input)).toBe(given);
        expect({ words: typeof answer.summary, data: typeof answer.changes }).toEqual({
          words: 'string',
          data: 'object',
        });
        const told = JSON.stringify(answer);
        expect(JSON.parse(told) as Json).toEqual(answer);
        const secrets = harness.secrets ?? secretsIn(input);
        expect(secrets.filter((secret) => told.includes(JSON.stringify(secret).slice(1, -1)))).toEqual([]);
      });
    }

    if (action.readOnly) {
      it('only looks: however often it is called, nothing changes', async (harness) => {
        const before = await harness.effects();
        await run(harness);
        await run(harness, { attempt: 2, idempotencyKey: 'b'.repeat(64) });
        expect(await harness.effects()).toBe(before);
      });
      return;
    }

    if (action.idempotent) {
      it('S1: a second attempt with the same idempotency key has no second effect', async (harness) => {
        const first = await run(harness);
        const after = await harness.effects();
        const second = await run(harness, { attempt: 2 });
        expect(action.output.safeParse(second).success).toBe(true);
        expect(await harness.effects()).toBe(after);
        expect(typeof second).toBe(typeof first);
      });
    }

    const { check } = action;
    if (check !== undefined) {
      it('S12: its check hook finds nothing before, the effect and its output after, and changes nothing', async (harness) => {
        const input = action.input.parse(harness.input);
        expect(await check(input, contextOf(harness))).toEqual({ happened: false });
        const output = await run(harness);
        const after = await harness.effects();
        expect(await check(input, contextOf(harness))).toEqual({ happened: true, output });
        expect(await check(input, contextOf(harness, { idempotencyKey: 'b'.repeat(64) }))).toEqual({
          happened: false,
        });
        expect(await harness.effects()).toBe(after);
      });
    }

    const { undo } = action;
    if (undo !== undefined) {
      it('can be undone by an action that is named, with an input of JSON', async (harness) => {
        const output = await run(harness);
        const given = undo.with(action.input.parse(harness.input), output);
        expect(JSON.parse(JSON.stringify(given)) as Json).toEqual(given);
        const known = builtinActions.find((each) => undo.uses === `${each.name}@${each.version}`);
        if (known !== undefined) expect(known.input.safeParse(given).success).toBe(true);
      });
    }
  });
}

const SECRET_KEY =
  /pass(?:word|wd|phrase)|secret|token$|authorization|cookie|credential|(?:api|access|private)[_-]?key/i;

/** Texts below keys that are named like a secret. */
function secretsIn(value: unknown, isSecret = false): readonly string[] {
  if (typeof value === 'string') return isSecret && value !== '' ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => secretsIn(item, isSecret || SECRET_KEY.test(key)));
}

/** One step; the input stands there as JSON, which is YAML. */
function workflowText(uses: string, input: unknown): string {
  return `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: contract.workflow, version: 1 }
steps: { only: { uses: ${uses}, with: ${JSON.stringify(input)} } }
`;
}

function contextOf(harness: ActionHarness, more: Partial<ActionContext> = {}): ActionContext {
  const clock = harness.clock ?? createManualClock();
  const event = {
    id: 'contract-1',
    event_type: 'HealthcheckDown',
    source: 'contract',
    time: new Date(clock.now()).toISOString(),
    region: 'us-east-1',
    environment: 'prod',
    service: 'web',
    host: 'web-1',
    incident_key: 'web/web-1',
    attributes: {},
  };
  return {
    run: {
      runId: 'contract-run',
      workflow: 'contract.workflow',
      inputs: {},
      event,
      rule: 'contract',
      configDigest: 'contract',
      service: 'web',
      hostId: 'i-web1',
      incidentKey: 'web/web-1',
      lock: { kind: 'service', service: 'web' },
      timeoutMs: 600_000,
      notificationGroup: 'team',
    },
    event,
    step: 'only',
    idempotencyKey: KEY,
    attempt: 1,
    startedAtMs: clock.now(),
    signal: new AbortController().signal,
    ports: harness.ports ?? {},
    clock,
    log: silentLogger,
    ...more,
  };
}

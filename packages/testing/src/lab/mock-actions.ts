import { PortError } from '@lazarus/core';
import { parseDuration } from '@lazarus/core/documents';
import type { Json } from '@lazarus/core/ports';
import type { Action, ActionContext, EffectCheck } from '@lazarus/dag';

/** What a mocked action answers. `takes` is time of the lab: `40s` or milliseconds. */
export type ActionReply =
  | { readonly output: Json; readonly takes?: string | number }
  | {
      readonly error: { readonly code?: string; readonly message?: string; readonly retryable?: boolean };
      readonly takes?: string | number;
    }
  | { readonly hangs: true };

/** One reply, one per attempt (the last repeats), or code. */
export type Mock =
  ActionReply | readonly ActionReply[] | ((input: unknown, context: ActionContext) => unknown);

/** Mocks by step id (`verify`), or by action (`host.clone`, `host.clone@1`); a step wins over an action. */
export type Mocks = Readonly<Record<string, Mock>>;

/** One call of a mocked action. */
export interface RunbookCall {
  readonly runId: string;
  readonly step: string;
  readonly action: string;
  readonly attempt: number;
  readonly input: Json;
  /** Milliseconds since the start of the run. */
  readonly atMs: number;
  /** Place among all beginnings and ends of calls: tells what ran at once even when it took 0 ms. */
  readonly began: number;
  /** As `began`; missing while it hangs, or when its process died. */
  ended?: number;
  readonly idempotencyKey: string;
  readonly readOnly: boolean;
  readonly destructive: boolean;
  /** The network delivered the call before this one twice. */
  readonly isDuplicate?: true;
  /** Outcome of the call; `pending` while it hangs, or when its process died. */
  outcome: 'ok' | 'error' | 'pending';
  output?: Json;
}

/** Whether a call is one of a step (`verify`) or of an action (`host.clone`, `host.clone@1`). */
export function isCallOf({ step, action }: RunbookCall, name: string): boolean {
  return step === name || action === name || action.startsWith(`${name}@`);
}

/** What a mocked world has seen. */
export interface MockWorld {
  readonly calls: RunbookCall[];
  /** Outputs of effects by idempotency key: what a check hook finds. */
  readonly effects: Map<string, Json>;
  /** How many calls have begun or ended. */
  moments: number;
}

/** What mocks need to know about the run. */
export interface MockOptions {
  readonly mocks: Mocks;
  readonly world: MockWorld;
  /** Reply of a step that nobody mocked: `run` calls the action itself, `undefined` refuses it. */
  readonly unmocked: (action: Action) => ActionReply | 'run' | undefined;
  /** Called before a call takes effect and after it, for faults. */
  readonly disturb?: (
    moment: 'before' | 'after',
    call: RunbookCall,
    context: ActionContext,
  ) => void | Promise<void>;
  /** Steps whose calls are delivered twice. */
  readonly twice?: (step: string) => boolean;
  readonly startedAtMs: () => number;
}

const served = new WeakMap<MockWorld, Map<string, number>>();

/**
 * The same action (name, version, inputs, output, flags) with a mocked body: a workflow cannot tell the difference. Where
 * the body is not mocked, its check hook is not either. Keeps S12.
 */
export function mockAction(action: Action, options: MockOptions): Action {
  const { check: realCheck, ...same } = action;
  return {
    ...same,
    requires: [],
    ...(realCheck === undefined
      ? {}
      : {
          check: async (input: unknown, context: ActionContext) =>
            replyOf(action, context.step, options) === 'run'
              ? realCheck.call(action, input, context)
              : effectIn(options.world, context),
        }),
    run: (input, context) => serve(action, input, context, options),
  };
}

/** What the check hook of a mocked body finds. */
function effectIn({ effects }: MockWorld, { idempotencyKey }: ActionContext): EffectCheck<Json> {
  const output = effects.get(idempotencyKey);
  return output === undefined ? { happened: false } : { happened: true, output };
}

async function serve(
  action: Action,
  input: unknown,
  context: ActionContext,
  options: MockOptions,
  isDuplicate = false,
): Promise<unknown> {
  const { world, disturb } = options;
  const call: RunbookCall = {
    ...(isDuplicate ? { isDuplicate: true } : {}),
    runId: context.run.runId,
    step: context.step,
    action: `${action.name}@${action.version}`,
    attempt: context.attempt,
    input: JSON.parse(JSON.stringify(input ?? null)) as Json,
    atMs: context.clock.now() - options.startedAtMs(),
    began: (world.moments += 1),
    idempotencyKey: context.idempotencyKey,
    readOnly: action.readOnly,
    destructive: action.destructive,
    outcome: 'pending',
  };
  world.calls.push(call);
  await disturb?.('before', call, context);
  try {
    const output = await answer(action, input, context, options);
    if (!action.readOnly) world.effects.set(context.idempotencyKey, output as Json);
    call.output = output as Json;
    await disturb?.('after', call, context);
    if (!isDuplicate && options.twice?.(context.step) === true)
      await serve(action, input, context, options, true);
    call.outcome = 'ok';
    return output;
  } catch (error) {
    call.outcome = 'error';
    throw error;
  } finally {
    call.ended = world.moments += 1;
  }
}

async function answer(
  action: Action,
  input: unknown,
  context: ActionContext,
  options: MockOptions,
): Promise<unknown> {
  const mock = replyOf(action, context.step, options);
  if (mock === undefined) {
    throw new PortError({
      code: 'LZ_ACTUATOR_REFUSED',
      message: `step ${context.step} calls ${action.name}@${action.version}, which the test does not mock`,
      retryable: false,
    });
  }
  if (mock === 'run') return action.run(input, context);
  if (typeof mock === 'function') return mock(input, context);
  const reply = Array.isArray(mock)
    ? nextOf(mock as readonly ActionReply[], context.step, options.world)
    : (mock as ActionReply);
  return give(reply, context);
}

function replyOf(
  action: Action,
  step: string,
  { mocks, unmocked }: Pick<MockOptions, 'mocks' | 'unmocked'>,
): Mock | 'run' | undefined {
  const mock = mocks[step] ?? mocks[`${action.name}@${action.version}`] ?? mocks[action.name];
  return mock ?? unmocked(action);
}

function nextOf(replies: readonly ActionReply[], step: string, world: MockWorld): ActionReply {
  const counts = served.get(world) ?? new Map<string, number>();
  served.set(world, counts);
  const count = counts.get(step) ?? 0;
  counts.set(step, count + 1);
  return replies[Math.min(count, replies.length - 1)] ?? { hangs: true };
}

async function give(reply: ActionReply, context: ActionContext): Promise<unknown> {
  if ('hangs' in reply) {
    return new Promise((_resolve, reject) => {
      context.signal.addEventListener('abort', () => reject(context.signal.reason as Error), { once: true });
    });
  }
  const takesMs = typeof reply.takes === 'string' ? (parseDuration(reply.takes) ?? 0) : (reply.takes ?? 0);
  if (takesMs > 0) await context.clock.sleep(takesMs, { signal: context.signal });
  if ('output' in reply) return reply.output;
  const { code, message, retryable } = reply.error;
  const isRetryable = retryable ?? code === 'LZ_ACTUATOR_TRANSIENT';
  throw new PortError({
    code: isRetryable ? 'LZ_ACTUATOR_TRANSIENT' : 'LZ_ACTUATOR_REFUSED',
    message: message ?? code ?? 'the mock failed',
    retryable: isRetryable,
  });
}

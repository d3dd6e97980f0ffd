/**
 * The service by which Restate calls a process: one handler drives runs, one gives them signals, one answers alarms. Each of
 * them refuses what no process of ours sent. Keeps S2 and S18.
 */
import type { Json, Logger, RunView } from '@lazarus/core/ports';
import type { WorkflowContext, WorkflowSharedContext } from '@restatedev/restate-sdk';
import type { DurableContext } from '../durable/durable-context.ts';
import { SdkContext } from '../durable/sdk-context.ts';
import type { ResolvedOptions } from '../options.ts';
import type { PinnedWire } from '../run/pinned-run.ts';
import { signalKey } from '../run/restate-run.ts';
import type { PageEnd, RunAlarmWire, RunSignal } from '../run/run-message.ts';
import { isSealed } from '../run/run-seal.ts';
import type { Sdk } from './load-sdk.ts';

/**
 * Version of what a run journals, and in which order. A change that an older journal does not fit is a new service with a
 * new address, beside the old one: Restate keeps each run at the address where it began.
 */
const INTERPRETER = 1;

/** Name of the service that drives runs. */
export const RUN_SERVICE = `LazarusRun${INTERPRETER}`;

/** Path of the interpreter below the address of the service. */
export const INTERPRETER_PATH = `/lazarus-run/${INTERPRETER}`;

const HOUR_MS = 3_600_000;

/** Signals of one name that a run takes. */
const MAX_SIGNALS = 1_000;

/** What the service calls. */
export interface RunServiceParts {
  readonly sdk: Sdk;
  readonly options: ResolvedOptions;
  readonly log: Logger;
  /** Whether a run with this key is one of ours. */
  accepts(run: PinnedWire, key: string): boolean;
  drive(run: PinnedWire, context: DurableContext): Promise<RunView>;
  answer(alarm: RunAlarmWire): Promise<PageEnd>;
}

/**
 * No closure is longer than a minute, and waiting is no reason to suspend a run of usual length, whose lock is renewed by
 * the process that drives it: so both timeouts are far above the longest call, and Restate takes a run away only when the
 * connection is lost. It is tried again for ever: a run that nobody can drive ends at its deadline, by a human.
 */
export function runService(parts: RunServiceParts) {
  const { sdk, options, accepts, drive, answer } = parts;
  const { keepEntriesMs, keepRunsMs } = options.times;
  const { shared } = sdk.handlers.workflow;
  return sdk.workflow({
    name: RUN_SERVICE,
    handlers: {
      run: async (context: WorkflowContext, run: PinnedWire): Promise<RunView> => {
        if (!accepts(run, context.key)) throw refusal(parts, 'run', context.key);
        return drive(run, new SdkContext(sdk, context));
      },
      signal: shared(async (context: WorkflowSharedContext, signal: RunSignal): Promise<void> => {
        if (signal.runId !== context.key || !isSealed('signal', signal, options.submissionKey))
          throw refusal(parts, 'signal', context.key);
        await deliver(sdk, context, signal);
      }),
      alarm: shared(
        { idempotencyRetention: keepRunsMs },
        async (context: WorkflowSharedContext, alarm: RunAlarmWire): Promise<PageEnd> => {
          const isOurs = isSealed('alarm', alarm, options.submissionKey) && accepts(alarm.run, context.key);
          if (!isOurs) throw refusal(parts, 'alarm', context.key);
          return context.run(alarm.what, () => answer(alarm));
        },
      ),
    },
    options: {
      inactivityTimeout: HOUR_MS,
      abortTimeout: HOUR_MS,
      journalRetention: keepEntriesMs,
      workflowRetention: keepRunsMs,
      retryPolicy: {
        initialInterval: 100,
        exponentiationFactor: 2,
        maxInterval: 2_000,
        maxAttempts: 1_000_000_000,
        onMaxAttempts: 'pause',
      },
    },
  });
}

function refusal({ sdk, log }: RunServiceParts, what: string, runId: string): Error {
  const message = `no process that has our key sent this ${what} as it is`;
  log.error('something was refused that none of our processes sent', { what, run_id: runId });
  return new sdk.TerminalError(message, { errorCode: 403 });
}

/** Signals of one name are received in the order in which they came, each once. */
async function deliver(sdk: Sdk, context: WorkflowSharedContext, signal: RunSignal): Promise<void> {
  if (!(await offer(sdk, context, `used:${signal.id}`, true))) return;
  for (let index = 0; !(await offer(sdk, context, signalKey(signal.name, index), signal.payload)); index += 1)
    if (index >= MAX_SIGNALS)
      throw new sdk.TerminalError(`a run takes ${MAX_SIGNALS} signals of one name`, { errorCode: 429 });
  const { cancels } = signal;
  if (cancels !== undefined) context.invocation(sdk.InvocationIdParser.fromString(cancels)).cancel();
}

/** Puts a value into a place that is free; whether it was. */
async function offer(sdk: Sdk, context: WorkflowSharedContext, key: string, value: Json): Promise<boolean> {
  if ((await context.promise<Json>(key).peek()) !== undefined) return false;
  try {
    await context.promise<Json>(key).resolve(value);
    return true;
  } catch (error) {
    // Of a call that was canceled nobody knows whether the place is taken.
    if (error instanceof sdk.TerminalError && !(error instanceof sdk.CancelledError)) return false;
    throw error;
  }
}

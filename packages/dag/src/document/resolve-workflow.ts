import { MAX_ATTEMPT_MS, WAIT_ACTION } from '../coordinator/limits.ts';
import { needsOf } from './step-group.ts';
import type {
  InputDefinition,
  RetryPolicy,
  StepDefinition,
  WorkflowDefinition,
} from './workflow-definition.ts';
import { DEFINITION_FORMAT, withDigest } from './workflow-definition.ts';
import type { StepDocument, WorkflowDocument } from './workflow-schema.ts';

const RETRY: RetryPolicy = {
  maxAttempts: 3,
  initialMs: 1_000,
  factor: 2,
  maxMs: 30_000,
  jitter: 'full',
  on: ['transient', 'timeout'],
};
const TIMEOUTS = { workflowMs: 30 * 60_000, stepMs: 2 * 60_000, cleanupMs: 3 * 60_000 };

/** What happens on an error when the document does not say: undo, then wake a human. Keeps S10. */
const DEFAULT_ON_ERROR: StepDocument = {
  uses: 'pager.escalate@1',
  with: {
    incident: '${{ run.incident_key }}',
    reason: "${{ error.step ?? 'run' }}: ${{ error.code ?? 'failed' }} ${{ error.message ?? '' }}",
  },
  retry: { max_attempts: 10, backoff: { initial: 1_000, max: 15_000 } },
};

/** Fills in every default, so that the definition is complete in itself. The document has passed all checks. */
export function resolveWorkflow(document: WorkflowDocument): WorkflowDefinition {
  const retry = mergeRetry(RETRY, document.retry);
  const stepMs = document.timeouts.step ?? TIMEOUTS.stepMs;
  const resolve = (steps: Readonly<Record<string, StepDocument>>): readonly StepDefinition[] =>
    Object.entries(steps).map(([id, step]) => resolveStep(id, step, retry, stepMs));
  return withDigest({
    format: DEFINITION_FORMAT,
    name: document.metadata.name,
    version: document.metadata.version,
    description: document.metadata.description ?? '',
    inputs: Object.fromEntries(
      Object.entries(document.inputs).map(([name, input]) => [name, resolveInput(input)]),
    ),
    timeouts: {
      workflowMs: document.timeouts.workflow ?? TIMEOUTS.workflowMs,
      cleanupMs: document.timeouts.cleanup ?? TIMEOUTS.cleanupMs,
    },
    lock: document.lock.scope,
    steps: resolve(document.steps),
    onError: {
      compensate: document.on_error?.compensate ?? 'reverse_completed',
      steps: resolve(document.on_error?.steps ?? { escalate: DEFAULT_ON_ERROR }),
    },
    finally: resolve(document.finally ?? {}),
    outputs: document.outputs,
  });
}

function resolveInput(input: WorkflowDocument['inputs'][string]): InputDefinition {
  return {
    type: input.type,
    required: input.required ?? false,
    ...(input.default === undefined ? {} : { default: input.default }),
    ...(input.description === undefined ? {} : { description: input.description }),
  };
}

function mergeRetry(base: RetryPolicy, override: StepDocument['retry']): RetryPolicy {
  if (override === undefined) return base;
  return {
    maxAttempts: override.max_attempts ?? base.maxAttempts,
    initialMs: override.backoff?.initial ?? base.initialMs,
    factor: override.backoff?.factor ?? base.factor,
    maxMs: override.backoff?.max ?? base.maxMs,
    jitter: override.backoff?.jitter ?? base.jitter,
    on: override.on ?? base.on,
  };
}

function resolveStep(id: string, step: StepDocument, retry: RetryPolicy, stepMs: number): StepDefinition {
  const timeout =
    step.timeout ?? (step.uses === undefined || step.uses === WAIT_ACTION ? Number.MAX_SAFE_INTEGER : stepMs);
  return {
    id,
    ...kindOf(step),
    needs: needsOf(step),
    ...(step.when === undefined ? {} : { when: step.when }),
    timeout,
    attemptTimeoutMs: Math.min(step.attempt_timeout ?? MAX_ATTEMPT_MS, MAX_ATTEMPT_MS),
    retry: mergeRetry(retry, step.retry),
    ...(step.poll === undefined ? {} : { poll: { everyMs: step.poll.every, until: step.poll.until } }),
    ...(step.outputs === undefined ? {} : { outputs: step.outputs }),
    ...(step.compensate === undefined ? {} : { compensate: step.compensate }),
    pointOfNoReturn: step.point_of_no_return ?? false,
  };
}

function kindOf(step: StepDocument): Pick<StepDefinition, 'kind' | 'uses' | 'with' | 'wait' | 'signal'> {
  if (step.signal !== undefined) return { kind: 'signal', uses: 'signal', with: {}, signal: step.signal };
  if (step.wait !== undefined) return { kind: 'wait', uses: WAIT_ACTION, with: {}, wait: step.wait };
  if (step.uses === WAIT_ACTION)
    return { kind: 'wait', uses: WAIT_ACTION, with: {}, wait: step.with?.['for'] as string };
  return { kind: 'action', uses: step.uses ?? '', with: step.with ?? {} };
}

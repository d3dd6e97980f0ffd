import type { LazarusEvent } from '../events/event.ts';
import type { LockTarget } from './locks.ts';

/** JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Everything a run needs, pinned at submission: editing rules or workflows never disturbs it. */
export interface RunRequest {
  /** Equals the decision id: submitting twice starts once. Keeps S1. */
  readonly runId: string;
  readonly workflow: string;
  /**
   * Digest of the definition that was decided about. An engine that has no such definition of that name refuses the run:
   * a reload between ballot and submission then ends with a human instead of steps that nobody voted for. Keeps S15.
   */
  readonly workflowDigest?: string;
  readonly inputs: Readonly<Record<string, Json>>;
  readonly event: LazarusEvent;
  readonly rule: string;
  readonly configDigest: string;
  readonly service: string;
  readonly hostId?: string;
  readonly incidentKey?: string;
  readonly lock: LockTarget;
  readonly timeoutMs: number;
  readonly notificationGroup?: string;
}

/** How a run ended. */
export type RunOutcome = 'succeeded' | 'failed' | 'timed_out' | 'canceled';

/** One step of a run, for people. */
export interface StepView {
  readonly step: string;
  readonly uses: string;
  readonly status: 'waiting' | 'running' | 'succeeded' | 'failed' | 'skipped' | 'compensated' | 'unknown';
  readonly attempts: number;
  readonly started_at?: string;
  readonly ended_at?: string;
  readonly output?: Json;
  readonly error?: { readonly code: string; readonly message: string; readonly retryable: boolean };
  readonly idempotency_key: string;
}

/** A run, as the API shows it. */
export interface RunView {
  readonly run_id: string;
  readonly workflow: string;
  readonly definition_digest: string;
  readonly service: string;
  readonly host_id?: string;
  readonly incident_key?: string;
  readonly status: 'running' | RunOutcome;
  /** How the page ended, once the run has ended. */
  readonly page?: 'resolved' | 'escalated' | 'left_alone';
  readonly started_at: string;
  readonly ended_at?: string;
  readonly deadline_at: string;
  readonly outputs: Readonly<Record<string, Json>>;
  readonly error?: { readonly step?: string; readonly code: string; readonly message: string };
  readonly steps: readonly StepView[];
}

/** Executes workflows durably. Keeps S12. */
export interface WorkflowEngine {
  /**
   * Stores the run durably and starts it; resolves once it will happen even if this process dies now.
   *
   * @throws WorkflowError `LZ_WORKFLOW_UNKNOWN`, `LZ_WORKFLOW_CHANGED`, `LZ_WORKFLOW_INPUT`, or PortError
   * `LZ_JOURNAL_UNAVAILABLE`.
   */
  submit(request: RunRequest): Promise<'created' | 'exists'>;
  /** Looks a run up. */
  get(runId: string): Promise<RunView | undefined>;
  /** Asks a run to stop at its next safe point and escalate. */
  cancel(runId: string, reason: string): Promise<void>;
  /** Calls back once for each run that ends in this process; returns the unsubscribe function. */
  onFinished(listener: (run: RunView) => void): () => void;
}

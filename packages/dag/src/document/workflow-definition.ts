import { hash } from 'node:crypto';
import type { Json } from '@lazarus/core/ports';
import type { StepErrorClass } from '../actions/step-error.ts';

/** How a step ended, as `needs` sees it. */
export type NeedOutcome = 'succeeded' | 'failed' | 'skipped';

/** A dependency of a step. */
export interface Need {
  readonly step: string;
  readonly on: readonly NeedOutcome[];
}

/** When and how often a failed attempt is repeated. */
export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly jitter: 'full' | 'none';
  readonly on: readonly StepErrorClass[];
}

/** A call of an action, with texts that may hold expressions. */
export interface ActionCall {
  readonly uses: string;
  readonly with: Readonly<Record<string, Json>>;
}

/** One step with every default filled in. */
export interface StepDefinition {
  readonly id: string;
  readonly kind: 'action' | 'wait' | 'signal';
  /** `host.clone@1`, `wait@1`, or `signal`. */
  readonly uses: string;
  readonly with: Readonly<Record<string, Json>>;
  /** Duration in milliseconds or an expression, for `wait`. */
  readonly wait?: number | string;
  readonly signal?: string;
  readonly needs: readonly Need[];
  readonly when?: string;
  /** Milliseconds or an expression. */
  readonly timeout: number | string;
  readonly attemptTimeoutMs: number;
  readonly retry: RetryPolicy;
  readonly poll?: { readonly everyMs: number; readonly until: string };
  readonly outputs?: Readonly<Record<string, string>>;
  /** `'undo'`: the action's own undo. */
  readonly compensate?: ActionCall | 'undo';
  readonly pointOfNoReturn: boolean;
}

/** A declared input. */
export interface InputDefinition {
  readonly type: 'string' | 'number' | 'integer' | 'boolean' | 'duration';
  readonly required: boolean;
  readonly default?: string | number | boolean;
  readonly description?: string;
}

/** Version of this shape; a process takes a run over only when it knows the format. */
export const DEFINITION_FORMAT = 1;

/**
 * A workflow as it is run: plain JSON, complete in itself, pinned in each run by its digest. Editing the YAML makes
 * another definition and never disturbs a run in flight.
 */
export interface WorkflowDefinition {
  readonly format: typeof DEFINITION_FORMAT;
  readonly name: string;
  readonly version: number;
  readonly description: string;
  readonly inputs: Readonly<Record<string, InputDefinition>>;
  readonly timeouts: { readonly workflowMs: number; readonly cleanupMs: number };
  readonly lock: 'host' | 'service';
  /** In declared order, which is the order in which steps start that are ready at the same time. */
  readonly steps: readonly StepDefinition[];
  readonly onError: {
    readonly compensate: 'reverse_completed' | 'none';
    readonly steps: readonly StepDefinition[];
  };
  readonly finally: readonly StepDefinition[];
  readonly outputs: Readonly<Record<string, string>>;
  /** SHA-256 of everything else, hex. */
  readonly digest: string;
}

/** JSON with sorted keys: equal content gives equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  );
}

/** SHA-256, hex. */
export function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}

/** Adds the digest to a definition. */
export function withDigest(definition: Omit<WorkflowDefinition, 'digest'>): WorkflowDefinition {
  return { ...definition, digest: sha256(canonicalJson(definition)) };
}

/** `hash(run, step)`: the same for all attempts of a step, over crashes, processes and engines. Keeps S1. */
export function idempotencyKey(runId: string, step: string): string {
  return sha256(`${runId}/${step}`);
}

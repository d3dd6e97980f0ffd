import { hash } from 'node:crypto';
import { InvariantError } from '@lazarus/core';
import type { Json, RunRequest } from '@lazarus/core/ports';
import { canonicalJson } from '@lazarus/dag';
import type { ActionRegistry, RunRecord, StepDefinition, StoredRun, WorkflowDefinition } from '@lazarus/dag';
import { isSealed } from './run-seal.ts';
import type { Sealable } from './run-seal.ts';

/** Shape of what is submitted; a process drives a run only when it knows the shape. */
export const PINNED_FORMAT = 1;

/** Everything that a run is, fixed at submission: Restate keeps it as the input of the workflow. */
export interface PinnedRun extends RunRecord {
  readonly format: typeof PINNED_FORMAT;
  readonly request: RunRequest;
  readonly definition: WorkflowDefinition;
  readonly inputs: Readonly<Record<string, Json>>;
  /** The first steps must know whether an execution before this one may have begun them; see {@link mustBegin}. */
  readonly begins: boolean;
}

/**
 * A run as it travels: its definition is a text. Many runs have the same one, and a text is read once. It is known by
 * itself, not by the digest that comes with it.
 */
export interface PinnedWire extends Omit<PinnedRun, 'definition'>, Sealable {
  readonly digest: string;
  readonly definition: string;
}

/** Definitions that this process has written or read before. */
const MAX_KNOWN = 500;
const texts = new WeakMap<WorkflowDefinition, string>();
/** By text. */
const known = new Map<string, WorkflowDefinition>();

/** Packs a run for Restate. */
export function toWire(run: PinnedRun): PinnedWire {
  const { definition } = run;
  let text = texts.get(definition);
  if (text === undefined) texts.set(definition, (text = JSON.stringify(definition)));
  return { ...run, digest: definition.digest, definition: text };
}

/**
 * Unpacks a run. Keeps S2.
 *
 * @throws InvariantError `LZ_INVARIANT_BROKEN` when the definition is not the one that its digest is of.
 */
export function fromWire({ digest, definition: text, mac: _mac, ...run }: PinnedWire): PinnedRun {
  let definition = known.get(text);
  if (definition === undefined) {
    definition = JSON.parse(text) as WorkflowDefinition;
    assertDigest(definition);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(text, definition);
  }
  if (definition.digest !== digest) throw notItself(definition);
  return { ...run, definition };
}

function assertDigest(definition: WorkflowDefinition): void {
  const { digest, ...rest } = definition;
  if (hash('sha256', canonicalJson(rest), 'hex') !== digest) throw notItself(definition);
}

const notItself = ({ name }: WorkflowDefinition): InvariantError =>
  new InvariantError({
    message: `a run of workflow ${name} came with a definition that its digest is not of`,
  });

/** The run, where one of ours submitted it as it is; `undefined` otherwise. Keeps S18. */
export function ownRun(wire: PinnedWire, key: string | undefined): PinnedRun | undefined {
  if (!isSealed('run', wire, key)) return undefined;
  try {
    return fromWire(wire);
  } catch {
    return undefined;
  }
}

/** Pins a run at its submission. */
export function pinRun(
  request: RunRequest,
  definition: WorkflowDefinition,
  inputs: Readonly<Record<string, Json>>,
  actions: ActionRegistry,
  nowMs: number,
): PinnedRun {
  const deadlineAtMs = nowMs + request.timeoutMs;
  const begins = mustBegin(definition, actions);
  return { format: PINNED_FORMAT, begins, request, definition, inputs, startedAtMs: nowMs, deadlineAtMs };
}

/** The same for code that expects a run of a journal of ours. */
export function asStoredRun(run: PinnedRun): StoredRun {
  return { ...run, runId: run.request.runId, epoch: 1 };
}

/**
 * Whether the beginning of the run is journaled before its first steps, which costs one more write. It is not needed when
 * all of them may simply be repeated: they only look, or are idempotent, change nothing for good, and are not undone. Most
 * workflows begin by acknowledging the page, which is such a step.
 */
function mustBegin({ steps }: WorkflowDefinition, actions: ActionRegistry): boolean {
  return steps.some((step) => step.needs.length === 0 && !isRepeatable(step, actions));
}

function isRepeatable(step: StepDefinition, actions: ActionRegistry): boolean {
  // A step that is skipped lets others begin that are not looked at here.
  if (step.when !== undefined) return false;
  if (step.kind !== 'action') return true;
  const action = actions.get(step.uses);
  if (action === undefined) return false;
  if (action.readOnly) return true;
  return action.check === undefined && !action.destructive && step.compensate === undefined;
}

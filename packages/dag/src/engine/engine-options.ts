import { ConfigurationError } from '@lazarus/core';
import type { RunGuard } from '@lazarus/core/controller';
import { didYouMean } from '@lazarus/core/documents';
import type { Budgets, Clock, Ids, Locks, Logger, Meter, Random, StepView } from '@lazarus/core/ports';
import { z } from 'zod';
import type { ActionRegistry } from '../actions/action-registry.ts';
import type { ActionPortName, ActionPorts } from '../actions/action.ts';
import { DEFINITION_FORMAT } from '../document/workflow-definition.ts';
import type { StepDefinition, WorkflowDefinition } from '../document/workflow-definition.ts';
import { WAIT_ACTION } from '../coordinator/limits.ts';
import type { Processes } from './adapters/system-process.ts';
import type { Scheduler } from './group-commit.ts';

/** Times of the embedded engine. */
export const EngineTimesSchema = z.strictObject({
  /** How long an owner that says nothing keeps its runs. @defaultValue 10000 */
  leaseTtlMs: z.number().int().min(100).max(600_000).default(10_000),
  /** How often runs without an owner are looked for. @defaultValue 1000 */
  sweepMs: z.number().int().min(10).max(60_000).default(1_000),
  /**
   * How long a submission waits for the journal before it says that there is no run: less than whoever decides waits for
   * it, so that what was begun was also decided.
   *
   * @defaultValue 8000
   */
  submitWithinMs: z.number().int().min(10).max(60_000).default(8_000),
  /** TTL of the run's lock; the lock store renews it. @defaultValue 30000 */
  lockTtlMs: z.number().int().min(100).max(600_000).default(30_000),
  /** How long to wait for a lock that somebody else holds. @defaultValue 5000 */
  lockWaitMs: z.number().int().min(0).max(60_000).default(5_000),
  /** Age at which the journal lines of a finished run are deleted; 7 days. @defaultValue 604800000 */
  keepEntriesMs: z
    .number()
    .int()
    .min(0)
    .default(7 * 86_400_000),
  /** Age at which a finished run is deleted; 90 days. @defaultValue 7776000000 */
  keepRunsMs: z
    .number()
    .int()
    .min(0)
    .default(90 * 86_400_000),
});

/** Times of the embedded engine, resolved. */
export type EngineTimes = z.output<typeof EngineTimesSchema>;

/** A change of a step, for people who watch. */
export interface StepProgress {
  readonly runId: string;
  readonly workflow: string;
  readonly step: StepView;
}

/** Options of an engine over any journal. */
export interface EngineOptions {
  readonly actions: ActionRegistry;
  readonly workflows: readonly WorkflowDefinition[];
  /** What the actions act with. */
  readonly ports: ActionPorts;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly log: Logger;
  /** Holds the run's lock while it runs. Without it nothing keeps two runs from acting on one host. */
  readonly locks?: Locks;
  /** Asked before each destructive step whether the run holds a reservation, and settled when it ends. */
  readonly budgets?: Budgets;
  /** Asked at each safe point. */
  readonly guard?: RunGuard;
  /**
   * Monotonic instant of the ballot that decided a run, when it was cast in this process; the guard is given it. Keeps S3.
   *
   * @defaultValue the moment of submission, which is a little later than the ballot
   */
  evidenceAtMs?(runId: string): number | undefined;
  readonly meter?: Meter;
  readonly times?: z.input<typeof EngineTimesSchema>;
  /** Called when a step changes in this process. */
  onStep?(progress: StepProgress): void;
  /** @defaultValue the processes of this machine */
  readonly processes?: Processes;
  /** @defaultValue `setImmediate` */
  readonly schedule?: Scheduler;
  /** For crash tests: called at each boundary of an attempt. */
  onBoundary?(boundary: 'intent' | 'body' | 'result', key: string): void | Promise<void>;
}

const used = new WeakMap<WorkflowDefinition, ReadonlySet<string>>();

/** Every action that a workflow may call; found once for each definition, which never changes. */
export function actionsUsed(definition: WorkflowDefinition): ReadonlySet<string> {
  const known = used.get(definition) ?? findActions(definition);
  used.set(definition, known);
  return known;
}

function findActions(definition: WorkflowDefinition): ReadonlySet<string> {
  const steps: readonly StepDefinition[] = [
    ...definition.steps,
    ...definition.onError.steps,
    ...definition.finally,
  ];
  const uses = steps.flatMap((step) => [
    ...(step.kind === 'action' ? [step.uses] : []),
    ...(typeof step.compensate === 'object' ? [step.compensate.uses] : []),
  ]);
  return new Set(uses.filter((id) => id !== WAIT_ACTION));
}

/** Ports that a workflow needs and that were not passed, as texts for people. */
export function missingPorts(
  definition: WorkflowDefinition,
  actions: ActionRegistry,
  ports: ActionPorts,
): readonly string[] {
  return [...actionsUsed(definition)].flatMap((id) => {
    const missing = (actions.get(id)?.requires ?? []).filter(
      (port: ActionPortName) => ports[port] === undefined,
    );
    return missing.map((port) => `${id} needs the port "${port}"`);
  });
}

/**
 * Refuses workflows that call actions which do not exist, at construction and at each reload.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID`.
 */
export function assertActionsExist(
  definitions: readonly WorkflowDefinition[],
  actions: ActionRegistry,
): void {
  for (const definition of definitions) {
    for (const id of actionsUsed(definition)) {
      if (actions.get(id) === undefined) throw unknownAction(definition, id, actions);
    }
  }
}

function unknownAction(
  definition: WorkflowDefinition,
  id: string,
  actions: ActionRegistry,
): ConfigurationError {
  const hint = didYouMean(id, actions.ids);
  return new ConfigurationError({
    summary: `workflow ${definition.name} calls ${id}, which does not exist`,
    issues: [
      { path: '', message: `found the unknown action ${id}`, ...(hint === undefined ? {} : { hint }) },
    ],
  });
}

/** A run goes on only where its format and all of its actions are known. */
export function canRun(definition: WorkflowDefinition, actions: ActionRegistry): boolean {
  if ((definition.format as number) !== DEFINITION_FORMAT) return false;
  return [...actionsUsed(definition)].every((id) => actions.get(id) !== undefined);
}

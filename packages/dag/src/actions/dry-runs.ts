import { isLazarusError } from '@lazarus/core';
import type { DecisionRecord, Snapshot } from '@lazarus/core';
import { supposedRun } from '@lazarus/core/controller';
import type { Clock, DryRuns, DryRunView, DryStepView, RunRequest } from '@lazarus/core/ports';
import type { WorkflowDefinition } from '../document/workflow-definition.ts';
import { createKnownWorkflows } from '../engine/known-workflows.ts';
import type { ActionRegistry } from './action-registry.ts';
import { dryRunWorkflow } from './dry-run.ts';
import type { DryStep } from './dry-run.ts';

/** Longest that all actions of a run are listened to, milliseconds; one of them may take a little more. */
const ASK_ALL_MS = 500;

/** What {@link createDryRuns} reads. */
export interface DryRunPorts {
  readonly actions: ActionRegistry;
  /** The definitions that the engine would start now. */
  readonly workflows: () => readonly WorkflowDefinition[];
  /** The configuration of a digest, or the one in force when that is not known any more. */
  readonly snapshot: (digest: string | undefined) => Snapshot | undefined;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/**
 * Tells from the record of a decision what its run would do. Workflow, inputs and target are those that the last gate would
 * submit; nothing is submitted, and the actions are asked what they would do without anything to do it with. Keeps S13.
 */
export function createDryRuns({ actions, workflows, snapshot, clock }: DryRunPorts): DryRuns {
  function stepsOf(request: RunRequest): Pick<DryRunView, 'steps' | 'problem'> {
    const untilMs = clock.monotonic() + ASK_ALL_MS;
    try {
      const definition = createKnownWorkflows(workflows()).find(request);
      const steps = dryRunWorkflow(definition, request, actions, () => clock.monotonic() < untilMs);
      return { steps: steps.map(stepView) };
    } catch (error) {
      // The message of an error that is not ours may hold anything. Keeps S17.
      return { steps: [], problem: isLazarusError(error) ? error.message : 'its dry run failed' };
    }
  }
  return {
    of(record: DecisionRecord): DryRunView | undefined {
      const known = snapshot(record.config_digest);
      const request = known === undefined ? undefined : supposedRun(record, known);
      if (request === undefined) return undefined;
      const { workflow, rule, configDigest } = request;
      return { workflow, rule, config_digest: configDigest, ...stepsOf(request) };
    },
  };
}

function stepView({ onlyIf, ...step }: DryStep): DryStepView {
  return onlyIf === undefined ? step : { ...step, only_if: onlyIf };
}

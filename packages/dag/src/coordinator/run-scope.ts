import type { Json, RunOutcome } from '@lazarus/core/ports';
import type { ExpressionValues } from '../expression/expression.ts';
import type { Stop } from './drive-steps.ts';
import type { RunRecord } from './run-handle.ts';
import type { StepState } from './step-state.ts';

/** The variables of a run's expressions, kept up to date as its steps change. */
export class RunScope {
  readonly #run: RunRecord;
  readonly #steps: Record<string, { readonly status: string; readonly outputs: Json }> = {};
  readonly #changed: Set<StepState>;
  #values: ExpressionValues | undefined;
  #outcome: RunOutcome | undefined;
  #stop: Stop | undefined;

  /** @param steps - the steps of the workflow itself; only they can be read. */
  constructor(run: RunRecord, steps: readonly StepState[]) {
    this.#run = run;
    this.#changed = new Set(steps);
  }

  changed(state: StepState): void {
    if (state.plan.phase === 'steps' && state.plan.isBackground !== true) this.#changed.add(state);
  }

  /** The steps of the workflow have ended. */
  ended(outcome: RunOutcome, stop: Stop | undefined): void {
    this.#outcome = outcome;
    this.#stop = stop;
    this.#values = undefined;
  }

  values(): ExpressionValues {
    for (const { plan, status, output } of this.#changed)
      this.#steps[plan.id] = { status, outputs: output ?? {} };
    this.#changed.clear();
    this.#values ??= this.#build();
    return this.#values;
  }

  #build(): ExpressionValues {
    const { request, inputs, definition } = this.#run;
    return {
      inputs,
      event: { account: null, host: null, incident_key: null, summary: null, ...request.event },
      run: {
        id: request.runId,
        workflow: definition.name,
        rule: request.rule,
        service: request.service,
        host: request.hostId ?? null,
        incident_key: request.incidentKey ?? null,
        notification_group: request.notificationGroup ?? null,
        outcome: this.#outcome ?? 'running',
      },
      steps: this.#steps,
      error: {
        step: this.#stop?.step ?? null,
        code: this.#stop?.code ?? null,
        message: this.#stop?.message ?? null,
      },
    };
  }
}

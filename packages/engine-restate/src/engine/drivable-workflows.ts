import { ConfigurationError } from '@lazarus/core';
import type { RunRequest } from '@lazarus/core/ports';
import { assertActionsExist, canRun, createKnownWorkflows, MAX_ATTEMPT_MS, missingPorts } from '@lazarus/dag';
import type { EngineOptions, KnownWorkflows, WorkflowDefinition } from '@lazarus/dag';

/** What workflows are looked through with. */
type WorkflowsOptions = Pick<EngineOptions, 'actions' | 'ports' | 'workflows'>;

/** The workflows that this process can start, and whether it can drive others. */
export class DrivableWorkflows {
  readonly #options: WorkflowsOptions;
  /** Definitions are looked through once: whether this process has all of their actions, and all of their ports. */
  readonly #runnable = new WeakMap<WorkflowDefinition, boolean>();
  readonly #equipped = new WeakSet<WorkflowDefinition>();
  #known: KnownWorkflows;

  /** @throws ConfigurationError `LZ_CONFIG_INVALID`: see {@link set}. */
  constructor(options: WorkflowsOptions) {
    this.#options = options;
    this.#known = this.#checked(options.workflows);
  }

  /**
   * Replaces the workflows that can be started.
   *
   * @throws ConfigurationError `LZ_CONFIG_INVALID`: an unknown action, or a call that Restate would cut off.
   */
  set(definitions: readonly WorkflowDefinition[]): void {
    this.#known = this.#checked(definitions);
  }

  /**
   * The workflow of a request. One that lacks its ports is never started; the decision then escalates.
   *
   * @throws WorkflowError `LZ_WORKFLOW_UNKNOWN`, `LZ_WORKFLOW_CHANGED`; ConfigurationError `LZ_PORT_MISSING`.
   */
  find(request: RunRequest): WorkflowDefinition {
    const definition = this.#known.find(request);
    if (this.#equipped.has(definition)) return definition;
    const missing = missingPorts(definition, this.#options.actions, this.#options.ports);
    if (missing.length > 0)
      throw new ConfigurationError({
        code: 'LZ_PORT_MISSING',
        summary: `workflow ${definition.name} cannot start: ${missing.join('; ')}`,
        issues: [],
      });
    this.#equipped.add(definition);
    return definition;
  }

  /** Whether this process has every action of a definition, which may be another process's. */
  canRun(definition: WorkflowDefinition): boolean {
    let answer = this.#runnable.get(definition);
    if (answer === undefined)
      this.#runnable.set(definition, (answer = canRun(definition, this.#options.actions)));
    return answer;
  }

  #checked(definitions: readonly WorkflowDefinition[]): KnownWorkflows {
    assertActionsExist(definitions, this.#options.actions);
    for (const { name, steps, onError, finally: last } of definitions) {
      for (const step of [...steps, ...onError.steps, ...last]) {
        if (step.attemptTimeoutMs <= MAX_ATTEMPT_MS) continue;
        throw new ConfigurationError({
          summary: `workflow ${name} allows one call of ${step.id} ${step.attemptTimeoutMs} ms; the longest is ${MAX_ATTEMPT_MS} ms, what takes longer is a poll`,
          issues: [],
        });
      }
    }
    return createKnownWorkflows(definitions);
  }
}

import type { Clock } from '@lazarus/core/ports';
import { createActionRegistry, createEngine } from '@lazarus/dag';
import type {
  Action,
  ActionContext,
  EmbeddedEngine,
  EngineOptions,
  Journal,
  WorkflowDefinition,
} from '@lazarus/dag';
import { createSeededRandom } from '../chance/seeded-random.ts';
import { createSequentialIds } from '../chance/sequential-ids.ts';
import { silentLogger } from '../fakes/logger.ts';
import { mortalPort, NEVER, whileAlive } from './mortal.ts';
import type { Life } from './mortal.ts';

/** An engine in a simulated process, which can be killed. */
export interface LabProcess {
  readonly engine: EmbeddedEngine;
  /** Nothing that it does afterwards has an effect. */
  kill(): void;
  readonly isDead: boolean;
}

/** Options of {@link startProcess}. */
export interface LabProcessOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly workflow: WorkflowDefinition;
  readonly actions: readonly Action[];
  readonly number: number;
  readonly seed: number;
  readonly guard?: EngineOptions['guard'];
}

/** Starts a process over a journal; earlier ones count as gone. */
export async function startProcess(options: LabProcessOptions): Promise<LabProcess> {
  const life = { isDead: false };
  const self = `process-${options.number}`;
  const { guard } = options;
  const engine = await createEngine(mortalPort(options.journal, life, ['close']), {
    actions: createActionRegistry(options.actions.map((action) => mortalAction(action, life))),
    workflows: [options.workflow],
    ports: {},
    clock: options.clock,
    ids: { next: (prefix) => `${self}-${createSequentialIds().next(prefix)}` },
    random: createSeededRandom(options.seed),
    log: silentLogger,
    processes: { self, isGone: (process) => process !== self },
    schedule: queueMicrotask,
    times: { sweepMs: 60_000, leaseTtlMs: 600_000 },
    ...(guard === undefined ? {} : { guard }),
  });
  return {
    engine,
    kill: () => {
      life.isDead = true;
    },
    get isDead() {
      return life.isDead;
    },
  };
}

/** An action as a process has it that can die: before its body or its check hook, in it, or before its result arrives. */
export function mortalAction(action: Action, life: Life): Action {
  const { check } = action;
  return {
    ...action,
    ...(check === undefined
      ? {}
      : {
          check: (input: unknown, context: ActionContext) =>
            life.isDead ? NEVER : whileAlive(life, check.call(action, input, context)),
        }),
    // Asked in the same turn as the body begins: a process that died a moment ago has no effect any more.
    run: (input, context) => (life.isDead ? NEVER : whileAlive(life, action.run(input, context))),
  };
}

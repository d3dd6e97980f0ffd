/**
 * What a process does when Restate calls it: drives runs, each execution from the journal on, and answers alarms.
 */
import { PortError, WorkflowError } from '@lazarus/core';
import type { Clock, RunView } from '@lazarus/core/ports';
import type { DurableContext } from '../durable/durable-context.ts';
import { Execution } from '../run/execution.ts';
import type { ExecutionPorts } from '../run/execution.ts';
import { fromWire, ownRun, PINNED_FORMAT } from '../run/pinned-run.ts';
import type { PinnedRun, PinnedWire } from '../run/pinned-run.ts';
import type { RunLocks } from '../run/run-locks.ts';
import type { PageEnd, RunAlarmWire } from '../run/run-message.ts';
import { isSealed } from '../run/run-seal.ts';
import type { DrivableWorkflows } from './drivable-workflows.ts';
import type { EndedRuns } from './ended-runs.ts';
import type { RunAlarms } from './run-alarms.ts';
import type { RunWatch } from './run-watch.ts';

/** What driving works with. */
export interface RunDriverPorts {
  readonly workflows: Pick<DrivableWorkflows, 'canRun'>;
  readonly ended: Pick<EndedRuns, 'expect'>;
  readonly watch: Pick<RunWatch, 'assertMayGoOn' | 'took' | 'ended'>;
  readonly alarms: Pick<RunAlarms, 'answer'>;
  readonly locks: RunLocks;
  readonly clock: Clock;
  readonly execution: ExecutionPorts;
  readonly submissionKey: string | undefined;
  readonly closing: AbortSignal;
  /** Asks Restate to try another process. */
  sendElsewhere(): void;
  /** A run is over. */
  forget(runId: string): Promise<void>;
}

/** The runs that this process drives. */
export class RunDriver {
  readonly #ports: RunDriverPorts;
  /** The newest execution of each run in this process. */
  readonly #active = new Map<string, Execution>();

  constructor(ports: RunDriverPorts) {
    this.#ports = ports;
  }

  get active(): ReadonlyMap<string, Execution> {
    return this.#active;
  }

  /** Whether one of us submitted this run, as it is and under its own id. A format of later processes is for them to read. */
  accepts(wire: PinnedWire, key: string): boolean {
    const { submissionKey } = this.#ports;
    if (wire.request.runId !== key) return false;
    return isOfOurFormat(wire)
      ? ownRun(wire, submissionKey) !== undefined
      : isSealed('run', wire, submissionKey);
  }

  /** Called by Restate, once for each execution. */
  async drive(wire: PinnedWire, context: DurableContext): Promise<RunView> {
    const { workflows, watch, execution: ports } = this.#ports;
    const run = fromWire(wire);
    const { runId } = run.request;
    const canDrive = isOfOurFormat(wire) && workflows.canRun(run.definition);
    if (!canDrive) this.#refuse(run);
    await watch.assertMayGoOn(run);
    const execution = new Execution(run, context, ports);
    this.#active.set(runId, execution);
    watch.took(run);
    context.ended.addEventListener('abort', () => this.#onLeft(execution), { once: true });
    if (!canDrive) return execution.giveUp(timeIsOver(run));
    return execution.drive();
  }

  /** Called by Restate, once for each alarm. @throws PortError when another process must. */
  async answer({ run: wire, ...alarm }: RunAlarmWire): Promise<PageEnd> {
    if (isOfOurFormat(wire)) return this.#ports.alarms.answer({ ...alarm, run: fromWire(wire) });
    this.#ports.sendElsewhere();
    throw new PortError({
      code: 'LZ_JOURNAL_UNAVAILABLE',
      message: 'this process does not know the format of a run in trouble',
      retryable: true,
    });
  }

  /** Restate has called the end of an execution: the run has ended, or goes on elsewhere. */
  #onLeft(execution: Execution): void {
    const { closing, ended, watch, locks, forget } = this.#ports;
    const { run } = execution;
    const { runId } = run.request;
    if (this.#active.get(runId) !== execution) return;
    this.#active.delete(runId);
    if (closing.aborted) return;
    if (execution.hasEnded) {
      ended.expect(runId, async () => {
        watch.ended(runId);
        await forget(runId);
      });
      return;
    }
    locks.leave(runId);
    watch.took(run);
  }

  /**
   * Leaves a run to processes that know its format and all of its actions, until its time is over.
   *
   * @throws WorkflowError `LZ_WORKFLOW_UNKNOWN`.
   */
  #refuse(run: PinnedRun): void {
    if (run.deadlineAtMs < this.#ports.clock.now()) return;
    this.#ports.sendElsewhere();
    throw new WorkflowError({
      code: 'LZ_WORKFLOW_UNKNOWN',
      message: `this process lacks an action of workflow ${run.definition.name}, or does not know its format`,
    });
  }
}

const isOfOurFormat = ({ format }: PinnedWire): boolean => (format as number) === PINNED_FORMAT;

function timeIsOver({ definition }: PinnedRun): WorkflowError {
  return new WorkflowError({
    code: 'LZ_WORKFLOW_TIMEOUT',
    message: `its time is over, and no process had every action of ${definition.name}`,
  });
}

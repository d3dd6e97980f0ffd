import type { Need } from '../document/workflow-definition.ts';
import type { Pending } from './run-handle.ts';
import { hasEnded } from './step-state.ts';
import type { StepState } from './step-state.ts';

interface Dependent {
  readonly state: StepState;
  readonly need: Need;
}

/**
 * Which steps of a set wait, run and have ended, and what they wait for. An event touches only the steps that it concerns,
 * so a step of a run with hundreds of them costs what a step of a short run costs.
 */
export class StepSet {
  readonly #dependents = new Map<string, Dependent[]>();
  /** Needs that have not ended, by step. */
  readonly #unmet = new Map<StepState, number>();
  /** Steps of which a need ended otherwise than they asked for. */
  readonly #doomed = new Set<StepState>();
  /** In declared order. */
  #waiting: StepState[];
  /** In the order in which they began. */
  readonly #running = new Set<StepState>();
  #open: number;
  #hasNews = true;

  constructor(steps: readonly StepState[]) {
    this.#waiting = [...steps];
    this.#open = steps.filter(({ plan }) => plan.isBackground !== true).length;
    const known = new Set(steps.map(({ plan }) => plan.id));
    for (const state of steps) {
      const needs = state.plan.needs.filter(({ step }) => known.has(step));
      this.#unmet.set(state, needs.length);
      for (const need of needs) this.#dependentsOf(need.step).push({ state, need });
    }
  }

  /** All have ended but those that nobody waits for. */
  get isFinished(): boolean {
    return this.#open === 0;
  }

  get running(): readonly StepState[] {
    return [...this.#running];
  }

  /** Steps that have not begun, in declared order. */
  get waiting(): readonly StepState[] {
    return this.#waiting.filter(({ status }) => status === 'waiting');
  }

  /** What the running steps wait for. */
  pendings(): Pending[] {
    const pendings: Pending[] = [];
    for (const { pending, timer } of this.#running) {
      if (pending !== undefined) pendings.push(pending);
      if (timer !== undefined) pendings.push(timer);
    }
    return pendings;
  }

  /** The running step that waits for this. */
  waitingFor(key: string): StepState | undefined {
    for (const state of this.#running)
      if (state.pending?.key === key || state.timer?.key === key) return state;
    return undefined;
  }

  /** Whether some step asked to run when this one fails. */
  isHandled(state: StepState): boolean {
    return (this.#dependents.get(state.plan.id) ?? []).some(({ need }) => need.on.includes('failed'));
  }

  began(state: StepState): void {
    this.#running.add(state);
  }

  ended(state: StepState): void {
    this.#running.delete(state);
    this.#hasNews = true;
    if (state.plan.isBackground !== true) this.#open -= 1;
    const outcome = needOutcome(state);
    for (const dependent of this.#dependents.get(state.plan.id) ?? []) {
      this.#unmet.set(dependent.state, (this.#unmet.get(dependent.state) ?? 0) - 1);
      if (!dependent.need.on.includes(outcome)) this.#doomed.add(dependent.state);
    }
  }

  /** Something else than the end of a step lets steps begin. */
  wake(): void {
    this.#hasNews = true;
  }

  /** Calls back for each step that can begin or never will, in declared order, until nothing changes any more. */
  settle(isReleased: () => boolean, decide: (state: StepState, what: 'go' | 'skip') => void): void {
    while (this.#hasNews) {
      this.#hasNews = false;
      for (const state of this.#waiting) {
        if (state.status !== 'waiting') continue;
        const what = this.#readiness(state, isReleased);
        if (what !== 'wait') decide(state, what);
      }
      this.#waiting = this.#waiting.filter(({ status }) => status === 'waiting');
    }
  }

  #readiness(state: StepState, isReleased: () => boolean): 'go' | 'wait' | 'skip' {
    if (this.#doomed.has(state)) return 'skip';
    if ((this.#unmet.get(state) ?? 0) > 0) return 'wait';
    const { heldBy } = state.plan;
    return heldBy === undefined || isReleased() || heldBy.every(hasEnded) ? 'go' : 'wait';
  }

  #dependentsOf(step: string): Dependent[] {
    let dependents = this.#dependents.get(step);
    if (dependents === undefined) this.#dependents.set(step, (dependents = []));
    return dependents;
  }
}

function needOutcome(state: StepState): 'succeeded' | 'failed' | 'skipped' {
  if (state.status === 'succeeded' || state.status === 'skipped') return state.status;
  return 'failed';
}

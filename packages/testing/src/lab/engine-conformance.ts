/**
 * What every workflow engine promises, whatever it is built on. The suite kills and freezes processes at the moments that
 * every engine has: in a body before its effect, and after it. An engine that has more (commits, replication) tests those
 * by itself.
 */
import type { RunGuard, SafePoint } from '@lazarus/core/controller';
import type { RunRequest, RunView, WorkflowEngine } from '@lazarus/core/ports';
import type { Action, WorkflowDefinition } from '@lazarus/dag';
import type { ContractRunner } from '../contracts/runner.ts';
import { createEngineLedger, SEVEN_STEPS } from './engine-ledger.ts';
import type { EngineLedger } from './engine-ledger.ts';

/** A process that drives runs. */
export interface EngineProcess {
  readonly engine: WorkflowEngine;
  /** SIGKILL: nothing that it does afterwards has an effect. */
  kill(): void;
  /** SIGSTOP and SIGCONT. */
  freeze(): void;
  thaw(): void;
}

/** What an engine provides to be examined: processes over one store. */
export interface EngineHarness {
  start(options: {
    readonly actions: readonly Action[];
    readonly workflows: readonly WorkflowDefinition[];
    /** Asked at each safe point. */
    readonly guard?: RunGuard;
  }): Promise<EngineProcess>;
  /**
   * Incident keys of the pages that the engine escalated by itself, beside the workflow; absent where it was given no
   * pager. They count with the workflow's own: a page is escalated once, whichever way.
   */
  readonly escalations?: readonly string[];
  /** Lets time pass until the condition holds; rejects after `limitMs` of the engine's time. */
  until(condition: () => boolean | Promise<boolean>, limitMs: number): Promise<void>;
  /** Moves the wall clock of all processes; absent where it cannot be moved. */
  jumpWall?(ms: number): void;
  /** Kills the server that the engine runs on, and starts it again; absent where there is none. */
  restartServer?(): Promise<void>;
  close(): Promise<void>;
}

/** Options of {@link describeEngineConformance}. */
export interface EngineConformanceOptions {
  readonly name: string;
  /** Time in which another process must have taken a dead one's runs over, milliseconds. */
  readonly takeoverMs: number;
  /** The engine runs on a server of its own, which the harness can restart: its cases are added. @defaultValue false */
  readonly hasServer?: boolean;
  create(): Promise<EngineHarness>;
}

const STEPS = ['a', 'b', 'c', 'd', 'e', 'f', 'g'] as const;
const LONG_MS = 3_600_000;

function request(workflow: string, overrides: Partial<RunRequest> = {}): RunRequest {
  return {
    runId: 'run-1',
    workflow,
    inputs: {},
    event: {
      id: 'e1',
      event_type: 'HostDown',
      source: 'conformance',
      time: '2026-01-01T00:00:00Z',
      region: 'r',
      environment: 'test',
      service: 'web',
      attributes: {},
    },
    rule: 'host_down',
    configDigest: 'digest',
    service: 'web',
    incidentKey: 'INC-1',
    lock: { kind: 'service', service: 'web' },
    timeoutMs: 1_800_000,
    ...overrides,
  };
}

/** Runs the suite with the given test runner. Keeps S1, S3, S4, S10 and S12. */
export function describeEngineConformance(runner: ContractRunner, options: EngineConformanceOptions): void {
  const { describe, it, expect } = runner;
  const scene =
    (body: (stage: Stage) => Promise<void>): (() => Promise<void>) =>
    async () => {
      const harness = await options.create();
      try {
        await body(new Stage(harness, options));
      } finally {
        await harness.close();
      }
    };

  describe(`engine conformance: ${options.name}`, () => {
    it(
      'runs every step once, in waves, and starts a run that is submitted twice once',
      scene(async (stage) => {
        const { engine } = await stage.start(SEVEN_STEPS);
        const answers = await Promise.all([
          engine.submit(request('conformance.seven')),
          engine.submit(request('conformance.seven')),
        ]);
        const run = await stage.finish(engine);
        expect([...answers].sort()).toEqual(['created', 'exists']);
        expect(run.status).toBe('succeeded');
        // b and c are one wave: which of them an engine lets run first is its own business.
        expect(stage.ledger.bodies.map((step) => (step === 'c' ? 'b' : step))).toEqual(
          STEPS.map((step) => (step === 'c' ? 'b' : step)),
        );
        for (const step of STEPS) expect(stage.count(step)).toBe(1);
        expect(stage.escalations).toEqual([]);
        expect(await engine.submit(request('conformance.seven'))).toBe('exists');
      }),
    );

    for (const moment of ['before', 'after'] as const) {
      for (const victim of STEPS) {
        it(
          `goes on in another process when the first is killed ${moment} the effect of ${victim}`,
          scene(async (stage) => {
            const first = await stage.start(SEVEN_STEPS);
            stage.killAt(first, moment, victim);
            await first.engine.submit(request('conformance.seven'));
            await stage.dead(first);
            const done = completed(stage.ledger, victim);
            const second = await stage.start(SEVEN_STEPS);
            const run = await stage.finish(second.engine);
            expect(run.status).toBe('succeeded');
            expect([...stage.ledger.effects.values()].sort()).toEqual([...STEPS]);
            for (const step of done) expect(stage.count(step)).toBe(1);
            expect(stage.count(victim)).toBeLessThanOrEqual(moment === 'after' ? 1 : 2);
            expect(stage.escalations).toEqual([]);
          }),
        );
      }
    }

    for (const moment of ['before', 'after'] as const) {
      it(
        `judges the first destructive step anew when the first process is killed ${moment} its effect`,
        scene(async (stage) => {
          const text = `metadata: { name: conformance.destroy, version: 1 }
steps:
  a: { uses: ledger.effect@1 }
  b: { uses: ledger.destroy@1, needs: [a], compensate: { uses: ledger.effect@1 } }
  c: { uses: ledger.destroy@1, needs: [b] }
`;
          const points: SafePoint[] = [];
          const guard: RunGuard = async (_run, point) => {
            points.push(point);
            return point.firstDestructive && point.evidenceAtMs === undefined
              ? { verdict: 'fail', reason: 'the evidence is old' }
              : { verdict: 'pass' };
          };
          const first = await stage.start(text, guard);
          stage.killAt(first, moment, 'b');
          await first.engine.submit(request('conformance.destroy'));
          await stage.dead(first);
          points.length = 0;
          const second = await stage.start(text, guard);
          const run = await stage.finish(second.engine);
          expect(points).toEqual([{ firstDestructive: true }]);
          expect(run).toMatchObject({
            status: 'canceled',
            page: 'escalated',
            error: { step: 'b', message: 'the evidence is old' },
          });
          // What may have happened is undone, and never repeated.
          expect([stage.count('b'), stage.count('compensate.b'), stage.count('c')]).toEqual([1, 1, 0]);
          expect(stage.escalations).toEqual(['INC-1']);
        }),
      );
    }

    it(
      'accepts nothing from a process that was frozen, replaced, and wakes up',
      scene(async (stage) => {
        const zombie = await stage.start(SEVEN_STEPS);
        let isFirst = true;
        stage.ledger.on(async (moment, step) => {
          if (moment !== 'before' || step !== 'd' || !isFirst) return;
          isFirst = false;
          zombie.freeze();
        });
        await zombie.engine.submit(request('conformance.seven'));
        await stage.harness.until(() => !isFirst, LONG_MS);
        const heir = await stage.start(SEVEN_STEPS);
        const run = await stage.finish(heir.engine);
        const bodies = [...stage.ledger.bodies];
        zombie.thaw();
        await stage.pass(2 * options.takeoverMs);
        expect(run.status).toBe('succeeded');
        expect(stage.ledger.bodies).toEqual(bodies);
        for (const step of STEPS) expect(stage.count(step)).toBeLessThanOrEqual(step === 'd' ? 2 : 1);
        expect((await heir.engine.get('run-1'))?.status).toBe('succeeded');
        expect(stage.escalations).toEqual([]);
      }),
    );

    it(
      'repeats no completed step when two branches end in another order than they began',
      scene(async (stage) => {
        const text = `metadata: { name: conformance.branches, version: 1 }
steps:
  a1: { uses: ledger.effect@1 }
  b1: { uses: ledger.effect@1 }
  a2: { uses: ledger.effect@1, needs: [a1] }
  b2: { uses: ledger.effect@1, needs: [b1] }
  b3: { uses: ledger.effect@1, needs: [b2] }
`;
        const first = await stage.start(text);
        stage.ledger.on(async (moment, step, context) => {
          if (moment === 'before' && step === 'a1')
            await context.clock.sleep(200, { signal: context.signal });
          if (moment === 'before' && step === 'b3') {
            first.kill();
            await new Promise(() => undefined);
          }
        });
        await first.engine.submit(request('conformance.branches'));
        await stage.harness.until(() => stage.count('b3') === 1, LONG_MS);
        stage.ledger.on(() => undefined);
        const second = await stage.start(text);
        const run = await stage.finish(second.engine);
        expect(run.status).toBe('succeeded');
        expect([stage.count('b1'), stage.count('b2')]).toEqual([1, 1]);
        expect(stage.ledger.effects.size).toBe(5);
      }),
    );

    const hangs: readonly (readonly [string, string, Partial<RunView>])[] = [
      [
        'a body',
        'steps: { slow: { uses: ledger.effect@1, timeout: 3s, retry: { max_attempts: 1 } } }',
        { status: 'failed', page: 'escalated' },
      ],
      [
        'a poll',
        "steps: { slow: { uses: ledger.look@1, timeout: 3s, poll: { every: 1s, until: '${{ false }}' } } }",
        { status: 'failed', page: 'escalated' },
      ],
      [
        'a compensation',
        'timeouts: { cleanup: 5s }\nsteps:\n  a: { uses: ledger.effect@1, compensate: { uses: ledger.effect@1 } }\n  slow: { uses: ledger.effect@1, needs: [a], timeout: 1s, retry: { max_attempts: 1 } }',
        { status: 'failed' },
      ],
      [
        'finally',
        'timeouts: { cleanup: 3s }\nsteps: { a: { uses: ledger.effect@1 } }\nfinally: { slow: { uses: ledger.effect@1 } }',
        { status: 'succeeded' },
      ],
    ];
    for (const [place, steps, expected] of hangs) {
      it(
        `ends a run in time when ${place} hangs`,
        scene(async (stage) => {
          stage.ledger.on(async (moment, step, { signal }) => {
            if (moment === 'before' && /slow|compensate/.test(step) && !step.startsWith('a'))
              await untilAborted(signal);
          });
          const { engine } = await stage.start(
            `metadata: { name: conformance.hang, version: 1 }\n${steps}\n`,
          );
          await engine.submit(request('conformance.hang', { timeoutMs: 20_000 }));
          const run = await stage.finish(engine, 120_000);
          expect(run).toMatchObject(expected);
          expect(stage.escalations).toEqual(expected.status === 'failed' ? ['INC-1'] : []);
        }),
      );
    }

    it(
      'keeps a run on the definition that it started with when the document changes',
      scene(async (stage) => {
        const first = await stage.start(SEVEN_STEPS);
        stage.killAt(first, 'before', 'd');
        await first.engine.submit(request('conformance.seven'));
        await stage.dead(first);
        const edited = SEVEN_STEPS.replace('version: 1', 'version: 2').replace(
          '  g: { uses: ledger.effect@1, needs: [f] }\n',
          '',
        );
        const second = await stage.start(edited);
        const run = await stage.finish(second.engine);
        expect(run.steps.map(({ step }) => step)).toEqual([...STEPS]);
        expect(run.definition_digest).toBe(stage.ledger.workflow(SEVEN_STEPS).digest);
      }),
    );

    it(
      'leaves a run alone in a process that lacks one of its actions, and goes on in one that has it',
      scene(async (stage) => {
        const first = await stage.start(SEVEN_STEPS);
        stage.killAt(first, 'before', 'c');
        await first.engine.submit(request('conformance.seven'));
        await stage.dead(first);
        const without = stage.ledger.actions.filter(({ name }) => name !== 'ledger.effect');
        const stranger = await stage.harness.start({ actions: without, workflows: [] });
        await stage.pass(2 * options.takeoverMs);
        expect((await stranger.engine.get('run-1'))?.status).toBe('running');
        const second = await stage.start(SEVEN_STEPS);
        expect((await stage.finish(second.engine)).status).toBe('succeeded');
      }),
    );

    for (const moment of options.hasServer === true ? (['before', 'after'] as const) : []) {
      it(
        `goes on when the server of the engine is killed ${moment} an effect and started again`,
        scene(async (stage) => {
          const { engine } = await stage.start(SEVEN_STEPS);
          let restarts = 0;
          let isBack = false;
          stage.ledger.on(async (now, step) => {
            if (now !== moment || step !== 'd' || restarts > 0) return;
            restarts += 1;
            await stage.harness.restartServer?.();
            isBack = true;
          });
          await engine.submit(request('conformance.seven'));
          await stage.harness.until(() => isBack, LONG_MS);
          const run = await stage.finish(engine);
          expect([run.status, restarts]).toEqual(['succeeded', 1]);
          expect([...stage.ledger.effects.values()].sort()).toEqual([...STEPS]);
          for (const step of STEPS) {
            expect(stage.count(step)).toBeLessThanOrEqual(step === 'd' && moment === 'before' ? 2 : 1);
          }
        }),
      );
    }

    it(
      'refuses a workflow that does not exist and inputs that do not fit',
      scene(async (stage) => {
        const { engine } = await stage.start(
          'metadata: { name: conformance.input, version: 1 }\ninputs: { host: { type: string, required: true } }\nsteps: { a: { uses: ledger.effect@1 } }\n',
        );
        expect(await codeOf(engine.submit(request('conformance.inptu')))).toBe('LZ_WORKFLOW_UNKNOWN');
        expect(await codeOf(engine.submit(request('conformance.input')))).toBe('LZ_WORKFLOW_INPUT');
        expect(
          await codeOf(engine.submit(request('conformance.input', { inputs: { host: 'i-1', hsot: 'i-2' } }))),
        ).toBe('LZ_WORKFLOW_INPUT');
        expect(await engine.get('run-1')).toBeUndefined();
      }),
    );

    it(
      'refuses a run that was decided about another definition than the one it has',
      scene(async (stage) => {
        const { engine } = await stage.start(SEVEN_STEPS);
        const { digest } = stage.ledger.workflow(SEVEN_STEPS);
        const edited = stage.ledger.workflow(SEVEN_STEPS.replace('version: 1', 'version: 2'));
        expect(
          await codeOf(engine.submit(request('conformance.seven', { workflowDigest: edited.digest }))),
        ).toBe('LZ_WORKFLOW_CHANGED');
        expect(await engine.get('run-1')).toBeUndefined();
        expect(stage.ledger.bodies).toEqual([]);
        await engine.submit(request('conformance.seven', { workflowDigest: digest }));
        expect((await stage.finish(engine)).definition_digest).toBe(digest);
      }),
    );

    it(
      'stops at the next safe point when it is canceled, tells a human once, and calls back once',
      scene(async (stage) => {
        const { engine } = await stage.start(
          "metadata: { name: conformance.poll, version: 1 }\nsteps: { wait: { uses: ledger.look@1, timeout: 1h, poll: { every: 1s, until: '${{ false }}' } } }\n",
        );
        const finished: RunView[] = [];
        engine.onFinished((run) => finished.push(run));
        await engine.submit(request('conformance.poll'));
        await stage.harness.until(() => stage.count('wait') >= 2, LONG_MS);
        await engine.cancel('run-1', 'a person took over');
        const run = await stage.finish(engine);
        expect(run).toMatchObject({
          status: 'canceled',
          page: 'escalated',
          error: { message: 'a person took over' },
        });
        expect(stage.escalations).toEqual(['INC-1']);
        // An engine tells once the end is durable, which may be a moment after it can be read.
        await stage.harness.until(() => finished.length > 0, LONG_MS);
        await engine.cancel('run-1', 'a person took over');
        expect(finished.length).toBe(1);
      }),
    );

    it(
      'ends a run at its absolute deadline, also when the process dies and another one takes over',
      scene(async (stage) => {
        const text =
          'metadata: { name: conformance.long, version: 1 }\nsteps:\n  a: { uses: ledger.effect@1 }\n  rest: { wait: 10h, needs: [a] }\n';
        const first = await stage.start(text);
        await first.engine.submit(request('conformance.long', { timeoutMs: 4 * options.takeoverMs }));
        await stage.harness.until(() => stage.ledger.effects.size === 1, LONG_MS);
        await stage.pass(options.takeoverMs);
        first.kill();
        const second = await stage.start(text);
        const run = await stage.finish(second.engine);
        expect(run).toMatchObject({ status: 'timed_out', page: 'escalated' });
        expect(stage.escalations).toEqual(['INC-1']);
        const lateMs = Date.parse(run.ended_at ?? '') - Date.parse(run.deadline_at);
        expect(lateMs).toBeLessThanOrEqual(60_000);
        expect(Date.parse(run.deadline_at) - Date.parse(run.started_at)).toBe(4 * options.takeoverMs);
      }),
    );

    it(
      'goes on over a wall clock that jumps back and forth by a minute',
      scene(async (stage) => {
        const { harness } = stage;
        const { engine } = await stage.start(SEVEN_STEPS);
        let jumps = 0;
        stage.ledger.on((moment) => {
          if (moment !== 'before' || harness.jumpWall === undefined) return;
          jumps += 1;
          harness.jumpWall(jumps % 2 === 0 ? -60_000 : 60_000);
        });
        await engine.submit(request('conformance.seven'));
        const run = await stage.finish(engine);
        expect(run.status).toBe('succeeded');
        for (const step of STEPS) expect(stage.count(step)).toBe(1);
      }),
    );
  });
}

/** One scene of the suite: a ledger, and processes over one store. */
class Stage {
  readonly ledger = createEngineLedger();
  readonly harness: EngineHarness;
  readonly #options: EngineConformanceOptions;
  readonly #dead = new Set<EngineProcess>();

  constructor(harness: EngineHarness, options: EngineConformanceOptions) {
    this.harness = harness;
    this.#options = options;
  }

  start(text: string, guard?: RunGuard): Promise<EngineProcess> {
    return this.harness.start({
      actions: this.ledger.actions,
      workflows: [this.ledger.workflow(text)],
      ...(guard === undefined ? {} : { guard }),
    });
  }

  killAt(process: EngineProcess, moment: 'before' | 'after', victim: string): void {
    this.ledger.on(async (now, step) => {
      if (now !== moment || step !== victim || this.#dead.has(process)) return;
      this.#dead.add(process);
      process.kill();
      await new Promise(() => undefined);
    });
  }

  async dead(process: EngineProcess): Promise<void> {
    await this.harness.until(() => this.#dead.has(process), LONG_MS);
  }

  /** By the workflow and by the engine. */
  get escalations(): readonly string[] {
    return [...this.ledger.escalations, ...(this.harness.escalations ?? [])];
  }

  count(step: string): number {
    return this.ledger.bodies.filter((body) => body === step).length;
  }

  /** Waits until the run has ended; the limit leaves time for a takeover. */
  async finish(engine: WorkflowEngine, limitMs = LONG_MS): Promise<RunView> {
    let run: RunView | undefined;
    await this.harness.until(async () => {
      run = await engine.get('run-1');
      return run !== undefined && run.status !== 'running';
    }, limitMs + this.#options.takeoverMs);
    if (run === undefined) throw new Error('the run is gone');
    return run;
  }

  async pass(ms: number): Promise<void> {
    let isOver = false;
    await this.harness
      .until(() => isOver, ms)
      .catch(() => {
        isOver = true;
      });
  }
}

/** Steps that had certainly completed when the victim's body ran: all before it in the order of the waves. */
function completed(ledger: EngineLedger, victim: string): readonly string[] {
  const isPair = victim === 'b' || victim === 'c';
  const before = STEPS.slice(0, STEPS.indexOf(victim as (typeof STEPS)[number]));
  return before.filter((step) => ledger.bodies.includes(step) && !(isPair && (step === 'b' || step === 'c')));
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    return String((error as { readonly code?: unknown }).code);
  }
}

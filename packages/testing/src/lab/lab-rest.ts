import type { LabAgenda } from './lab-agenda.ts';
import type { LabIntake } from './lab-intake.ts';
import type { LabNodes } from './lab-nodes.ts';
import type { LabResults } from './lab-results.ts';
import type { LabSetting } from './lab-setting.ts';

const SWEEP_MS = 5_000;

/** How time passes in a lab. */
export interface LabRest {
  /** @throws an Error with the trace when the lab does not come to rest within this time, milliseconds. */
  untilIdle(maxMs: number): Promise<void>;
  /** Lets time pass until this is done. */
  whileTimePasses<T>(work: Promise<T>): Promise<T>;
  /** Lets living nodes finish what others left behind, again and again. */
  sweepUntil(isOver: () => boolean): Promise<void>;
}

/** Creates the {@link LabRest} of a lab. */
export function createLabRest(
  { clock, world }: LabSetting,
  about: {
    readonly agenda: LabAgenda;
    readonly intake: LabIntake;
    readonly nodes: LabNodes;
    readonly results: LabResults;
  },
): LabRest {
  const { agenda, intake, nodes, results } = about;

  /** Idle: nothing is planned, and every living node has nothing left to do. */
  const isIdle = async (): Promise<boolean> => {
    if (!agenda.isEmpty) return false;
    if (nodes.living.length === 0) return true;
    if (!(await intake.isAllConcluded())) return false;
    if ((await world.journal.list({ status: 'running', limit: 1 })).length > 0) return false;
    const { audit } = world;
    return (await audit.openRuns()).length === 0 && (await audit.openAttachments()).length === 0;
  };

  return {
    untilIdle: async (maxMs) => {
      const untilMs = clock.monotonic() + maxMs;
      await clock.settle();
      for (;;) {
        agenda.rethrow();
        if (await isIdle()) return;
        const leftMs = untilMs - clock.monotonic();
        if (leftMs <= 0) {
          const text = `the lab did not come to rest within ${maxMs} ms`;
          throw new Error([text, ...(await results.trace())].join('\n'));
        }
        await clock.advance(Math.min(clock.nextInMs ?? SWEEP_MS, leftMs));
      }
    },
    whileTimePasses: async (work) => {
      const progress = { isDone: false };
      const done = work.finally(() => {
        progress.isDone = true;
      });
      done.catch(() => undefined);
      await clock.settle();
      while (!progress.isDone) await clock.advance(clock.nextInMs ?? SWEEP_MS);
      return done;
    },
    sweepUntil: async (isOver) => {
      for (;;) {
        await clock.sleep(SWEEP_MS);
        if (isOver()) return;
        for (const node of nodes.living) void node.outcomes.sweep().catch(agenda.fail);
      }
    },
  };
}

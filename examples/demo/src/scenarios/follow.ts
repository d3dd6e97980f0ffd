import { LADDER } from '@lazarus/core';
import type { DecisionRecord } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import { renderGateLine } from '@lazarus/cli';
import { poll } from '../world/http.ts';
import type { Stage } from './scenario.ts';

/** Waits for the first decision about a service that is not about an attached alarm, and prints every gate of it. */
export async function followDecision(
  stage: Stage,
  about: {
    readonly service: string;
    readonly since: ReadonlySet<string>;
    readonly startedMs: number;
    readonly withinMs: number;
  },
): Promise<DecisionRecord | undefined> {
  const { views, terminal } = stage;
  const record = await poll(
    async () =>
      (await views.decisions(about.service)).findLast(
        (one) => !about.since.has(one.event_id) && one.decision.kind !== 'suppress' && isConcluded(one),
      ),
    { withinMs: about.withinMs },
  );
  if (record === undefined) return undefined;
  terminal.timed(
    about.startedMs,
    'event',
    `${record.event_type} about ${record.service} ${record.host ?? ''} from ${record.source}`,
  );
  for (const gate of record.gates)
    terminal.line(`         ${renderGateLine(gate, { color: terminal.color })}`);
  for (const rung of LADDER.slice(record.gates.length)) {
    terminal.line(
      terminal.paint(
        'dim',
        `         ${String(rung.number).padStart(2)} ${rung.title.padEnd(15)} not reached`,
      ),
    );
  }
  return record;
}

/** Prints each step of a run as it ends, until the run has ended. */
export async function followRun(
  stage: Stage,
  about: { readonly runId: string; readonly startedMs: number; readonly withinMs: number },
): Promise<RunView | undefined> {
  const told = new Set<string>();
  const { views, terminal } = stage;
  return poll(
    async () => {
      const run = await views.run(about.runId);
      for (const step of run?.steps ?? []) {
        if (told.has(step.step) || !['succeeded', 'failed', 'compensated'].includes(step.status)) continue;
        told.add(step.step);
        const mark =
          step.status === 'succeeded' ? terminal.paint('green', 'done') : terminal.paint('red', step.status);
        terminal.timed(
          about.startedMs,
          'run',
          `${mark} ${step.step} (${step.uses})${step.error === undefined ? '' : `: ${step.error.message}`}`,
        );
      }
      return run === undefined || run.status === 'running' ? undefined : run;
    },
    { withinMs: about.withinMs },
  );
}

/** A decision to remediate is on record before the page is acknowledged; its last gate is written after that. */
function isConcluded(record: DecisionRecord): boolean {
  return record.decision.kind !== 'remediate' || record.gates.some(({ gate }) => gate === 'run');
}

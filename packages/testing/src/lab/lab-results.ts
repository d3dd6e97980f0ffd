import type { DecisionRecord } from '@lazarus/core';
import type { DryRuns, RunView } from '@lazarus/core/ports';
import { coverageOf } from './lab-coverage.ts';
import type { LabCoverage } from './lab-coverage.ts';
import type { LabIntake } from './lab-intake.ts';
import type { LabNodes } from './lab-nodes.ts';
import type { LabSetting } from './lab-setting.ts';
import { outcomeOf, wouldOf } from './lab-outcome.ts';
import type { LabOutcome } from './lab-outcome.ts';
import { traceOfLab } from './lab-trace.ts';
import type { LabDiary } from './lab-trace.ts';

/** What a lab tells of what happened in it. */
export interface LabResults {
  outcome(eventId: string): Promise<LabOutcome>;
  decisions(): Promise<readonly DecisionRecord[]>;
  runs(): Promise<readonly RunView[]>;
  trace(): Promise<readonly string[]>;
  coverage(): Promise<LabCoverage>;
}

/** Creates the {@link LabResults} of a lab in which nothing has happened. */
export function createLabResults(
  setting: LabSetting,
  about: {
    readonly nodes: LabNodes;
    readonly intake: LabIntake;
    readonly diary: LabDiary;
    readonly dryRuns: DryRuns;
  },
): LabResults {
  const { config, mockWorld, startedAtMs, world } = setting;
  const { nodes, intake, diary, dryRuns } = about;

  const decisions = async (): Promise<readonly DecisionRecord[]> =>
    world.audit.entries.flatMap((entry) => (entry.kind === 'terminal' ? [entry.record] : []));
  const runs = async (): Promise<readonly RunView[]> => {
    const summaries = await world.journal.list({ limit: 1_000 });
    const views = await Promise.all(summaries.map(({ runId }) => nodes.run(runId)));
    return views.filter((view) => view !== undefined).reverse();
  };
  const trace = async (): Promise<readonly string[]> =>
    traceOfLab({
      startedAtMs,
      records: await decisions(),
      runs: await runs(),
      calls: mockWorld.calls,
      deeds: diary.deeds,
      would: (record) => wouldOf(record, dryRuns),
    });

  return {
    outcome: async (eventId) => {
      const { incidentKey, emittedAtMs } = intake.find(eventId);
      const found = await world.audit.byEvent(eventId);
      const record = found?.terminal === true ? found.record : undefined;
      const runId = record !== undefined && 'run_id' in record.decision ? record.decision.run_id : undefined;
      return outcomeOf({
        eventId,
        emittedAtMs,
        record,
        run: runId === undefined ? undefined : await nodes.run(runId),
        page: incidentKey === undefined ? undefined : world.pager.pageOf(incidentKey),
        calls: mockWorld.calls,
        trace: await trace(),
        dryRuns,
      });
    },
    decisions,
    runs,
    trace,
    coverage: async () => coverageOf(config.snapshot, await decisions(), await runs()),
  };
}

import type { DecisionRecord, LazarusEvent } from '@lazarus/core';
import type { Lab, LabEvent, LabOptions } from './lab-options.ts';
import type { LabSetting } from './lab-setting.ts';
import { recordedEvent, recordedMembers, recordedReplies, replayDifference } from './replay.ts';
import type { ReplayDifference } from './replay.ts';

/**
 * Decides recorded events again under the rules of a lab, each in a lab of its own with the recorded votes.
 *
 * @param create - Makes those labs.
 */
export async function replayRecords(
  records: readonly DecisionRecord[],
  setting: LabSetting,
  create: (options: LabOptions) => Promise<Lab>,
): Promise<readonly ReplayDifference[]> {
  const differences: ReplayDifference[] = [];
  for (const record of records) {
    const event = recordedEvent(record);
    if (event === undefined) continue;
    const difference = replayDifference(record, await decideAgain(record, event, setting, create));
    if (difference !== undefined) differences.push(difference);
  }
  return differences;
}

async function decideAgain(
  record: DecisionRecord,
  event: LazarusEvent,
  { config, options }: LabSetting,
  create: (options: LabOptions) => Promise<Lab>,
): Promise<DecisionRecord | undefined> {
  const { members: nodes, absent } = recordedMembers(record);
  await using lab = await create({
    config,
    startAt: event.time,
    region: event.region,
    seed: options.seed ?? 1,
    prechecks: recordedReplies(record, config.preconditions),
    ...(nodes.length === 0 ? {} : { nodes }),
  });
  const alive = nodes.find(({ id }) => !absent.includes(id));
  for (const id of absent) lab.fault.crash(id);
  const outcome = await lab.send(asEmitted(event), alive === undefined ? {} : { node: alive.id });
  return outcome.record;
}

/** A recorded event that named no page gets none. */
function asEmitted({ incident_key: incidentKey, ...event }: LazarusEvent): LabEvent {
  return { ...event, incident_key: incidentKey ?? null };
}

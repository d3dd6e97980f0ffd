import type { RolloutRecord, RolloutStore } from '../ports/rollout-store.ts';

/** Creates the rollout state for the nodes of one process. */
export function createMemoryRolloutStore(
  options: {
    /** Records from before this process started. */
    readonly history?: readonly RolloutRecord[];
    /** Makes a record durable; when it rejects, nothing has changed. */
    readonly save?: (record: RolloutRecord) => Promise<void>;
  } = {},
): RolloutStore {
  const records = new Map((options.history ?? []).map((record) => [record.profile, record]));
  let saving: Promise<unknown> = Promise.resolve();
  const save = async (record: RolloutRecord): Promise<boolean> => {
    if (record.epoch !== (records.get(record.profile)?.epoch ?? 0) + 1) return false;
    await options.save?.(record);
    records.set(record.profile, record);
    return true;
  };
  return {
    load: async () => [...records.values()],
    // One at a time: between the comparison and the write nobody else may come.
    save: (record) => {
      const saved = saving.then(() => save(record));
      saving = saved.catch(() => undefined);
      return saved;
    },
  };
}

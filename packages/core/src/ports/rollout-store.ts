import type { RolloutState } from '../rollout/rollout.ts';
import type { ConfigDocument } from './config-source.ts';

/** What is known about the edits of one profile: the version that everybody has, and the one that is on its way. */
export interface RolloutRecord {
  readonly profile: string;
  /** Grows with every change. */
  readonly epoch: number;
  /** The profile that all subscribers have, or had before the rollout. */
  readonly accepted: { readonly edit: string; readonly document: ConfigDocument };
  /** Absent when everybody has what is accepted. */
  readonly rollout?: RolloutState;
}

/** Where the nodes of a region keep how far each rollout is; durable, and the same for all of them. Keeps S15. */
export interface RolloutStore {
  /** @throws PortError `LZ_CONFIG_UNREADABLE`; the caller keeps the configuration it has. */
  load(): Promise<readonly RolloutRecord[]>;
  /**
   * Writes a record whose epoch is one more than that of the stored one (1 when there is none); `false` when another node
   * was faster. @throws PortError `LZ_CONFIG_UNREADABLE`.
   */
  save(record: RolloutRecord): Promise<boolean>;
}

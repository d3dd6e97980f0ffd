import type { RunView } from '@lazarus/core/ports';
import { startLabNode } from './lab-node.ts';
import type { LabNode } from './lab-node.ts';
import type { LabSetting } from './lab-setting.ts';

/** The nodes of a lab, those that died included. */
export interface LabNodes {
  /** Starts a member, or starts it again as another process. */
  start(id: string): Promise<void>;
  /** @throws an Error when the lab has no such node. */
  get(id: string): LabNode;
  readonly living: readonly LabNode[];
  /** A run as the node shows it that reads it; `undefined` when nobody knows it. */
  run(runId: string): Promise<RunView | undefined>;
  close(): Promise<void>;
}

/** Creates {@link LabNodes} of which none has started. */
export function createLabNodes(setting: LabSetting): LabNodes {
  const { membership, world } = setting;
  const nodes = new Map<string, LabNode>();
  const lives = new Map<string, number>();
  const living = (): readonly LabNode[] => [...nodes.values()].filter(({ isDead }) => !isDead);

  /** A run that has not ended, as the node has it that drives it. */
  const driven = async (runId: string): Promise<RunView | undefined> => {
    const driver = living().find(({ engine }) => engine.activeRuns.includes(runId));
    if (driver === undefined || (await world.journal.view(runId)) !== undefined) return undefined;
    const run = await driver.engine.get(runId);
    return run?.status === 'running' ? run : undefined;
  };

  return {
    start: async (id) => {
      const member = membership.members.find((each) => each.id === id);
      if (member === undefined) throw new Error(`the lab has no node ${id}`);
      const life = (lives.get(id) ?? 0) + 1;
      lives.set(id, life);
      nodes.set(id, await startLabNode({ ...setting, member, life, driven }));
    },
    get: (id) => {
      const node = nodes.get(id);
      if (node === undefined)
        throw new Error(`the lab has no node ${id}, only ${[...nodes.keys()].join(', ')}`);
      return node;
    },
    get living() {
      return living();
    },
    run: async (runId) => {
      const [node] = living();
      return (await node?.engine.get(runId)) ?? (await world.journal.view(runId));
    },
    close: async () => {
      await Promise.all([...nodes.values()].map((node) => node.close()));
    },
  };
}

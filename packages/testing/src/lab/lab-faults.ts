import type { LabIntake } from './lab-intake.ts';
import type { LabNodes } from './lab-nodes.ts';
import { durationMs } from './lab-options.ts';
import type { LabFaults } from './lab-options.ts';
import type { LabSetting } from './lab-setting.ts';
import type { LabDiary } from './lab-trace.ts';

/** The {@link LabFaults} of a lab. */
export function createLabFaults(
  { network, world }: LabSetting,
  nodes: LabNodes,
  intake: LabIntake,
  diary: LabDiary,
): LabFaults {
  return {
    crash: (node) => {
      diary.note(`${node} crashes`);
      nodes.get(node).kill();
      intake.takeFrom(node);
    },
    restart: async (node) => {
      diary.note(`${node} starts again`);
      if (!nodes.get(node).isDead) return;
      network.setDead(node, false);
      await nodes.start(node);
      await intake.giveTo(node);
    },
    partition: (...sides) => {
      for (const node of sides.flat()) nodes.get(node);
      diary.note(`partition: ${sides.map((side) => side.join('+')).join(' | ')}`);
      network.partition(sides);
    },
    heal: () => {
      diary.note('the network heals');
      network.heal();
    },
    delay: (from, to, by) => network.delay(nodes.get(from).id, nodes.get(to).id, durationMs(by)),
    loseLock: async (target) => {
      diary.note(`the lock on ${target.service} is lost`);
      await world.locks.breakLock(target);
    },
  };
}

import { createController } from '@lazarus/core/controller';
import type { ControllerPorts } from '@lazarus/core/controller';
import type { Lane } from '@lazarus/core/stream';
import type { Node } from './nodes.ts';
import type { Settings } from './settings.ts';
import type { StreamParts } from './stream.ts';
import type { Undo } from './undo.ts';

/** A lane for each node of this process: its own part of the stream, and its own controller. */
export async function openLanes(
  { region, locks }: Settings,
  nodes: readonly [Node, ...Node[]],
  stream: StreamParts,
  onClose: Undo['onClose'],
  ports: Omit<ControllerPorts, 'fleet' | 'voters' | 'windows'>,
): Promise<readonly [Lane, ...Lane[]]> {
  const lanes: Lane[] = [];
  for (const { id, fleet, voters, windows } of nodes) {
    const controller = onClose(
      createController({ node: id, region, lockTtlMs: locks.ttl }, { ...ports, fleet, voters, windows }),
      (it) => it.close(),
    );
    const sensor = await stream.sensorFor(id, ({ payload, position, nacks, reason }) =>
      controller.giveUp(payload, {
        position,
        reason: `given back ${nacks} times, at last because ${reason}`,
      }),
    );
    lanes.push({ sensor, controller });
  }
  return lanes as unknown as readonly [Lane, ...Lane[]];
}

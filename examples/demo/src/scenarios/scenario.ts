import type { Terminal } from '../render/terminal.ts';
import type { Views } from '../world/views.ts';
import type { World } from '../world/world.ts';

/** What a scenario works with. */
export interface Stage {
  readonly world: World;
  readonly views: Views;
  readonly terminal: Terminal;
}

/** What a scenario came to; the demo prints it as its last line. */
export interface Outcome {
  /** Whether it came as it should. */
  readonly ok: boolean;
  readonly result: Readonly<Record<string, unknown>>;
}

/** One story that the demo tells. */
export interface Scenario {
  readonly name: string;
  readonly summary: string;
  play(stage: Stage): Promise<Outcome>;
}

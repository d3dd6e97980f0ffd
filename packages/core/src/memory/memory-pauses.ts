import { PortError } from '../errors/lazarus-error.ts';
import { parseOptions } from '../errors/parse-options.ts';
import { activePause, PauseSchema, splitByScope, withoutEnded } from '../pauses/pause-table.ts';
import type { Clock } from '../ports/clock.ts';
import type { Pause, Pauses } from '../ports/pauses.ts';

/** Most pauses at a time; one more is refused, because somebody's program is running wild. */
const MAX_PAUSES = 1_000;

/**
 * Creates the kill switch for the nodes of one process.
 *
 * A pause takes effect before it is saved, and a lifted one stays in effect until that is saved: in doubt, paused.
 * Keeps S14.
 */
export function createMemoryPauses(options: {
  readonly clock: Pick<Clock, 'now'>;
  /** Pauses from before this process started. */
  readonly history?: readonly Pause[];
  /** Makes the list durable; when it rejects, so does the call that changed the list. */
  readonly save?: (pauses: readonly Pause[]) => Promise<void>;
}): Pauses {
  const { clock, save } = options;
  let pauses: readonly Pause[] = options.history ?? [];

  return {
    active: (scope) => activePause(pauses, scope, clock.now()),
    list: async () => withoutEnded(pauses, clock.now()),
    set: async (pause) => {
      parseOptions('a pause', PauseSchema, pause);
      const current = withoutEnded(pauses, clock.now());
      if (current.length >= MAX_PAUSES) {
        const message = `there are ${MAX_PAUSES} pauses already; lift some of them first`;
        throw new PortError({ code: 'LZ_PAUSE_UNAVAILABLE', message, retryable: false });
      }
      pauses = [...current, pause];
      await save?.(pauses);
    },
    clear: async (scope) => {
      const { cleared, rest } = splitByScope(withoutEnded(pauses, clock.now()), scope);
      await save?.(rest);
      pauses = pauses.filter((pause) => !cleared.includes(pause));
      return cleared.length;
    },
  };
}

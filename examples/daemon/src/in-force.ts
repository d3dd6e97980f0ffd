import { describeError, isLazarusError } from '@lazarus/core';
import type { CompiledSnapshot, Rollouts } from '@lazarus/core/config';
import type { Logger } from '@lazarus/core/ports';
import type { Configuration } from './configuration.ts';

/** How often the shared state of rollouts is looked at: well below the hold-down of 10 s, so that nodes agree before they vote. */
export const LOOK_EVERY_MS = 2_000;

/** Told of what comes into force: the snapshot, and the configuration that it was made from. */
type Listener = (snapshot: CompiledSnapshot, configuration: Configuration) => void;

/** Keeps what is in force in step with the documents and with the rollouts that all nodes share. */
export interface InForce {
  /** What it was made from; absent while nothing is in force. */
  readonly configuration: Configuration | undefined;
  /**
   * Takes a configuration. `false` when it was refused, or when the state of rollouts cannot be read: what was in force stays
   * so, nothing where nothing was, and in the second case it is taken as soon as that can be read. Keeps S15.
   *
   * @throws ConfigurationError `LZ_CONFIG_INVALID` when it is refused and nothing is in force.
   */
  take(configuration: Configuration): Promise<boolean>;
  /** Moves rollouts on, or takes what waits. @throws as `take` does. */
  look(): Promise<void>;
  /** Calls back at every change, and at once when something is in force. */
  onChange(listener: Listener): void;
}

/** Creates {@link InForce}; nothing is in force. */
export function createInForce(rollouts: Pick<Rollouts, 'load' | 'tick'>, log: Logger): InForce {
  const listeners: Listener[] = [];
  let current: Parameters<Listener> | undefined;
  let waiting: Configuration | undefined;

  function use(snapshot: CompiledSnapshot, configuration: Configuration): void {
    current = [snapshot, configuration];
    for (const listener of listeners) listener(snapshot, configuration);
    log.info('configuration in force', { digest: snapshot.digest.slice(0, 12) });
  }

  async function take(configuration: Configuration): Promise<boolean> {
    try {
      use(await rollouts.load(configuration.documents, configuration.catalog), configuration);
      waiting = undefined;
      return true;
    } catch (error) {
      const isUnreadable = isLazarusError(error) && error.code === 'LZ_CONFIG_UNREADABLE';
      waiting = isUnreadable ? configuration : undefined;
      // Without anything in force a mistake is for whoever starts the daemon.
      if (!isUnreadable && current === undefined) throw error;
      const when = isUnreadable ? 'is not in force until the state of rollouts can be read' : 'was refused';
      log.error(`the new configuration ${when}; what was in force stays so`, { error: describeError(error) });
      return false;
    }
  }

  return {
    get configuration() {
      return current?.[1];
    },
    take,
    async look() {
      if (waiting !== undefined) {
        await take(waiting);
        return;
      }
      const snapshot = await rollouts.tick();
      if (snapshot !== undefined && current !== undefined) use(snapshot, current[1]);
    },
    onChange(listener) {
      listeners.push(listener);
      if (current !== undefined) listener(...current);
    },
  };
}

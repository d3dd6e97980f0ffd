import { createEmbeddedEngine } from '@lazarus/dag';
import type { EmbeddedEngine, EngineOptions } from '@lazarus/dag';
import type { Settings } from './settings.ts';

/** The engine of the settings, as the daemon uses it. */
export type Engine = Pick<
  EmbeddedEngine,
  'submit' | 'get' | 'cancel' | 'onFinished' | 'setWorkflows' | 'health' | 'close'
>;

/** Opens the engine that the settings name. */
export async function openEngine({ engine, locks }: Settings, options: EngineOptions): Promise<Engine> {
  const times = { leaseTtlMs: engine.lease, lockTtlMs: locks.ttl };
  return createEmbeddedEngine({ ...options, file: engine.journal, times });
}

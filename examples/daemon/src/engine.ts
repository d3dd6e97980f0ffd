import { createEmbeddedEngine } from '@lazarus/dag';
import type { EmbeddedEngine, EngineOptions } from '@lazarus/dag';
import { createRestateEngine } from '@lazarus/engine-restate';
import { linesOf } from './secrets.ts';
import type { Settings } from './settings.ts';

/** The engine of the settings, as the daemon uses it. */
export type Engine = Pick<
  EmbeddedEngine,
  'submit' | 'get' | 'cancel' | 'onFinished' | 'setWorkflows' | 'health' | 'close'
>;

/** Opens the engine that the settings name. */
export async function openEngine({ engine, locks }: Settings, options: EngineOptions): Promise<Engine> {
  if (engine.kind === 'embedded') {
    const times = { leaseTtlMs: engine.lease, lockTtlMs: locks.ttl };
    return createEmbeddedEngine({ ...options, file: engine.journal, times });
  }
  const { servers, listen, service_url: serviceUrl, identity_keys: identityKeys } = engine;
  const keyFile = engine.submission_key_file;
  // A file that is empty is a key that is too short, and not none.
  const submissionKey = keyFile === undefined ? undefined : ((await linesOf(keyFile))[0] ?? '');
  return createRestateEngine(
    {
      servers: servers.map(({ ingress, admin }) => ({ ingressUrl: ingress, adminUrl: admin })),
      listen,
      identityKeys,
      times: { lockTtlMs: locks.ttl },
      ...(serviceUrl === undefined ? {} : { serviceUrl }),
      ...(submissionKey === undefined ? {} : { submissionKey }),
    },
    options,
  );
}

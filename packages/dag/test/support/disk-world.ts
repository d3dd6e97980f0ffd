import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Host, PageResult } from '@lazarus/core/ports';
import { aHost } from '@lazarus/testing';
import type { ActionPorts } from '../../src/index.ts';

/** A provider and a pager in a folder: what they did outlives the processes that asked for it. */
export function createDiskWorld(folder: string, point: (name: string) => void): ActionPorts {
  const at = (...parts: readonly string[]): string => join(folder, ...parts);
  for (const name of ['launched', 'in-service', 'lifecycle', 'page'])
    mkdirSync(at(name), { recursive: true });

  const log = (what: string, target: string, key: string): void =>
    appendFileSync(at('calls.log'), `${JSON.stringify({ what, target, key })}\n`);
  const call = async <T>(what: string, target: string, key: string, work: () => T): Promise<T> => {
    point(`before ${what}`);
    log(what, target, key);
    const result = work();
    point(`after ${what}`);
    return result;
  };
  const put = (file: string, text: string): void => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  const launched = (key: string): string | undefined =>
    existsSync(at('launched', key)) ? readFileSync(at('launched', key), 'utf8') : undefined;
  const hostOf = (hostId: string): Host => aHost({ hostId, state: 'running' });
  const page = (status: 'acknowledged' | 'resolved' | 'triggered', level: number): PageResult => {
    put(at('page', 'status'), status);
    return {
      done: true,
      changed: true,
      page: { incidentKey: 'INC-1', pageId: 'P', status, escalationLevel: level, takenByHuman: false },
    };
  };

  return {
    hosts: {
      clone: ({ idempotencyKey }) =>
        call('clone', 'i-old', idempotencyKey, () => {
          const known = launched(idempotencyKey);
          if (known !== undefined) return { hostId: known, zone: 'a' };
          const hostId = `i-new${readdirSync(at('launched')).length + 1}`;
          put(at('launched', idempotencyKey), hostId);
          return { hostId, zone: 'a' };
        }),
      findClone: async ({ idempotencyKey }) => launched(idempotencyKey),
      describe: async (hostId) => hostOf(hostId),
      setLifecycle: ({ hostId, lifecycle, idempotencyKey }) =>
        call(`set ${lifecycle}`, hostId, idempotencyKey, () => put(at('lifecycle', hostId), lifecycle)),
      terminate: ({ hostId, idempotencyKey }) =>
        call('terminate', hostId, idempotencyKey, () => put(at('lifecycle', hostId), 'terminated')),
      reboot: ({ hostId, idempotencyKey }) => call('reboot', hostId, idempotencyKey, () => undefined),
    },
    loadBalancer: {
      remove: ({ hostId, idempotencyKey }) =>
        call(
          'lb.remove',
          hostId,
          idempotencyKey,
          () => (put(at('in-service', hostId), 'no'), { groups: ['tg'] }),
        ),
      add: ({ hostId, idempotencyKey }) =>
        call(
          'lb.add',
          hostId,
          idempotencyKey,
          () => (put(at('in-service', hostId), 'yes'), { groups: ['tg'] }),
        ),
      status: async () => 'healthy',
    },
    probe: { zone: 'a', probe: async () => ({ status: 'healthy', latencyMs: 1, detail: '200' }) },
    notifier: { send: async () => undefined },
    pager: {
      find: async () => undefined,
      acknowledge: () => call('pager.acknowledge', 'INC-1', '', () => page('acknowledged', 1)),
      resolve: () => call('pager.resolve', 'INC-1', '', () => page('resolved', 1)),
      escalate: () => call('pager.escalate', 'INC-1', '', () => page('triggered', 2)),
    },
  };
}

import { createHash } from 'node:crypto';

/** What a Redis server says about itself, as far as our guarantees depend on it. */
export interface ServerInfo {
  /** Changes with every start and every promotion: whatever may have lost state has another identity. */
  readonly identity: string;
  readonly version: string;
  readonly role: 'master' | 'slave';
  readonly replicas: number;
  /** Bytes; 0 is no limit. */
  readonly maxMemory: number;
  readonly evictionPolicy: string;
  /** Whether writes go to an append-only file. */
  readonly appendOnly: boolean;
}

/** Reads the reply of `INFO`. A field that is missing reads as the answer that promises least. */
export function parseServerInfo(text: string): ServerInfo {
  const fields = new Map(
    text
      .split('\n')
      .map((line) => line.trim().split(':'))
      .flatMap(([name, ...rest]) => (name === undefined ? [] : [[name, rest.join(':')] as const])),
  );
  const field = (name: string): string => fields.get(name) ?? '';
  return {
    // Short, because it goes with every call.
    identity: createHash('sha256')
      .update(`${field('run_id')}/${field('master_replid')}`)
      .digest('base64url')
      .slice(0, 16),
    version: field('redis_version'),
    role: field('role') === 'master' ? 'master' : 'slave',
    replicas: Number(field('connected_slaves')) || 0,
    maxMemory: Number(field('maxmemory')) || 0,
    evictionPolicy: field('maxmemory_policy'),
    appendOnly: field('aof_enabled') === '1',
  };
}

/** Why this server must not carry shared state; `undefined` when it may. Keeps S4, S6 and S7. */
export function whyUnfit(info: ServerInfo): string | undefined {
  if (info.role !== 'master') return 'it is a replica (READONLY); the primary is needed';
  if (info.maxMemory > 0 && info.evictionPolicy !== 'noeviction') {
    return `its maxmemory-policy is ${info.evictionPolicy}, which can throw locks, counts and budgets away; set it to noeviction`;
  }
  const [major = 0] = info.version.split('.').map(Number);
  if (major < 7) return `it is version ${info.version}; 7.0 or later is needed`;
  return undefined;
}

import { PortError } from '@lazarus/core';

import type { Checkpoint, LeaseStore, ShardLease } from './lease.ts';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS shard_lease (
  stream TEXT NOT NULL,
  shard_id TEXT NOT NULL,
  owner TEXT,
  counter INTEGER NOT NULL,
  position TEXT NOT NULL,
  sequence TEXT,
  PRIMARY KEY (stream, shard_id)
) STRICT, WITHOUT ROWID;
`;

function toLease(row: Readonly<Record<string, unknown>>): ShardLease {
  const checkpoint =
    row.position === 'SEQUENCE' ? { at: row.position, sequence: String(row.sequence) } : { at: row.position };
  return {
    shardId: String(row.shard_id),
    counter: Number(row.counter),
    checkpoint: checkpoint as Checkpoint,
    ...(typeof row.owner === 'string' ? { owner: row.owner } : {}),
  };
}

const sequenceOf = (checkpoint: Checkpoint): string | null =>
  checkpoint.at === 'SEQUENCE' ? checkpoint.sequence : null;

function storeError(file: string, error: unknown): PortError {
  const reason = error instanceof Error ? error.message : String(error);
  return new PortError({
    code: 'LZ_STREAM_READ',
    message: `lease file ${file} cannot be used (${reason}): check disk space and permissions`,
    details: { file },
    retryable: true,
    cause: error,
  });
}

/**
 * Makes a lease store in a file, for the workers of one machine: a restarted process resumes at its checkpoints. It does
 * not flush at every write, because a checkpoint that is lost only hands records out again.
 *
 * @throws PortError `LZ_STREAM_READ` when the file cannot be used.
 */
export async function createSqliteLeaseStore(options: {
  /** Path of the database, on a local disk. */
  readonly file: string;
}): Promise<LeaseStore & { close(): Promise<void> }> {
  const { file } = options;
  const guard = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw storeError(file, error);
    }
  };
  const sqlite = await import('node:sqlite');
  const db = guard(() => new sqlite.DatabaseSync(file));
  guard(() => {
    db.exec(`PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${SCHEMA}`);
  });
  const list = db.prepare('SELECT * FROM shard_lease WHERE stream = ? ORDER BY shard_id');
  const create = db.prepare('INSERT OR IGNORE INTO shard_lease VALUES (?, ?, NULL, 0, ?, ?)');
  const update = db.prepare(`
    UPDATE shard_lease SET owner = ?, position = ?, sequence = ?, counter = counter + 1
    WHERE stream = ? AND shard_id = ? AND counter = ? RETURNING *`);
  const remove = db.prepare('DELETE FROM shard_lease WHERE stream = ? AND shard_id = ? AND counter = ?');
  return {
    list: async (stream) => guard(() => list.all(stream).map(toLease)),
    create: async (stream, { shardId, checkpoint }) =>
      guard(() => create.run(stream, shardId, checkpoint.at, sequenceOf(checkpoint)).changes === 1),
    update: async (stream, shardId, counter, { owner, checkpoint }) =>
      guard(() => {
        const row = update.get(
          owner ?? null,
          checkpoint.at,
          sequenceOf(checkpoint),
          stream,
          shardId,
          counter,
        );
        return row && toLease(row);
      }),
    remove: async (stream, shardId, counter) =>
      guard(() => remove.run(stream, shardId, counter).changes === 1),
    close: async () => db.close(),
  };
}

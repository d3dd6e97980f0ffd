import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSqliteJournal } from '../src/index.ts';
import { prepareDatabase } from '../src/engine/adapters/sqlite-file.ts';
import { temporaryFolder } from './support/bench.ts';

const CHILD = fileURLToPath(new URL('./support/full-disk-child.ts', import.meta.url));

/** Runs a command where it may mount. */
const inNamespace = (command: string) =>
  spawnSync('sh', ['-c', 'exec unshare -rm sh -c "$0"', command], { encoding: 'utf8' });

/** Runs the child on a memory disk of its own, in a mount namespace that ends with it. */
function onDisk(mode: 'full' | 'read-only'): Readonly<Record<string, unknown>> {
  const folder = temporaryFolder();
  const mount = `mount -t tmpfs -o ${mode === 'full' ? 'size=1m' : 'ro'} tmpfs "${folder}"`;
  const node = `exec "${process.execPath}" --conditions=@lazarus/source "${CHILD}" "${folder}" ${mode}`;
  const child = inNamespace(`${mount} && ${node}`);
  expect(child.stderr).toBe('');
  return JSON.parse(child.stdout) as Record<string, unknown>;
}

const canMount = inNamespace('true').status === 0;
const why = canMount ? '' : ' (skipped: no mount namespaces here)';

describe('a disk', () => {
  it.skipIf(!canMount)(
    `of 1 MB that is full starts no run, escalates the running one at once, and works again with room${why}`,
    () => {
      const { health, seen, errors, alarms, ...result } = onDisk('full');
      expect(result).toEqual({
        isTold: true,
        refused: 'LZ_JOURNAL_UNAVAILABLE',
        isHealthy: true,
        first: 'canceled',
        page: 'escalated',
        third: 'succeeded',
      });
      expect(alarms).toEqual(['alarm web-team']);
      expect(health).toMatchObject({ ok: false, reason: expect.stringMatching(/full|disk I\/O/) as string });
      expect(seen).toEqual(['run-1 a', 'ENOSPC']);
      expect(errors).toContain('the workflow journal failed: no run is started until it works');
    },
    30_000,
  );

  it.skipIf(!canMount)(
    `that is read-only is refused at the start${why}`,
    () => {
      expect(onDisk('read-only')).toEqual({ refused: 'LZ_JOURNAL_UNAVAILABLE' });
    },
    30_000,
  );
});

describe('the journal at its opening', () => {
  /** A build of SQLite that does not keep to what was asked for. */
  function stubborn(file: string, wish: RegExp): DatabaseSync {
    const database = new DatabaseSync(file);
    const exec = database.exec.bind(database);
    database.exec = (sql) => {
      if (!wish.test(sql)) exec(sql);
    };
    return database;
  }

  it.each([
    ['synchronous=NORMAL, whose commits are lost with the power', /synchronous/, 'not synchronous=FULL'],
    ['another journal mode than WAL', /journal_mode/, 'not in WAL mode'],
  ])('refuses %s', (_title, wish, message) => {
    const file = join(temporaryFolder(), 'runs.db');
    const first = new DatabaseSync(file);
    if (message.includes('FULL')) first.exec('PRAGMA journal_mode = WAL');
    first.close();
    const database = stubborn(file, wish);
    database.prepare('PRAGMA synchronous = NORMAL').run();
    expect(() => prepareDatabase(database)).toThrow(message);
    database.close();
  });

  it('refuses a file of a newer format', async () => {
    const file = join(temporaryFolder(), 'runs.db');
    const database = new DatabaseSync(file);
    database.exec('PRAGMA user_version = 99');
    database.close();
    for (const thread of ['main', 'worker'] as const)
      await expect(openSqliteJournal({ file, thread })).rejects.toMatchObject({
        code: 'LZ_INVARIANT_BROKEN',
        message: expect.stringContaining('format 99') as string,
      });
  });
});

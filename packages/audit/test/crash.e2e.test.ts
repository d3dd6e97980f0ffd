import { createSystemClock } from '@lazarus/core';
import { aDecisionRecord } from '@lazarus/testing/contracts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createSqliteAudit } from '../src/index.ts';

const writer = fileURLToPath(new URL('writer.ts', import.meta.url));
const node = [
  process.execPath,
  '--conditions=@lazarus/source',
  '--disable-warning=ExperimentalWarning',
  writer,
];

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lazarus-audit-'));
  file = join(folder, 'audit.db');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the writer and collects its lines; `until` decides when it is killed. */
async function write(
  command: readonly string[],
  until: (lines: number) => boolean,
): Promise<readonly string[]> {
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (until(text.split('\n').length)) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return text.split('\n').slice(0, -1);
}

describe('a writer that is killed', () => {
  it.each([1, 40, 200])(
    'S12: leaves everything that it named after %d records in an intact chain',
    async (count) => {
      const named = await write([...node, file], (lines) => lines > count);
      const audit = await createSqliteAudit({ file, clock: createSystemClock() });
      for (const id of named) expect(await audit.byEvent(id), id).toMatchObject({ terminal: true });
      expect(await audit.verify()).toMatchObject({ intact: true });
      await audit.close();
      expect(named.length).toBeGreaterThanOrEqual(count);
    },
  );
});

describe('a disk without room', () => {
  it('refuses the write, keeps what was durable, and goes on once there is room', async () => {
    // The shell limits the size of files to 2 MB for the writer, which fails like a full disk.
    const command = ['sh', '-c', 'ulimit -f 4096; exec "$@"', 'sh', ...node, file, '20000'];
    const lines = await write(command, () => false);
    expect(lines.at(-1)).toBe('refused LZ_AUDIT_UNAVAILABLE');
    const named = lines.slice(0, -1);
    expect(named.length).toBeGreaterThan(10);
    const audit = await createSqliteAudit({ file, clock: createSystemClock() });
    for (const id of named) expect(await audit.byEvent(id), id).toMatchObject({ terminal: true });
    await audit.conclude(aDecisionRecord());
    expect(await audit.verify()).toMatchObject({ intact: true });
    await audit.close();
  });
});

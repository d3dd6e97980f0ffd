import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from './support/bench.ts';

const CHILD = fileURLToPath(new URL('./support/late-create-child.ts', import.meta.url));

function start(folder: string, mode: 'submit' | 'resume'): ChildProcessByStdio<Writable, Readable, null> {
  const child = spawn(process.execPath, ['--conditions=@lazarus/source', CHILD, folder, mode], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function outputOf(child: ChildProcessByStdio<Writable, Readable, null>): Promise<string> {
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  return output;
}

describe('a run that becomes durable after its submitter was told that there is none', () => {
  it('does nothing in the next process but tell a human, when the first one is killed before it can cancel', async () => {
    const folder = temporaryFolder();
    const first = start(folder, 'submit');
    const said = async (): Promise<string> =>
      String(((await once(first.stdout, 'data')) as [Buffer])[0]).trim();
    expect(await said()).toBe('ready');
    // A disk that is slow: somebody else holds the file.
    const other = new DatabaseSync(join(folder, 'runs.db'));
    other.exec('BEGIN IMMEDIATE');
    first.stdin.write('go\n');
    expect(await said()).toBe('LZ_JOURNAL_UNAVAILABLE');
    const runs = other.prepare("SELECT COUNT(*) AS runs FROM run WHERE status = 'running'");
    expect(runs.get()).toEqual({ runs: 0 });
    other.exec('ROLLBACK');
    while (runs.get()?.['runs'] !== 1) await setTimeout(20);
    expect(other.prepare('SELECT COUNT(*) AS signals FROM signal').get()).toEqual({ signals: 0 });
    other.close();
    first.kill('SIGKILL');
    await once(first, 'close');
    const result = JSON.parse(await outputOf(start(folder, 'resume'))) as unknown;
    expect(result).toEqual({
      status: 'canceled',
      error: 'LZ_WORKFLOW_CANCELED',
      page: 'escalated',
      seen: ['escalate'],
    });
  }, 60_000);
});

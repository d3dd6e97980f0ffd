import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSystemProcesses } from '../src/engine/adapters/system-process.ts';

const statOf = (pid: number): readonly string[] => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
};
const canLook = existsSync('/proc/self/stat');

describe('an owner on the same machine', () => {
  it.skipIf(!canLook)(
    'is gone as soon as it has ended, also while its parent has not looked (skipped without /proc)',
    async () => {
      const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      onTestFinished(() => void parent.kill('SIGKILL'));
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(line.toString());
      await expect.poll(() => statOf(pid)[0], { timeout: 15_000 }).toBe('Z');
      const processes = createSystemProcesses();
      const [place = ''] = processes.self.split('#');
      expect(processes.isGone(`${place}#${pid}#${statOf(pid)[19] ?? ''}`)).toBe(true);
      expect(processes.isGone(processes.self)).toBe(false);
    },
  );
});

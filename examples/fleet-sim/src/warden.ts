/**
 * The program that sees to it that no host outlives its region.
 *
 * A host ends by itself when its standard input closes, unless it is frozen (SIGSTOP): then only a kill from
 * outside ends it. The region writes `+pid` and `-pid` lines to the warden as hosts come and go; when those lines
 * end because the region died, the warden kills what is left.
 */
import { createInterface } from 'node:readline';

const pids = new Set<number>();

process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('SIGHUP', () => undefined);

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const pid = Number(line.slice(1));
  if (!Number.isInteger(pid) || pid <= 1) return;
  if (line.startsWith('+')) pids.add(pid);
  else pids.delete(pid);
});
lines.on('close', () => {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone already, which is all we want.
    }
  }
  process.exit(0);
});

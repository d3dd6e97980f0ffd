import { spawn } from 'node:child_process';

/** Kills, from a process of its own, the hosts that are left when the region dies without closing. */
export interface Warden {
  watch(pid: number): void;
  forget(pid: number): void;
  /** Ends the warden; hosts that it still watches are killed. */
  close(): Promise<void>;
}

export function startWarden(program: string): Warden {
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'ignore', 'inherit'] });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  child.stdin.on('error', () => undefined);
  return {
    watch: (pid) => void child.stdin.write(`+${pid}\n`),
    forget: (pid) => void child.stdin.write(`-${pid}\n`),
    close: async () => {
      child.stdin.end();
      await exited;
    },
  };
}

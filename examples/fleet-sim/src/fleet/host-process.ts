import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What a host process has to know when it starts. */
export interface HostSpec {
  readonly instanceId: string;
  readonly name: string;
  readonly service: string;
  readonly zone: string;
  /** Port to try first; 0 lets the system choose. */
  readonly port: number;
  readonly dependencyUrl: string;
  readonly ailment: string | undefined;
}

/** Signals that break a host (SIGKILL, SIGSTOP), mend it (SIGCONT) or shut it down in order (SIGTERM). */
export type HostSignal = 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGTERM';

/** A live host process. */
export interface HostProcess {
  readonly pid: number | undefined;
  /** Port it listens on; rejects when the process ends before it listens. */
  readonly listening: Promise<number>;
  /** Resolves when the process is gone, for whatever reason. */
  readonly exited: Promise<void>;
  isAlive(): boolean;
  signal(signal: HostSignal): void;
  /** Makes the host answer unhealthy with this reason, or healthy again without one. */
  setAilment(ailment: string | undefined): void;
}

/** Starts a host process; it ends when this process ends, because its standard input closes then. */
export function startHost(program: string, spec: HostSpec): HostProcess {
  const child = spawn(process.execPath, ['--max-semi-space-size=1', program, ...hostArguments(spec)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  // Writing to a host that just died is no error of ours.
  child.stdin.on('error', () => undefined);
  return {
    pid: child.pid,
    listening: announcedPort(child, exited),
    exited,
    isAlive: () => child.pid !== undefined && child.exitCode === null && child.signalCode === null,
    signal: (signal) => void child.kill(signal),
    setAilment: (ailment) => void child.stdin.write(`${JSON.stringify({ ailment })}\n`),
  };
}

function hostArguments(spec: HostSpec): string[] {
  const pairs: Record<string, string> = {
    name: spec.name,
    instance: spec.instanceId,
    service: spec.service,
    zone: spec.zone,
    port: String(spec.port),
    dependency: spec.dependencyUrl,
    ...(spec.ailment === undefined ? {} : { ailment: spec.ailment }),
  };
  return Object.entries(pairs).map(([key, value]) => `--${key}=${value}`);
}

async function announcedPort(child: ChildProcess, exited: Promise<void>): Promise<number> {
  if (child.stdout === null) throw new Error('the host process has no standard output');
  const lines = createInterface({ input: child.stdout });
  const port = new Promise<number>((resolve) => {
    lines.once('line', (line) => resolve((JSON.parse(line) as { port: number }).port));
  });
  return Promise.race([
    port,
    exited.then(() => {
      throw new Error(
        `the host process ended before it listened (exit ${child.exitCode ?? child.signalCode ?? '?'})`,
      );
    }),
  ]);
}

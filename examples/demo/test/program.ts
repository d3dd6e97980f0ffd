import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a program left behind when it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

/** Runs one of the demo's programs from the sources, in a process of its own, and waits for its end. */
export async function runProgram(
  name: 'demo' | 'start' | 'start-cluster',
  args: readonly string[],
  options: { readonly onOutput?: (stdout: string, stop: () => void) => void } = {},
): Promise<Ended> {
  const file = fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url));
  const startedMs = performance.now();
  const child = spawn(process.execPath, ['--conditions=@lazarus/source', file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    options.onOutput?.(stdout, () => child.kill('SIGINT'));
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr, seconds: (performance.now() - startedMs) / 1000 };
}

/** The last line of a program's output, as JSON. */
export function lastLine(ended: Ended): unknown {
  return JSON.parse(ended.stdout.trimEnd().split('\n').at(-1) ?? 'null');
}

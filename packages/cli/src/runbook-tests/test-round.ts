/**
 * Rounds of a watch with modules of plugins run in a thread of their own: a module and all that it imports are loaded afresh
 * each time, nothing of an earlier round stays in memory, and a test that never ends is ended from outside.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { CliFailure } from '../cli-failure.ts';
import type { ExitCode } from '../exit-code.ts';
import type { Terminal } from '../terminal.ts';
import type { TestRound } from './test-options.ts';
import type { TestSources } from './test-sources.ts';

type Looks = Pick<Terminal, 'env' | 'color'>;
type Message =
  | { readonly kind: 'out'; readonly text: string }
  | { readonly kind: 'err'; readonly text: string }
  | { readonly kind: 'done'; readonly used: readonly (readonly [string, ReadonlySet<string>])[] }
  | {
      readonly kind: 'failed';
      readonly message: string;
      readonly lines: readonly string[];
      readonly code: ExitCode;
    };

/**
 * Runs one round in a new thread, which Ctrl-C ends at once.
 *
 * @throws CliFailure as the round itself would.
 */
export function runRoundInThread(round: TestRound, terminal: Terminal): Promise<Pick<TestSources, 'usedBy'>> {
  const { env, color, signal } = terminal;
  return new Promise((resolve, reject) => {
    const looks: Looks = { env: { ...env }, color };
    const thread = new Worker(new URL(import.meta.resolve('@lazarus/cli/main')), {
      workerData: { round, looks },
    });
    const end = (): void => void thread.terminate();
    const settle = (then: () => void): void => {
      signal.removeEventListener('abort', end);
      end();
      then();
    };
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    thread.on('message', (message: Message) => {
      if (message.kind === 'failed')
        settle(() => reject(new CliFailure(message.code, message.message, message.lines)));
      else if (message.kind === 'out') terminal.out(message.text);
      else if (message.kind === 'err') terminal.err(message.text);
      else {
        const used = new Map(message.used);
        settle(() => resolve({ usedBy: (file) => used.get(file) ?? new Set() }));
      }
    });
    thread.on('error', (error: Error) => settle(() => reject(error)));
    thread.on('exit', () =>
      settle(() => reject(new CliFailure(1, 'the modules of --plugins ended the round'))),
    );
  });
}

/** Runs the round that this thread was started for. */
export async function serveRound(
  run: (round: TestRound, terminal: Terminal) => Promise<Pick<TestSources, 'usedBy'>>,
): Promise<void> {
  const { round, looks } = workerData as { readonly round: TestRound; readonly looks: Looks };
  const send = (message: Message): void => parentPort?.postMessage(message);
  const terminal: Terminal = {
    ...looks,
    out: (text) => send({ kind: 'out', text }),
    err: (text) => send({ kind: 'err', text }),
    readInput: async () => '',
    now: () => Date.now(),
    newId: () => 'round',
    // Ctrl-C ends the thread itself.
    signal: new AbortController().signal,
  };
  try {
    const sources = await run(round, terminal);
    send({ kind: 'done', used: round.targets.map(({ file }) => [file, sources.usedBy(file)] as const) });
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
    send({ kind: 'failed', message: error.message, lines: error.lines, code: error.exitCode });
  }
}

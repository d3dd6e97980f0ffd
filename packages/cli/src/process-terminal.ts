import { randomUUID } from 'node:crypto';
import { EXIT } from './exit-code.ts';
import { wantsColor } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** The terminal of this process. `close` lets the process end. */
export function createProcessTerminal(owner: NodeJS.Process): Terminal & { close(): void } {
  const interrupt = new AbortController();
  const onSignal = (): void => {
    // The second Ctrl-C does not wait for anything.
    if (interrupt.signal.aborted) owner.exit(EXIT.interrupted);
    interrupt.abort();
  };
  owner.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  // Whoever reads us may stop at any time (`| head`): that is no failure.
  owner.stdout.on('error', (error: NodeJS.ErrnoException) =>
    owner.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed),
  );

  return {
    out: (text) => void owner.stdout.write(text),
    err: (text) => void owner.stderr.write(text),
    readInput: () => readAll(owner.stdin),
    env: owner.env,
    color: wantsColor(owner.env, owner.stdout.isTTY),
    isTty: owner.stdout.isTTY,
    now: () => Date.now(),
    newId: () => randomUUID(),
    signal: interrupt.signal,
    close: () => void owner.off('SIGINT', onSignal).off('SIGTERM', onSignal),
  };
}

async function readAll(input: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of input as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

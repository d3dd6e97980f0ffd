import { setTimeout as sleep } from 'node:timers/promises';
import { CliFailure } from '../cli-failure.ts';
import { EXIT } from '../exit-code.ts';
import type { Client } from './client.ts';

/** One message of a stream of server-sent events. */
export interface StreamMessage {
  readonly event: string;
  readonly data: string;
  readonly id: string | undefined;
}

const RECONNECT_MS = 1_000;

/**
 * Follows a stream, for ever: a lost connection is opened again after 1 s and goes on after the last message. The first
 * connection has to succeed.
 */
export async function* followStream(
  client: Client,
  path: string,
  options: {
    readonly signal: AbortSignal;
    /** Runs once, when the first connection is open. */
    readonly onOpen: () => Promise<void>;
    readonly onReconnect: (reason: string) => void;
  },
): AsyncGenerator<StreamMessage> {
  let lastId: string | undefined;
  for (let connections = 0; ; connections += 1) {
    try {
      const headers: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId };
      const stream = await client.open(path, headers);
      if (connections === 0) await options.onOpen();
      for await (const message of readMessages(stream)) {
        lastId = message.id ?? lastId;
        yield message;
      }
      options.onReconnect('the node ended the stream');
    } catch (error) {
      if (options.signal.aborted) throw new CliFailure(EXIT.interrupted, 'interrupted');
      const isRefused = error instanceof CliFailure && error.exitCode !== EXIT.unreachable;
      if (connections === 0 || isRefused) throw error;
      options.onReconnect((error as Error).message);
    }
    await sleep(RECONNECT_MS, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

/** Messages of a stream, by the rules of server-sent events. Comments and messages without data are left out. */
export async function* readMessages(stream: ReadableStream<Uint8Array>): AsyncGenerator<StreamMessage> {
  const chunks: AsyncIterable<Uint8Array> = stream;
  const decoder = new TextDecoder();
  let buffered = '';
  for await (const chunk of chunks) {
    buffered += decoder.decode(chunk, { stream: true });
    const blocks = buffered.split(/\r?\n\r?\n/);
    buffered = blocks.pop() ?? '';
    for (const block of blocks) {
      const message = parseMessage(block);
      if (message !== undefined) yield message;
    }
  }
}

function parseMessage(block: string): StreamMessage | undefined {
  const fields = block.split(/\r?\n/).flatMap((line) => {
    const parts = /^(?<name>[a-z]+): ?(?<value>.*)$/.exec(line)?.groups;
    return parts === undefined ? [] : [{ name: parts.name, value: parts.value ?? '' }];
  });
  const last = (name: string): string | undefined => fields.findLast((field) => field.name === name)?.value;
  const data = fields.filter((field) => field.name === 'data').map((field) => field.value);
  return data.length === 0
    ? undefined
    : { event: last('event') ?? 'message', data: data.join('\n'), id: last('id') };
}

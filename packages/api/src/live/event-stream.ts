import type { Clock } from '@lazarus/core/ports';
import type { LiveEvent, LiveLog } from './live-log.ts';

/** Pause between two comments that keep an idle connection open, milliseconds. */
const HEARTBEAT_MS = 15_000;
/** Messages that wait for a reader; one that is slower is cut off and comes back with its last id. */
const MAX_WAITING = 512;

/**
 * One reader's server-sent events: first what it missed, then what happens. Memory is bounded: a reader that does not
 * keep up is disconnected. Keeps L5.
 */
export function openEventStream(
  log: LiveLog,
  options: {
    readonly clock: Clock;
    /** Ends the stream: the reader left, or the API closes. */
    readonly signal: AbortSignal;
    readonly lastEventId: string | undefined;
  },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  let readerLeft = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const send = (message: string): void => {
          if (signal.aborted) return;
          controller.enqueue(encoder.encode(message));
          if ((controller.desiredSize ?? 0) <= 0) stop.abort();
        };
        send('retry: 1000\n\n');
        if (options.lastEventId !== undefined) sendMissed(log, options.lastEventId, send);
        const unfollow = log.follow((event) => send(messageOf(event)));
        const end = (): void => {
          unfollow();
          // A stream that its reader has cancelled is closed already.
          if (!readerLeft) controller.close();
        };
        if (signal.aborted) end();
        else signal.addEventListener('abort', end, { once: true });
        void beat(options.clock, signal, send);
      },
      cancel: () => {
        readerLeft = true;
        stop.abort();
      },
    },
    { highWaterMark: MAX_WAITING },
  );
}

function sendMissed(log: LiveLog, lastEventId: string, send: (message: string) => void): void {
  const { events, complete } = log.after(lastEventId);
  if (!complete) {
    const data = { message: 'entries are missing here: read them from /v1/decisions and /v1/runs' };
    send(`event: gap\ndata: ${JSON.stringify(data)}\n\n`);
  }
  for (const event of events) send(messageOf(event));
}

function messageOf({ id, entry }: LiveEvent): string {
  const data = entry.kind === 'decision' ? entry.record : entry.run;
  return `id: ${id}\nevent: ${entry.kind}\ndata: ${JSON.stringify(data)}\n\n`;
}

async function beat(clock: Clock, signal: AbortSignal, send: (message: string) => void): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(HEARTBEAT_MS, { signal }).catch(() => undefined);
    send(': still here\n\n');
  }
}

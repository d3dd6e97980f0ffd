import { z } from '@hono/zod-openapi';
import type { Clock } from '@lazarus/core/ports';
import type { Endpoint } from '../endpoint.ts';
import { openEventStream } from '../live/event-stream.ts';
import type { LiveLog } from '../live/live-log.ts';

/** `GET /v1/stream`: decisions and ends of runs as they happen. */
export function streamEndpoint(ports: {
  readonly log: LiveLog;
  readonly clock: Clock;
  readonly closing: AbortSignal;
}): Endpoint {
  return {
    method: 'get',
    path: '/v1/stream',
    summary: 'Decisions and ends of runs as they happen (server-sent events)',
    description:
      'Events `decision` and `run` carry the record and the run. With `Last-Event-ID` the stream goes on after that entry; an event `gap` says that some of them are gone.',
    answer: { mediaType: 'text/event-stream', description: 'An endless stream', schema: z.string() },
    handle: (context) => {
      const stream = openEventStream(ports.log, {
        clock: ports.clock,
        signal: AbortSignal.any([ports.closing, context.req.raw.signal]),
        lastEventId: context.req.header('last-event-id'),
      });
      return context.body(stream, 200, { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' });
    },
  };
}

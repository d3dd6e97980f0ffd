import { PortError } from '@lazarus/core';
import type { LazarusEvent } from '@lazarus/core';
import type { EventStream } from '@lazarus/core/ports';
import { createIntake } from '@lazarus/sensors-http';
import type { Intake } from '@lazarus/sensors-http';
import { createManualClock, createRecordingLogger, createRecordingMeter } from '@lazarus/testing';
import type { ManualClock } from '@lazarus/testing';

/** A stream that keeps what it gets; a test can make it refuse or hang. */
export interface RecordingStream extends EventStream {
  readonly events: readonly LazarusEvent[];
  /** Refuses events whose id is in the set; all of them without a set. */
  refuse(ids?: ReadonlySet<string>): void;
  /** From now on deposits wait until the returned function is called. */
  hang(): () => void;
}

export function createRecordingStream(): RecordingStream {
  const events: LazarusEvent[] = [];
  let refuses: (id: string) => boolean = () => false;
  let gate: Promise<void> = Promise.resolve();
  return {
    events,
    refuse: (ids) => {
      refuses = (id) => ids?.has(id) ?? true;
    },
    hang: () => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      gate = promise;
      return () => resolve(undefined);
    },
    deposit: async (event) => {
      await gate;
      if (refuses(event.id))
        throw new PortError({ code: 'LZ_STREAM_DEPOSIT', message: 'secret endpoint', retryable: true });
      events.push(event);
      return { position: String(events.length) };
    },
  };
}

export interface IntakeFixture {
  readonly intake: Intake;
  readonly stream: RecordingStream;
  readonly clock: ManualClock;
  readonly meter: ReturnType<typeof createRecordingMeter>;
  readonly log: ReturnType<typeof createRecordingLogger>;
  post(body: unknown, headers?: Readonly<Record<string, string>>, path?: string): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    readonly error?: {
      readonly code: string;
      readonly message: string;
      readonly issues?: readonly { path: string; message: string; hint?: string }[];
    };
    readonly results?: readonly Readonly<Record<string, unknown>>[];
  };
}

export function anIntake(options: Parameters<typeof createIntake>[0] = {}): IntakeFixture {
  const clock = createManualClock();
  const stream = createRecordingStream();
  const meter = createRecordingMeter();
  const log = createRecordingLogger();
  const intake = createIntake(options, { stream, clock, log, meter });
  return {
    intake,
    stream,
    clock,
    meter,
    log,
    post: async (body, headers = {}, path = '/v1/events') => {
      const response = await intake.fetch(
        new Request(`http://intake.invalid${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body:
            typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
        }),
      );
      const answer = (await response.json()) as Answer['body'];
      return { status: response.status, headers: response.headers, body: answer };
    },
  };
}

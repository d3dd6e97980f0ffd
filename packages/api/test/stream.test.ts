import { createRecordingLogger } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { createLiveLog } from '../src/live/live-log.ts';
import { aRecord, aRun, createFixture, createLiveSource } from './fixture.ts';

/** Reads a stream message by message. */
function messagesOf(response: Response) {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let buffered = '';
  return {
    cancel: () => reader.cancel(),
    async next(): Promise<Record<string, string> | undefined> {
      for (;;) {
        const end = buffered.indexOf('\n\n');
        if (end >= 0) {
          const message = buffered.slice(0, end);
          buffered = buffered.slice(end + 2);
          return Object.fromEntries(
            message
              .split('\n')
              .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
          );
        }
        const { done, value } = await reader.read();
        if (done) return undefined;
        buffered += decoder.decode(value);
      }
    },
  };
}

const decision = (number: number) =>
  ({ kind: 'decision', record: aRecord({ event_id: `n/${number}` }) }) as const;

describe('the live stream', () => {
  it('sends decisions and runs as they happen, each with an id', async () => {
    const { send, live } = createFixture();
    const response = await send('GET', '/v1/stream');
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const messages = messagesOf(response);
    expect(await messages.next()).toEqual({ retry: '1000' });
    live.push(decision(1));
    live.push({ kind: 'run', run: aRun() });
    const first = await messages.next();
    expect(first).toMatchObject({ event: 'decision', id: expect.stringMatching(/-1$/) as string });
    expect(JSON.parse(first!.data!)).toEqual(decision(1).record);
    expect(await messages.next()).toMatchObject({ event: 'run', id: expect.stringMatching(/-2$/) as string });
    await messages.cancel();
  });

  it('goes on after Last-Event-ID without a gap and without a repetition', async () => {
    const { send, live } = createFixture();
    const before = messagesOf(await send('GET', '/v1/stream'));
    await before.next();
    live.push(decision(1));
    const seen = await before.next();
    await before.cancel();
    live.push(decision(2));
    live.push(decision(3));
    const after = messagesOf(await send('GET', '/v1/stream', undefined, { 'last-event-id': seen!.id! }));
    await after.next();
    expect([await after.next(), await after.next()]).toMatchObject([
      { event: 'decision', data: expect.stringContaining('"n/2"') as string },
      { event: 'decision', data: expect.stringContaining('"n/3"') as string },
    ]);
    await after.cancel();
  });

  it('says that entries are gone when the last id is of another process', async () => {
    const { send, live } = createFixture();
    live.push(decision(1));
    const messages = messagesOf(await send('GET', '/v1/stream', undefined, { 'last-event-id': 'earlier-7' }));
    await messages.next();
    expect(await messages.next()).toMatchObject({ event: 'gap' });
    expect(await messages.next()).toMatchObject({ event: 'decision' });
    await messages.cancel();
  });

  it('sends a comment every 15 s and leaves no timer and no listener when the reader leaves', async () => {
    const { send, clock, live, api } = createFixture();
    const messages = messagesOf(await send('GET', '/v1/stream'));
    await messages.next();
    await clock.advance(15_000);
    expect(await messages.next()).toEqual({ '': 'still here' });
    await messages.cancel();
    await clock.settle();
    expect(clock.pending).toBe(0);
    api.close();
    expect(live.observers).toBe(0);
  });

  it('ends when the API closes', async () => {
    const { send, api, clock } = createFixture();
    const messages = messagesOf(await send('GET', '/v1/stream'));
    await messages.next();
    api.close();
    expect(await messages.next()).toBeUndefined();
    await clock.settle();
    expect(clock.pending).toBe(0);
  });

  it('L5: cuts off a reader that lets 512 messages wait', async () => {
    const { send, live } = createFixture();
    const messages = messagesOf(await send('GET', '/v1/stream'));
    for (let number = 0; number < 600; number += 1) live.push(decision(number));
    let received = 0;
    while ((await messages.next()) !== undefined) received += 1;
    expect(received).toBe(512);
  });
});

describe('a live source that fails for good', () => {
  it('is a line in the log; what was sent before can still be replayed', async () => {
    const log = createRecordingLogger();
    const { send, live } = createFixture({ ports: { log } });
    live.push(decision(1));
    live.fail(new Error('the sensor is gone'));
    expect(log.lines).toMatchObject([{ level: 'error', fields: { error: 'Error: the sensor is gone' } }]);
    const messages = messagesOf(await send('GET', '/v1/stream', undefined, { 'last-event-id': 'earlier-1' }));
    await messages.next();
    await messages.next();
    expect(await messages.next()).toMatchObject({ event: 'decision' });
    await messages.cancel();
  });
});

describe('the live log', () => {
  it('keeps as many entries as its capacity and says when a reader has missed more', () => {
    const source = createLiveSource();
    const log = createLiveLog(source, { origin: 'o', capacity: 3, onError: () => undefined });
    for (const number of [1, 2, 3, 4, 5]) source.push(decision(number));
    expect(log.after('o-5')).toEqual({ events: [], complete: true });
    expect(log.after('o-2')).toMatchObject({
      complete: true,
      events: [{ id: 'o-3' }, { id: 'o-4' }, { id: 'o-5' }],
    });
    expect(log.after('o-1')).toMatchObject({
      complete: false,
      events: [{ id: 'o-3' }, { id: 'o-4' }, { id: 'o-5' }],
    });
    expect(log.after('o-6').complete).toBe(false);
    expect(log.after('nonsense').complete).toBe(false);
  });
});

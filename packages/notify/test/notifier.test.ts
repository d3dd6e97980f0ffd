import { PortError } from '@lazarus/core';
import type { Notification } from '@lazarus/core/ports';
import {
  createManualClock,
  createRecordingLogger,
  createRecordingMeter,
  type ManualClock,
} from '@lazarus/testing';
import { beforeEach, describe, expect, it } from 'vitest';

import {
  type Channel,
  createConsoleChannel,
  createNotifier,
  createPageNoteChannel,
  type Message,
} from '../src/index.ts';

const escalated: Notification = {
  kind: 'escalated',
  group: 'team-web',
  service: 'web',
  decisionId: 'd-123456',
  text: 'quorum not reached: 1 of 2',
};

interface RecordingChannel extends Channel {
  readonly delivered: { readonly message: Message; readonly target: string }[];
}

function recording(): RecordingChannel {
  const delivered: RecordingChannel['delivered'] = [];
  return { delivered, deliver: async (message, target) => void delivered.push({ message, target }) };
}

const broken: Channel = {
  deliver: async () => {
    throw new PortError({ code: 'LZ_NOTIFY_FAILED', message: 'no such channel', retryable: false });
  },
};

const hanging: Channel = { deliver: () => new Promise(() => undefined) };

let clock: ManualClock;
let chat: RecordingChannel;
let mail: RecordingChannel;

beforeEach(() => {
  clock = createManualClock();
  chat = recording();
  mail = recording();
});

const targets = (channel: RecordingChannel): readonly string[] =>
  channel.delivered.map(({ target }) => target);

describe('routing', () => {
  const routes = [
    { group: 'team-web', to: [{ channel: 'chat', target: '#web' }] },
    { group: '*', kinds: ['escalated' as const], to: [{ channel: 'mail', target: 'on-call@example.com' }] },
    { group: 'team-web', services: ['api'], to: [{ channel: 'chat', target: '#api' }] },
  ];
  const fallback = [{ channel: 'chat', target: '#lazarus' }];

  it('every route that matches group, service and kind counts, once for each destination', async () => {
    const twice = [...routes, { group: 'team-web', to: [{ channel: 'chat', target: '#web' }] }];
    const notifier = createNotifier({ channels: { chat, mail }, routes: twice, fallback, clock });
    await notifier.send(escalated);
    expect(targets(chat)).toEqual(['#web']);
    expect(targets(mail)).toEqual(['on-call@example.com']);
    await notifier.send({ ...escalated, kind: 'resolved', service: 'api' });
    expect(targets(chat)).toEqual(['#web', '#web', '#api']);
    expect(targets(mail)).toHaveLength(1);
  });

  it('a group that no route wants goes to the fallback', async () => {
    const notifier = createNotifier({ channels: { chat, mail }, routes, fallback, clock });
    await notifier.send({ ...escalated, kind: 'resolved', group: 'unknown' });
    expect(targets(chat)).toEqual(['#lazarus']);
  });

  it('a group without route and without fallback is an error, not silence', async () => {
    const notifier = createNotifier({ channels: { chat }, clock });
    await expect(notifier.send(escalated)).rejects.toMatchObject({
      code: 'LZ_NOTIFY_FAILED',
      retryable: false,
    });
  });

  it('a route to a channel that does not exist is refused at construction, by its place', () => {
    const make = (): unknown => createNotifier({ channels: { chat }, routes, clock });
    expect(make).toThrow(/routes\.1\.to\.0\.channel there is no channel "mail" \(channels are chat\)/);
  });
});

describe('a channel that fails', () => {
  const to = (...names: string[]) => names.map((channel) => ({ channel }));

  it('does not keep the others from being told, and is logged and counted', async () => {
    const logger = createRecordingLogger();
    const meter = createRecordingMeter();
    const channels = { broken, chat };
    const notifier = createNotifier({ channels, fallback: to('broken', 'chat'), clock, logger, meter });
    await notifier.send(escalated);
    expect(chat.delivered).toHaveLength(1);
    expect(logger.lines).toMatchObject([{ level: 'warn', fields: { channel: 'broken' } }]);
  });

  it('and hangs ends after 5 000 ms, while the others were told at once', async () => {
    const notifier = createNotifier({ channels: { hanging, chat }, fallback: to('hanging', 'chat'), clock });
    let isDone = false;
    const sending = notifier.send(escalated).then(() => {
      isDone = true;
    });
    await clock.settle();
    expect(chat.delivered).toHaveLength(1);
    await clock.advance(4999);
    expect(isDone).toBe(false);
    await clock.advance(1);
    await sending;
    expect(clock.pending).toBe(0);
  });

  it('rejects when nobody could be told', async () => {
    const notifier = createNotifier({ channels: { broken }, fallback: to('broken'), clock });
    await expect(notifier.send(escalated)).rejects.toMatchObject({
      code: 'LZ_NOTIFY_FAILED',
      message: expect.stringContaining('no such channel') as string,
    });
  });

  it('an aborted signal ends the sending with its reason', async () => {
    const notifier = createNotifier({ channels: { hanging }, fallback: to('hanging'), clock });
    const stop = new AbortController();
    const sending = notifier.send(escalated, { signal: stop.signal });
    stop.abort(new Error('shutting down'));
    await expect(sending).rejects.toThrow('shutting down');
  });
});

describe('storm', () => {
  it('a target gets 2 messages in 60 s; the next one says how many were held back', async () => {
    const meter = createRecordingMeter();
    const notifier = createNotifier({
      channels: { chat, mail },
      fallback: [{ channel: 'chat', target: '#web' }],
      storm: { maxPerWindow: 2, windowMs: 60_000 },
      clock,
      meter,
    });
    for (let n = 0; n < 5; n += 1) await notifier.send(escalated);
    expect(chat.delivered).toHaveLength(2);
    await clock.advance(60_000);
    await notifier.send(escalated);
    expect(chat.delivered).toHaveLength(3);
    expect(chat.delivered[2]?.message.body).toContain('(3 messages before this one were held back)');
  });
});

describe('words', () => {
  it('name the service, the decision and a link, and leave out what is not known', async () => {
    const notifier = createNotifier({
      channels: { chat },
      fallback: [{ channel: 'chat' }],
      consoleUrl: 'https://lazarus.example.com/',
      clock,
    });
    await notifier.send(escalated);
    expect(chat.delivered[0]?.message).toMatchObject({
      subject: '[web] a human is needed',
      body: 'quorum not reached: 1 of 2\nservice: web\ndecision: d-123456\nhttps://lazarus.example.com/decisions/d-123456',
      link: 'https://lazarus.example.com/decisions/d-123456',
    });
  });

  it('of a team replace the built-in ones', async () => {
    const templates = { escalated: { subject: '{service}: {text}', body: '{group}' } };
    const notifier = createNotifier({
      channels: { chat },
      fallback: [{ channel: 'chat' }],
      templates,
      clock,
    });
    await notifier.send(escalated);
    expect(chat.delivered[0]?.message).toMatchObject({
      subject: 'web: quorum not reached: 1 of 2',
      body: 'team-web',
    });
  });

  it('with a value that does not exist are refused at construction', () => {
    const templates = { escalated: { subject: '{servce}', body: 'x' } };
    expect(() => createNotifier({ channels: {}, templates, clock })).toThrow(
      /templates\.escalated\.subject \{servce\}/,
    );
  });

  it('a line break in a value does not get into the subject, and a value is not read as a template', async () => {
    const templates = { escalated: { subject: '{text}', body: '{text}' } };
    const notifier = createNotifier({
      channels: { chat },
      fallback: [{ channel: 'chat' }],
      templates,
      clock,
    });
    await notifier.send({ ...escalated, text: 'down\r\nBcc: all@example.com {group}' });
    expect(chat.delivered[0]?.message.subject).toBe('down Bcc: all@example.com {group}');
  });
});

describe('console channel', () => {
  it('writes one line whatever the text holds', async () => {
    const lines: string[] = [];
    const console = createConsoleChannel({ write: (line) => void lines.push(line) });
    const notifier = createNotifier({
      channels: { console },
      fallback: [{ channel: 'console', target: 'web' }],
      clock,
    });
    await notifier.send({ ...escalated, text: 'a\u001b[31mb\nc' });
    expect(lines).toEqual(['web [web] a human is needed: a [31mb c\n']);
  });
});

describe('page note channel', () => {
  it('writes to the page of the decision, and does nothing without one', async () => {
    const notes: string[] = [];
    const channel = createPageNoteChannel({
      annotate: async ({ incidentKey, note }) => void notes.push(`${incidentKey}: ${note}`),
      incidentKeyOf: async ({ decisionId }) => (decisionId === 'd-123456' ? 'web/web-1' : undefined),
    });
    const notifier = createNotifier({ channels: { page: channel }, fallback: [{ channel: 'page' }], clock });
    await notifier.send(escalated);
    await notifier.send({ ...escalated, decisionId: 'other' });
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain('web/web-1: [web] a human is needed');
  });
});

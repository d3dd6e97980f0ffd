import type { Notification } from '@lazarus/core/ports';
import { createManualClock } from '@lazarus/testing';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createEmailChannel, createSlackChannel, createWebhookChannel, type Message } from '../src/index.ts';

const notification: Notification = {
  kind: 'escalated',
  group: 'team-web',
  service: 'web',
  decisionId: 'd-123456',
  text: '<!channel> & co',
};
const message: Message = {
  notification,
  subject: '[web] a human is needed',
  body: '<!channel> & co\nservice: web\nhttps://lazarus.example.com/decisions/d-123456',
  link: 'https://lazarus.example.com/decisions/d-123456',
};
const signal = AbortSignal.timeout(20_000);

describe('over HTTP', () => {
  let server: Server;
  let endpoint: string;
  let seen: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string }[];
  let answers: { readonly status: number; readonly body: string }[];

  beforeEach(async () => {
    seen = [];
    answers = [];
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        seen.push({ path: request.url ?? '', headers: request.headers, body });
        const answer = answers.shift() ?? { status: 200, body: '{"ok":true,"ts":"17.1"}' };
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );

  describe('Slack', () => {
    const open = () =>
      createSlackChannel({ token: 'xoxb-canary', channel: '#lazarus', endpoint: `${endpoint}/api/` });

    it('a second message about one decision follows in the thread of the first', async () => {
      const slack = open();
      await slack.deliver(message, '#web', { signal });
      await slack.deliver(message, '#web', { signal });
      await slack.deliver(message, '', { signal });
      const bodies = seen.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
      expect(bodies.map(({ channel, thread_ts }) => [channel, thread_ts])).toEqual([
        ['#web', undefined],
        ['#web', '17.1'],
        ['#lazarus', undefined],
      ]);
      expect(seen[0]).toMatchObject({
        path: '/api/chat.postMessage',
        headers: { authorization: 'Bearer xoxb-canary' },
      });
    });

    it('text from an event cannot mention everybody', async () => {
      await open().deliver(message, '', { signal });
      const { text } = JSON.parse(seen[0]!.body) as { text: string };
      expect(text).toContain('&lt;!channel&gt; &amp; co');
      expect(text).not.toContain('<!channel>');
      expect(text).toContain('<https://lazarus.example.com/decisions/d-123456|open in the console>');
    });

    it.each([
      ['200 with ok: false', { status: 200, body: '{"ok":false,"error":"channel_not_found"}' }, false],
      ['429', { status: 429, body: '' }, true],
      ['something that is not its API', { status: 200, body: '<html>' }, true],
    ])('an answer of %s is a failure', async (_title, answer, retryable) => {
      answers = [answer];
      const outcome = await open()
        .deliver(message, '', { signal })
        .catch((error: unknown) => error);
      expect(outcome).toMatchObject({ code: 'LZ_NOTIFY_FAILED', retryable });
      expect(String(outcome)).not.toContain('xoxb-canary');
    });
  });

  describe('webhook', () => {
    it('the body is signed together with the time', async () => {
      const clock = createManualClock({ wallMs: 1_800_000_000_500 });
      const webhook = createWebhookChannel({ url: `${endpoint}/hook`, secret: 's'.repeat(16), clock });
      await webhook.deliver(message, '', { signal });
      const [{ headers, body, path }] = seen as [(typeof seen)[number]];
      const expected = createHmac('sha256', 's'.repeat(16)).update(`1800000000.${body}`).digest('hex');
      expect(path).toBe('/hook');
      expect(headers).toMatchObject({
        'x-lazarus-timestamp': '1800000000',
        'x-lazarus-signature': `v1=${expected}`,
        'content-type': 'application/json',
      });
      expect(JSON.parse(body)).toMatchObject({ kind: 'escalated', service: 'web', decision_id: 'd-123456' });
    });

    it('a redirect is not followed, and no message names the address', async () => {
      const redirecting = createServer((_request, response) => {
        response.writeHead(302, { location: `${endpoint}/stolen` }).end();
      }).listen(0, '127.0.0.1');
      await once(redirecting, 'listening');
      const url = `http://127.0.0.1:${(redirecting.address() as AddressInfo).port}/secret-path`;
      const webhook = createWebhookChannel({ url, clock: createManualClock() });
      const outcome = await webhook.deliver(message, '', { signal }).catch((error: unknown) => error);
      expect(outcome).toMatchObject({ code: 'LZ_NOTIFY_FAILED' });
      expect(String(outcome)).not.toContain('secret-path');
      expect(seen).toHaveLength(0);
      redirecting.closeAllConnections();
      await new Promise((resolve) => redirecting.close(resolve));
    });
  });
});

describe('mail', () => {
  let server: SMTPServer;
  let port: number;
  let mails: string[];
  let recipients: string[][];

  beforeEach(async () => {
    mails = [];
    recipients = [];
    server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      disableReverseLookup: true,
      onData: (stream, session, done) => {
        let mail = '';
        stream.setEncoding('utf8').on('data', (chunk: string) => (mail += chunk));
        stream.on('end', () => {
          mails.push(mail);
          recipients.push(session.envelope.rcptTo.map(({ address }) => address));
          done();
        });
      },
      onRcptTo: ({ address }, _session, done) =>
        done(
          address.startsWith('gone')
            ? Object.assign(new Error('no such user'), { responseCode: 550 })
            : undefined,
        ),
    });
    const listening = server.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    port = (listening.address() as AddressInfo).port;
  });

  afterEach(() => new Promise<void>((resolve) => server.close(() => resolve())));

  const open = (options: object = {}) =>
    createEmailChannel({
      host: '127.0.0.1',
      port,
      requireTls: false,
      from: 'lazarus@example.com',
      ...options,
    });

  it('a message reaches every recipient of the route, in one thread per decision', async () => {
    const channel = open();
    await channel.deliver(message, 'a@example.com, b@example.com', { signal });
    await channel.deliver(
      { ...message, notification: { ...notification, kind: 'resolved' } },
      'a@example.com',
      { signal },
    );
    await channel.close?.();
    expect(recipients).toEqual([['a@example.com', 'b@example.com'], ['a@example.com']]);
    const header = (name: string): (string | undefined)[] =>
      mails.map((mail) => new RegExp(`^${name}: (.*)$`, 'im').exec(mail)?.[1]);
    expect(header('Subject')).toEqual([message.subject, message.subject]);
    expect(header('References')[0]).toBeDefined();
    expect(header('References')[0]).toBe(header('References')[1]);
    expect(header('Message-ID')[0]).not.toBe(header('Message-ID')[1]);
    expect(header('Auto-Submitted')).toEqual(['auto-generated', 'auto-generated']);
  });

  it('a subject with a line break adds no header and no recipient', async () => {
    const channel = open({ to: 'team@example.com' });
    await channel.deliver({ ...message, subject: 'down\r\nBcc: evil@example.com' }, '', { signal });
    await channel.close?.();
    expect(recipients).toEqual([['team@example.com']]);
    expect(mails[0]).not.toMatch(/^Bcc:/im);
  });

  it('a refused recipient is final, a server that is not there may come back', async () => {
    await expect(open().deliver(message, 'gone@example.com', { signal })).rejects.toMatchObject({
      code: 'LZ_NOTIFY_FAILED',
      retryable: false,
    });
    await expect(open({ port: 1 }).deliver(message, 'a@example.com', { signal })).rejects.toMatchObject({
      code: 'LZ_NOTIFY_FAILED',
      retryable: true,
    });
  });

  it('nothing is sent without TLS unless that was allowed', async () => {
    await expect(
      open({ requireTls: true }).deliver(message, 'a@example.com', { signal }),
    ).rejects.toMatchObject({ code: 'LZ_NOTIFY_FAILED' });
    expect(mails).toHaveLength(0);
  });

  it('a route without a valid address is an error', async () => {
    await expect(open().deliver(message, 'not an address', { signal })).rejects.toMatchObject({
      retryable: false,
    });
    await expect(open().deliver(message, '', { signal })).rejects.toMatchObject({ retryable: false });
  });
});

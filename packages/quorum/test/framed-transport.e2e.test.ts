import { connect as connectPlain, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { FramedTransport, VoteTransport } from '@lazarus/quorum';
import { createFramedTransport } from '@lazarus/quorum';
import { createRecordingLogger, silentLogger } from '@lazarus/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeFrame } from '../src/transports/frame.ts';
import {
  aQuestion,
  createAddressBook,
  makeCertificates,
  MEMBERS,
  never,
  serveEcho,
  systemClock,
} from './transport-kit.ts';

const certificates = makeCertificates();
const strangers = makeCertificates([...MEMBERS, 'x']);
const open: VoteTransport[] = [];
let book = createAddressBook();

afterEach(async () => {
  for (const transport of open.splice(0)) await transport.close();
  book = createAddressBook();
});

type Options = Partial<Parameters<typeof createFramedTransport>[0]> & {
  readonly log?: typeof silentLogger;
  readonly secured?: boolean;
};

async function start(self: string, options: Options = {}): Promise<FramedTransport> {
  const { log, secured, ...rest } = options;
  const tls = { ...certificates.nodes[self]!, ca: certificates.ca.cert };
  const transport = await createFramedTransport(
    { self, members: MEMBERS, ...(secured === false ? {} : { tls }), ...rest },
    { clock: systemClock, log: log ?? silentLogger, addressOf: (member) => book.of(member) },
  );
  open.push(transport);
  book.set(self, transport.port);
  return transport;
}

describe.each([
  ['over TLS 1.3', true],
  ['unprotected on loopback', false],
])('framed transport %s', (_how, secured) => {
  it('carries a question and its answer between proven identities', async () => {
    const [a, b] = [await start('a', { secured }), await start('b', { secured })];
    serveEcho(b);
    const question = aQuestion();
    expect(await a.ask('b', question, { signal: never })).toEqual({
      from: 'b',
      answer: { question, from: 'a' },
    });
  });

  it('refuses a question whose answer cannot be encoded, and goes on answering', async () => {
    const [a, b] = [await start('a', { secured }), await start('b', { secured })];
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    b.serve(() => Promise.resolve(cyclic));
    await expect(a.ask('b', aQuestion(), { signal: never })).rejects.toThrow(/circular/);
    serveEcho(b);
    expect(await a.ask('b', aQuestion(), { signal: never })).toMatchObject({ from: 'b' });
  });

  it('keeps 500 questions in flight on one connection apart', async () => {
    const [a, b] = [await start('a', { secured }), await start('b', { secured })];
    b.serve(async (question) => {
      const { nonce } = question as { nonce: string };
      await systemClock.sleep(Number(nonce) % 7);
      return nonce;
    });
    const answers = await Promise.all(
      Array.from(
        { length: 500 },
        async (_, index) => (await a.ask('b', aQuestion(`${index}`), { signal: never })).answer,
      ),
    );
    expect(answers).toEqual(Array.from({ length: 500 }, (_, index) => `${index}`));
  });

  it('refuses one question more than may be in flight (L5)', async () => {
    const [a, b] = [await start('a', { secured, maxPending: 2 }), await start('b', { secured })];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    b.serve(async () => held.then(() => 'ok'));
    const waiting = [a.ask('b', aQuestion(), { signal: never }), a.ask('b', aQuestion(), { signal: never })];
    await expect(a.ask('b', aQuestion(), { signal: never })).rejects.toThrow('2 questions are waiting');
    release();
    expect(await Promise.all(waiting)).toMatchObject([{ answer: 'ok' }, { answer: 'ok' }]);
  });

  it('passes on that the other side refused, and why', async () => {
    const [a, b] = [await start('a', { secured }), await start('b', { secured })];
    await expect(a.ask('b', aQuestion(), { signal: never })).rejects.toThrow('does not vote yet');
    b.serve(async () => {
      throw new Error('not today');
    });
    await expect(a.ask('b', aQuestion(), { signal: never })).rejects.toMatchObject({
      code: 'LZ_VOTE_TRANSPORT',
      message: expect.stringContaining('not today') as unknown,
    });
  });

  it('dials again after the peer came back, and fails what was waiting when it went', async () => {
    const [a, b] = [await start('a', { secured }), await start('b', { secured })];
    b.serve(() => new Promise(() => {}));
    const lost = a.ask('b', aQuestion(), { signal: never });
    const outcome = lost.catch((error: unknown) => error);
    await systemClock.sleep(50);
    await b.close();
    expect(await outcome).toMatchObject({ code: 'LZ_VOTE_TRANSPORT' });
    await expect(a.ask('b', aQuestion(), { signal: never })).rejects.toMatchObject({
      code: 'LZ_VOTE_TRANSPORT',
    });
    serveEcho(await start('b', { secured }));
    expect(await a.ask('b', aQuestion(), { signal: never })).toMatchObject({ from: 'b' });
  });

  it('forgets a question whose signal aborts, and dials again when the peer was silent since', async () => {
    const [a, b] = [await start('a', { secured }), await start('b', { secured })];
    b.serve(() => new Promise(() => {}));
    const controller = new AbortController();
    const aborted = a.ask('b', aQuestion(), { signal: controller.signal });
    const outcome = aborted.catch((error: unknown) => error);
    await systemClock.sleep(50);
    controller.abort(new Error('the ballot is over'));
    expect(await outcome).toMatchObject({ message: 'the ballot is over' });
    serveEcho(b);
    expect(await a.ask('b', aQuestion(), { signal: never })).toMatchObject({ from: 'b' });
  });

  it('ends everything on close', async () => {
    const [a, b] = [await start('a', { secured }), await start('b', { secured })];
    b.serve(() => new Promise(() => {}));
    const waiting = a.ask('b', aQuestion(), { signal: never }).catch((error: unknown) => error);
    await systemClock.sleep(50);
    await a.close();
    expect(await waiting).toMatchObject({ code: 'LZ_VOTE_TRANSPORT' });
    await b.close();
  });
});

describe('identity over TLS (S18)', () => {
  it('refuses a peer whose certificate comes from another authority', async () => {
    const log = createRecordingLogger();
    const [a, b] = [
      await start('a', { tls: { ...strangers.nodes['a']!, ca: strangers.ca.cert } }),
      await start('b', { log }),
    ];
    serveEcho(b);
    await expect(a.ask('b', aQuestion(), { signal: never })).rejects.toMatchObject({
      code: 'LZ_VOTE_TRANSPORT',
    });
    const trusting = await start('c', { tls: { ...strangers.nodes['c']!, ca: certificates.ca.cert } });
    await expect(trusting.ask('b', aQuestion(), { signal: never })).rejects.toMatchObject({
      code: 'LZ_VOTE_TRANSPORT',
    });
    expect(log.lines.some((line) => line.message.includes('refused'))).toBe(true);
  });

  it('refuses an answer from a member that is not the one that was asked', async () => {
    const a = await start('a');
    const c = await start('c');
    serveEcho(c);
    book.set('b', c.port);
    await expect(a.ask('b', aQuestion(), { signal: never })).rejects.toThrow('belongs to somebody else');
  });

  it("refuses a certificate of our authority that is no member's", async () => {
    const withGuest = makeCertificates([...MEMBERS, 'guest']);
    const trust = { ca: withGuest.ca.cert };
    let asked = 0;
    const b = await start('b', { tls: { ...withGuest.nodes['b']!, ...trust } });
    b.serve(async () => (asked += 1));
    const guest = await start('guest', {
      members: [...MEMBERS, 'guest'],
      tls: { ...withGuest.nodes['guest']!, ...trust },
    });
    await expect(guest.ask('b', aQuestion(), { signal: never })).rejects.toMatchObject({
      code: 'LZ_VOTE_TRANSPORT',
    });
    expect(asked).toBe(0);
  });

  it('refuses a connection without a certificate, and one that speaks no TLS 1.3', async () => {
    const b = await start('b');
    let asked = 0;
    b.serve(async () => (asked += 1));
    const knock = (options: object): Promise<string> =>
      new Promise((resolve) => {
        const socket = connectTls({
          port: b.port,
          host: '127.0.0.1',
          ca: certificates.ca.cert,
          servername: 'b',
          ...options,
        });
        socket.on('secureConnect', () => socket.write(encodeFrame('question', 1, aQuestion())));
        socket.on('error', (error: Error) => resolve(error.message));
        socket.on('close', () => resolve('closed'));
        socket.on('data', () => resolve('answered'));
      });
    expect(await knock({})).not.toBe('answered');
    expect(await knock({ ...certificates.nodes['a']!, maxVersion: 'TLSv1.2' })).not.toBe('answered');
    expect(asked).toBe(0);
  });

  it('ends a connection that sends what is no frame, or an answer nobody asked for', async () => {
    const b = await start('b', { secured: false });
    const send = (bytes: Buffer): Promise<string> =>
      new Promise((resolve) => {
        const socket = connectPlain(b.port, '127.0.0.1', () => socket.write(bytes));
        socket.on('error', () => undefined);
        socket.on('close', () => resolve('closed'));
      });
    expect(await send(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toBe('closed');
    expect(await send(encodeFrame('answer', 1, {}))).toBe('closed');
    expect(await send(encodeFrame('hello', 0, { from: 'x' }))).toBe('closed');
    expect(await send(encodeFrame('question', 1, aQuestion()))).toBe('closed');
  });

  it('is not given up for an address beyond this machine', async () => {
    await expect(start('a', { secured: false, listen: { host: '0.0.0.0' } })).rejects.toMatchObject({
      code: 'LZ_OPTION_INVALID',
    });
    const a = await start('a', { secured: false });
    const far = await createFramedTransport(
      { self: 'b', members: MEMBERS },
      { clock: systemClock, log: silentLogger, addressOf: () => ({ host: '192.0.2.1', port: a.port }) },
    );
    open.push(far);
    await expect(far.ask('a', aQuestion(), { signal: never })).rejects.toThrow('not a loopback address');
  });
});

describe('a peer that cannot be reached', () => {
  it('is given up after the connect timeout, and at once when its address is unknown or refuses', async () => {
    const a = await start('a', { connectTimeoutMs: 200 });
    await expect(a.ask('b', aQuestion(), { signal: never })).rejects.toThrow('address is unknown');
    book.set('b', 1);
    await expect(a.ask('b', aQuestion(), { signal: never })).rejects.toThrow(/ECONNREFUSED/);
    const silent = createServer((socket) => void socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    book.set('b', (silent.address() as { port: number }).port);
    await expect(a.ask('b', aQuestion(), { signal: never })).rejects.toThrow('no answer within 200 ms');
    await new Promise((resolve) => {
      silent.close(resolve);
    });
  });

  it('is dialed again when it did not say a word since the last question, because the connection may be dead', async () => {
    const a = await start('a', { secured: false });
    let connections = 0;
    const mute = createServer((socket) => {
      connections += 1;
      socket.on('error', () => undefined).resume();
    });
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    book.set('b', (mute.address() as { port: number }).port);
    for (let question = 0; question < 2; question += 1) {
      const controller = new AbortController();
      const outcome = a.ask('b', aQuestion(), { signal: controller.signal }).catch((error: unknown) => error);
      await systemClock.sleep(50);
      controller.abort(new Error('the ballot is over'));
      expect(await outcome).toMatchObject({ message: 'the ballot is over' });
    }
    expect(connections).toBe(2);
    await new Promise((resolve) => {
      mute.close(resolve);
    });
  });

  it('cannot be listened for on a port that is taken', async () => {
    const a = await start('a');
    await expect(start('b', { listen: { port: a.port } })).rejects.toMatchObject({
      code: 'LZ_VOTE_TRANSPORT',
    });
  });
});

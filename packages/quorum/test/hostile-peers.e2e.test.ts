import type { Socket } from 'node:net';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Answer, FramedTransport, QuestionHandler, VoteTransport } from '@lazarus/quorum';
import { createFramedTransport } from '@lazarus/quorum';
import { createRecordingLogger, silentLogger } from '@lazarus/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeFrame, frameHead, MAX_FRAME_BYTES } from '../src/transports/frame.ts';
import type { NodeId } from './three-nodes.ts';
import { createThreeNodes } from './three-nodes.ts';
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
const open: VoteTransport[] = [];
const sockets: Socket[] = [];
let book = createAddressBook();

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const transport of open.splice(0)) await transport.close();
  book = createAddressBook();
});

async function start(
  self: string,
  options: Partial<Parameters<typeof createFramedTransport>[0]> & { readonly log?: typeof silentLogger } = {},
): Promise<FramedTransport> {
  const { log = silentLogger, ...rest } = options;
  const tls = { ...certificates.nodes[self]!, ca: certificates.ca.cert };
  const transport = await createFramedTransport(
    { self, members: MEMBERS, tls, ...rest },
    { clock: systemClock, log, addressOf: (member) => book.of(member) },
  );
  open.push(transport);
  book.set(self, transport.port);
  return transport;
}

/** A connection that ends by itself, or does not within 5 s. */
function ends(socket: Socket): Promise<'ended' | 'still open'> {
  sockets.push(socket);
  const gone = new Promise<'ended'>((resolve) => {
    socket.on('error', () => undefined).on('close', () => resolve('ended'));
    socket.resume();
  });
  return Promise.race([gone, systemClock.sleep(5_000).then(() => 'still open' as const)]);
}

/** Says `bytes` to `b` with the certificate of `a`. */
function sayAsMember(port: number, bytes: Buffer): Socket {
  const socket = connectTls({
    host: '127.0.0.1',
    port,
    ...certificates.nodes['a']!,
    ca: certificates.ca.cert,
    servername: 'b',
  });
  socket.on('secureConnect', () => socket.write(bytes));
  return socket;
}

describe('a member that lies, over mutual TLS (S2, S15, S18)', () => {
  /** Three nodes of which `b` and `c` change what they answer; `a` says yes. */
  async function ballotWith(forge: (answer: Answer, earlier: Answer | undefined) => unknown) {
    const transports = { a: await start('a'), b: await start('b'), c: await start('c') };
    const earlier = new Map<NodeId, Answer>();
    const lying = (id: NodeId): VoteTransport => ({
      ...transports[id],
      serve: (handler: QuestionHandler) =>
        transports[id].serve(async (question, context) => {
          const answer = (await handler(question, context)) as Answer;
          const before = earlier.get(id);
          earlier.set(id, answer);
          return before === undefined ? answer : forge(answer, before);
        }),
    });
    const cluster = createThreeNodes({ transportOf: lying });
    const honest = await cluster.ballot('a');
    expect(honest).toMatchObject({ outcome: 'reached', yes: 3, voided: [] });
    await cluster.clock.advance(10);
    const result = await cluster.ballot('a');
    await cluster.close();
    return result;
  }

  it.each<[string, (answer: Answer, earlier: Answer | undefined) => unknown, string]>([
    ['another decision', (answer) => ({ ...answer, decision_id: 'd2' }), 'nonce_differs'],
    ['another configuration', (answer) => ({ ...answer, config_digest: 'x' }), 'config_digest_differs'],
    ['another membership', (answer) => ({ ...answer, membership_epoch: 3 }), 'membership_epoch_differs'],
    ['another ballot', (answer) => ({ ...answer, nonce: 'ballot-9' }), 'nonce_differs'],
    ['another expiry', (answer) => ({ ...answer, expires_at: answer.expires_at + 1 }), 'expired'],
    ["another's name", (answer) => ({ ...answer, voter: 'a' }), 'identity_differs'],
    ["another's zone", (answer) => ({ ...answer, zone: 'us-east-1a' }), 'identity_differs'],
    ['the ballot before', (_answer, earlier) => earlier, 'nonce_differs'],
    [
      'the ballot before, with this nonce',
      (answer, earlier) => ({ ...earlier, nonce: answer.nonce }),
      'expired',
    ],
    ['nothing at all', () => 'yes', 'malformed'],
  ])('wins nothing with a vote of %s', async (_what, forge, reason) => {
    const result = await ballotWith(forge);
    expect(result).toMatchObject({ outcome: 'not_reached', yes: 1 });
    expect(result.voided.map((each) => `${each.voter} ${each.reason}`).sort()).toEqual([
      `b ${reason}`,
      `c ${reason}`,
    ]);
  });
});

describe('certificates', () => {
  it('that have expired are refused by whoever asks and by whoever is asked (S18)', async () => {
    const dayMs = 86_400_000;
    const { ca, nodes } = certificates;
    const old = makeCertificates(MEMBERS, systemClock.now() - 31 * dayMs);
    const bundle = `${ca.cert}\n${old.ca.cert}`;
    const log = createRecordingLogger();
    const a = await start('a', { tls: { ...nodes['a']!, ca: bundle }, log });
    const b = await start('b', { tls: { ...old.nodes['b']!, ca: bundle } });
    serveEcho(a);
    serveEcho(b);
    await expect(a.ask('b', aQuestion(), { signal: never })).rejects.toThrow(/certificate has expired/);
    await expect(b.ask('a', aQuestion(), { signal: never })).rejects.toMatchObject({
      code: 'LZ_VOTE_TRANSPORT',
    });
    await expect
      .poll(() => log.lines.map(({ fields }) => String(fields['reason'])).join())
      .toMatch('CERT_HAS_EXPIRED');
  });
});

describe('a renewed certificate', () => {
  it('of another authority is used without a restart, and peers of the authority before are gone', async () => {
    const next = makeCertificates();
    const of = (id: string) => ({ ...next.nodes[id]!, ca: next.ca.cert });
    const [a, b] = [await start('a'), await start('b')];
    serveEcho(b);
    await a.ask('b', aQuestion(), { signal: never });
    const c = await start('c', { tls: of('c') });
    serveEcho(c);
    for (const [asker, member] of [
      [b, 'c'],
      [c, 'b'],
    ] as const)
      await expect(asker.ask(member, aQuestion(), { signal: never })).rejects.toMatchObject({
        code: 'LZ_VOTE_TRANSPORT',
      });
    b.renew(of('b'));
    expect(await b.ask('c', aQuestion(), { signal: never })).toMatchObject({ from: 'c' });
    expect(await c.ask('b', aQuestion(), { signal: never })).toMatchObject({ from: 'b' });
    await expect(a.ask('b', aQuestion(), { signal: never })).rejects.toMatchObject({
      code: 'LZ_VOTE_TRANSPORT',
    });
  });

  it('that cannot be used is refused, and changes nothing', async () => {
    const [a, b] = [await start('a'), await start('b')];
    serveEcho(b);
    const { cert } = certificates.nodes['b']!;
    const { key } = certificates.nodes['c']!;
    expect(() => b.renew({ cert, key, ca: certificates.ca.cert })).toThrow(/was not renewed/);
    expect(await a.ask('b', aQuestion(), { signal: never })).toMatchObject({ from: 'b' });
    const plain = await start('c', { tls: undefined as never });
    expect(() => plain.renew({ cert, key, ca: certificates.ca.cert })).toThrow('began without one');
  });
});

describe('a peer that misbehaves', () => {
  it.each<[string, Buffer]>([
    ['bytes that mean nothing', Buffer.from('\u0001\u0002\u0003\u0004 hello?')],
    ['a frame of 4 GB', Buffer.from([0xff, 0xff, 0xff, 0xff, 1])],
    ['a frame that is 1 byte too long', frameHead('question', 1, MAX_FRAME_BYTES)],
    ['an answer that nobody asked for', encodeFrame('answer', 1, {})],
    ['a greeting of the unprotected transport', encodeFrame('hello', 0, { from: 'c' })],
  ])('is cut off when it sends %s, and the others are answered (L5)', async (_what, bytes) => {
    const [a, b] = [await start('a'), await start('b')];
    serveEcho(b);
    expect(await ends(sayAsMember(b.port, bytes))).toBe('ended');
    expect(await a.ask('b', aQuestion(), { signal: never })).toMatchObject({ from: 'b' });
  });

  it.each([
    ['over TLS', true],
    ['unprotected', false],
  ])('is cut off when it connects and says nothing for 200 ms, %s', async (_how, isSecured) => {
    const b = await start('b', {
      connectTimeoutMs: 200,
      ...(isSecured ? {} : { tls: undefined as never }),
    });
    expect(await ends(connectPlain(b.port, '127.0.0.1'))).toBe('ended');
  });

  it("takes away nobody else's connection, and keeps nobody out, by opening 300 of its own: 256 are held", async () => {
    const log = createRecordingLogger();
    const [a, b] = [await start('a'), await start('b', { connectTimeoutMs: 60_000, log })];
    serveEcho(b);
    await a.ask('b', aQuestion(), { signal: never });
    const flood = Array.from({ length: 300 }, () => connectPlain(b.port, '127.0.0.1'));
    let ended = 0;
    for (const socket of flood) void ends(socket).then((how) => (ended += how === 'ended' ? 1 : 0));
    await expect.poll(() => ended, { timeout: 4_000 }).toBe(300 - 256);
    expect(await a.ask('b', aQuestion(), { signal: never })).toMatchObject({ from: 'b' });
    const c = await start('c');
    expect(await c.ask('b', aQuestion(), { signal: never })).toMatchObject({ from: 'b' });
    expect(log.lines.filter(({ message }) => message.includes('too many'))).toHaveLength(1);
    expect(log.lines.length).toBeLessThan(4);
  });

  it('ends its own oldest connection when it opens a 17th, and nobody else loses one', async () => {
    const [c, b] = [await start('c'), await start('b')];
    let release = (): void => undefined;
    const held = new Promise<string>((resolve) => (release = () => resolve('ok')));
    b.serve(async (_question, { from }) => (from === 'c' ? held : 'echo'));
    const waiting = c.ask('b', aQuestion(), { signal: never });
    const ended: number[] = [];
    for (let each = 0; each < 17; each += 1) {
      const socket = sayAsMember(b.port, encodeFrame('question', 1, aQuestion()));
      void ends(socket).then((how) => how === 'ended' && ended.push(each));
      await new Promise((resolve) => socket.once('data', resolve));
    }
    await expect.poll(() => ended).toEqual([0]);
    release();
    expect(await waiting).toMatchObject({ answer: 'ok' });
  });

  it('is refused what it asks beyond the bound of the one who is asked, and then answered again (L5)', async () => {
    const [a, b] = [await start('a'), await start('b', { maxPending: 2 })];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    b.serve(async () => held.then(() => 'ok'));
    const asked = Array.from({ length: 3 }, () => a.ask('b', aQuestion(), { signal: never }));
    await expect(asked[2]).rejects.toThrow('too many questions at once');
    release();
    expect(await Promise.all(asked.slice(0, 2))).toMatchObject([{ answer: 'ok' }, { answer: 'ok' }]);
    expect(await a.ask('b', aQuestion(), { signal: never })).toMatchObject({ answer: 'ok' });
  });
});

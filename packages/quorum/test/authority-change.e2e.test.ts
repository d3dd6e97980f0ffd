import { connect as connectTls } from 'node:tls';
import type { FramedTransport, VoteTransport } from '@lazarus/quorum';
import { createDevCertificates, createFramedTransport } from '@lazarus/quorum';
import { createManualClock, createRecordingLogger, silentLogger } from '@lazarus/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  aQuestion,
  createAddressBook,
  makeCertificates,
  MEMBERS,
  never,
  serveEcho,
  systemClock,
} from './transport-kit.ts';

const DAY_MS = 86_400_000;
const old = makeCertificates();
const next = makeCertificates();
const bundle = `${old.ca.cert}\n${next.ca.cert}`;
const open: VoteTransport[] = [];
let book = createAddressBook();

afterEach(async () => {
  for (const transport of open.splice(0)) await transport.close();
  book = createAddressBook();
});

type Options = Partial<Parameters<typeof createFramedTransport>[0]> &
  Partial<Parameters<typeof createFramedTransport>[1]>;

async function start(self: string, options: Options = {}): Promise<FramedTransport> {
  const { clock = systemClock, log = silentLogger, ...rest } = options;
  const tls = { ...old.nodes[self]!, ca: old.ca.cert };
  const transport = await createFramedTransport(
    { self, members: MEMBERS, tls, ...rest },
    { clock, log, addressOf: (member) => book.of(member) },
  );
  open.push(transport);
  book.set(self, transport.port);
  serveEcho(transport);
  return transport;
}

const ask = (from: FramedTransport, member: string): Promise<string> =>
  from.ask(member, aQuestion(), { signal: never }).then(
    (reply) => `answered by ${reply.from}`,
    (error: unknown) => (error as Error).message,
  );

describe('a change of authority', () => {
  it('from the old to both, new certificates, the new alone: each node by itself, and every pair is connected at every step', async () => {
    const nodes = { a: await start('a'), b: await start('b'), c: await start('c') };
    const everybodyAnswers = async (): Promise<void> => {
      for (const [self, transport] of Object.entries(nodes))
        for (const member of MEMBERS.filter((id) => id !== self))
          expect(await ask(transport, member)).toBe(`answered by ${member}`);
    };
    await everybodyAnswers();
    for (const [of, ca] of [
      [old, bundle],
      [next, bundle],
      [next, next.ca.cert],
    ] as const)
      for (const [self, transport] of Object.entries(nodes)) {
        transport.renew({ ...of.nodes[self]!, ca });
        await systemClock.sleep(20);
        await everybodyAnswers();
      }
    nodes.a.renew({ ...next.nodes['a']!, ca: next.ca.cert });
    await nodes.c.close();
    const late = await start('c');
    expect(await ask(late, 'a')).not.toMatch('answered');
    expect(await ask(nodes.a, 'c')).not.toMatch('answered');
  });

  it('ends standing connections to and from peers whose authority was taken away, and keeps the others (S18)', async () => {
    const a = await start('a', { tls: { ...old.nodes['a']!, ca: bundle } });
    const b = await start('b', { tls: { ...old.nodes['b']!, ca: bundle } });
    const c = await start('c', { tls: { ...next.nodes['c']!, ca: bundle } });
    const heldUp: { readonly from: string; release(): void }[] = [];
    a.serve(
      (_question, { from }) => new Promise((resolve) => heldUp.push({ from, release: () => resolve(1) })),
    );
    const outcomes = [ask(b, 'a'), ask(c, 'a')];
    await expect.poll(() => heldUp.length).toBe(2);
    expect([await ask(a, 'b'), await ask(a, 'c')]).toEqual(['answered by b', 'answered by c']);
    a.renew({ ...next.nodes['a']!, ca: next.ca.cert });
    expect(await outcomes[0]).toMatch(/connection/);
    for (const { release } of heldUp) release();
    expect(await outcomes[1]).toBe('answered by a');
    expect(await ask(a, 'b')).not.toMatch('answered');
    expect(await ask(b, 'a')).not.toMatch('answered');
    expect(await ask(a, 'c')).toBe('answered by c');
  });

  it('counts for a handshake that was under way, too', async () => {
    const a = await start('a');
    await start('b');
    const asked = ask(a, 'b');
    a.renew({ ...next.nodes['a']!, ca: next.ca.cert });
    expect(await asked).toMatch('the authority of its certificate is no longer trusted');
  });

  it('logs whose certificate was renewed, and until when it is valid', async () => {
    const log = createRecordingLogger();
    const a = await start('a', { log });
    expect(() => a.renew({ ...next.nodes['a']!, ca: 'nobody' })).toThrow(/was not renewed/);
    expect(log.lines).toEqual([]);
    a.renew({ ...next.nodes['a']!, ca: bundle });
    expect(log.lines).toMatchObject([
      { level: 'info', fields: { node: 'a', validTo: expect.stringMatching(/ GMT$/) as string } },
    ]);
  });
});

describe('the end of a certificate (S18)', () => {
  const clockOfToday = () => createManualClock({ wallMs: systemClock.now() });

  it('ends the connections of its node in both directions, by one alarm each that goes with the connection', async () => {
    const clock = clockOfToday();
    const a = await start('a', { clock });
    const b = await start('b');
    expect([await ask(a, 'b'), await ask(b, 'a')]).toEqual(['answered by b', 'answered by a']);
    expect(clock.pending).toBe(2);
    b.serve(() => new Promise(() => {}));
    const waiting = ask(a, 'b');
    await clock.advance(29 * DAY_MS);
    expect(clock.pending).toBe(2);
    await clock.advance(2 * DAY_MS);
    expect(await waiting).toMatch('the certificate of the other side has expired');
    expect(clock.pending).toBe(0);
    serveEcho(b);
    expect(await ask(b, 'a')).not.toMatch('answered');
  });

  it('leaves no alarm behind when the connection ends before', async () => {
    const clock = clockOfToday();
    const a = await start('a', { clock });
    const b = await start('b');
    await ask(a, 'b');
    expect(clock.pending).toBe(1);
    await b.close();
    await expect.poll(() => clock.pending).toBe(0);
  });

  it('counts at the next frame when the wall clock is set forward, before the alarm rings', async () => {
    const clock = clockOfToday();
    const a = await start('a', { clock });
    const b = await start('b');
    await Promise.all([ask(a, 'b'), ask(b, 'a')]);
    clock.jumpWall(31 * DAY_MS);
    expect(await ask(b, 'a')).not.toMatch('answered');
    expect(await ask(a, 'b')).toMatch('the certificate of the other side has expired');
  });

  it('takes the vote away from a node whose certificate was valid for 3 s, until it is renewed', async () => {
    const ending = createDevCertificates({
      members: MEMBERS,
      nowMs: systemClock.now(),
      validForMs: 3_000,
    });
    const lasting = { ca: `${old.ca.cert}\n${ending.ca.cert}` };
    const a = await start('a', { tls: { ...old.nodes['a']!, ...lasting } });
    const b = await start('b', { tls: { ...ending.nodes['b']!, ...lasting } });
    expect([await ask(a, 'b'), await ask(b, 'a')]).toEqual(['answered by b', 'answered by a']);
    await systemClock.sleep(3_100);
    expect(await ask(a, 'b')).toMatch('certificate has expired');
    expect(await ask(b, 'a')).not.toMatch('answered');
    b.renew({ ...old.nodes['b']!, ...lasting });
    expect([await ask(a, 'b'), await ask(b, 'a')]).toEqual(['answered by b', 'answered by a']);
  });
});

describe('a session of TLS that is resumed', () => {
  it('is refused, because no certificate is verified then (S18)', async () => {
    const b = await start('b');
    const knock = (
      session?: Buffer,
    ): Promise<{ readonly ticket?: Buffer; readonly isReused: boolean; readonly isClosed: boolean }> =>
      new Promise((resolve) => {
        let ticket: Buffer | undefined;
        const socket = connectTls({
          host: '127.0.0.1',
          port: b.port,
          ...old.nodes['a']!,
          ca: old.ca.cert,
          servername: 'b',
          ...(session === undefined ? {} : { session }),
        });
        const finish = (isClosed: boolean): void => {
          resolve({
            ...(ticket === undefined ? {} : { ticket }),
            isReused: socket.isSessionReused(),
            isClosed,
          });
          socket.destroy();
        };
        socket.on('session', (data: Buffer) => (ticket = data));
        socket
          .on('error', () => undefined)
          .on('close', () => finish(true))
          .resume();
        void systemClock.sleep(300).then(() => finish(false));
      });
    const first = await knock();
    expect(first).toMatchObject({ isReused: false, isClosed: false });
    expect(first.ticket).toBeDefined();
    expect(await knock(first.ticket)).toMatchObject({ isClosed: true });
  });
});

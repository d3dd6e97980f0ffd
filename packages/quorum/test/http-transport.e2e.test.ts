import type { HttpTransport } from '@lazarus/quorum';
import { createHttpTransport } from '@lazarus/quorum';
import { afterEach, describe, expect, it } from 'vitest';
import { aQuestion, createAddressBook, MEMBERS, never, serveEcho } from './transport-kit.ts';

const open: HttpTransport[] = [];
const book = createAddressBook();

afterEach(async () => {
  for (const transport of open.splice(0)) await transport.close();
});

async function start(self: string): Promise<HttpTransport> {
  const transport = await createHttpTransport({ self, members: MEMBERS }, { addressOf: book.of });
  open.push(transport);
  book.set(self, transport.port);
  return transport;
}

describe('HTTP transport', () => {
  it('carries 50 questions at once and their answers', async () => {
    const [a, b] = [await start('a'), await start('b')];
    serveEcho(b);
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, index) => a.ask('b', aQuestion(`${index}`), { signal: never })),
    );
    expect(replies.map((reply) => (reply.answer as { question: { nonce: string } }).question.nonce)).toEqual(
      replies.map((_, index) => `${index}`),
    );
    expect(replies[0]).toMatchObject({ from: 'b', answer: { from: 'a' } });
  });

  it('can be asked by hand, and says what is wrong', async () => {
    const b = await start('b');
    const send = (headers: Record<string, string>, body: string, path = '/v1/ballots') =>
      fetch(`http://127.0.0.1:${b.port}${path}`, { method: 'POST', headers, body });
    expect((await send({ 'x-lazarus-node': 'a' }, '{}')).status).toBe(503);
    serveEcho(b);
    expect(await (await send({ 'x-lazarus-node': 'a' }, '{"x":1}')).json()).toEqual({
      question: { x: 1 },
      from: 'a',
    });
    expect((await send({}, '{}')).status).toBe(403);
    expect((await send({ 'x-lazarus-node': 'stranger' }, '{}')).status).toBe(403);
    expect((await send({ 'x-lazarus-node': 'a' }, '{}', '/other')).status).toBe(404);
    expect((await send({ 'x-lazarus-node': 'a' }, 'x'.repeat(600_000))).status).toBe(413);
  });

  it('fails for a peer that refuses, is away, or is unknown, and passes on an abort', async () => {
    const [a, b] = [await start('a'), await start('b')];
    b.serve(async () => {
      throw new Error('not today');
    });
    await expect(a.ask('b', aQuestion(), { signal: never })).rejects.toThrow('not today');
    await expect(a.ask('c', aQuestion(), { signal: never })).rejects.toMatchObject({
      code: 'LZ_VOTE_TRANSPORT',
    });
    b.serve(() => new Promise(() => {}));
    const controller = new AbortController();
    const waiting = a.ask('b', aQuestion(), { signal: controller.signal });
    controller.abort(new Error('over'));
    await expect(waiting).rejects.toThrow('over');
    await b.close();
    await expect(a.ask('b', aQuestion(), { signal: never })).rejects.toMatchObject({
      code: 'LZ_VOTE_TRANSPORT',
    });
  });

  it('stays on this machine (S18)', async () => {
    await expect(
      createHttpTransport(
        { self: 'a', members: MEMBERS, listen: { host: '0.0.0.0' } },
        { addressOf: book.of },
      ),
    ).rejects.toMatchObject({ code: 'LZ_OPTION_INVALID' });
    const far = await createHttpTransport(
      { self: 'a', members: MEMBERS },
      { addressOf: () => ({ host: 'example.com', port: 80 }) },
    );
    open.push(far);
    await expect(far.ask('b', aQuestion(), { signal: never })).rejects.toMatchObject({
      code: 'LZ_OPTION_INVALID',
    });
  });
});

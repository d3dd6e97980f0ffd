import { signRequest } from '@lazarus/sensors-http';
import { anEvent } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { createReplayCache } from '../../src/access/replay-cache.ts';
import { anIntake } from './intake-fixture.ts';

const token = 'token-0123456789abcdef';
const key = 'key-one-0123456789';
const nextKey = 'key-two-0123456789';
const body = JSON.stringify(anEvent());

describe('a bearer token', () => {
  it('is needed when one is configured', async () => {
    const { post, stream } = anIntake({ auth: { tokens: [token] } });
    for (const authorization of ['', 'Bearer', 'Bearer wrong-0123456789abc', `Basic ${token}`, token]) {
      const answer = await post(body, { authorization });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
    expect(stream.events).toEqual([]);
    expect((await post(body, { authorization: `bearer ${token}` })).status).toBe(202);
  });

  it('may be one of several while it is being replaced', async () => {
    const { post } = anIntake({ auth: { tokens: ['old-0123456789abcdef', token] } });
    expect((await post(body, { authorization: `Bearer ${token}` })).status).toBe(202);
    expect((await post(body, { authorization: 'Bearer old-0123456789abcdef' })).status).toBe(202);
  });
});

describe('a signed request', () => {
  const signed = (text: string, ageMs: number, nowMs: number, by = key): Readonly<Record<string, string>> =>
    signRequest(by, text, nowMs - ageMs);

  it('passes with either of two live keys', async () => {
    const { post, clock } = anIntake({ auth: { signingKeys: [key, nextKey] } });
    expect((await post(body, signed(body, 0, clock.now()))).status).toBe(202);
    expect((await post(body, signed(body, 1_000, clock.now(), nextKey))).status).toBe(202);
  });

  it('passes with a header that carries the signatures of two keys', async () => {
    const { post, clock } = anIntake({ auth: { signingKeys: [key] } });
    const mine = signed(body, 0, clock.now());
    const other = signed(body, 0, clock.now(), nextKey);
    const both = `${other['x-lazarus-signature'] ?? ''}, ${mine['x-lazarus-signature'] ?? ''}`;
    expect((await post(body, { ...mine, 'x-lazarus-signature': both })).status).toBe(202);
  });

  it('is refused with another key, another body, another time, or no signature', async () => {
    const { post, clock, stream } = anIntake({ auth: { signingKeys: [key] } });
    const now = clock.now();
    const headers = signed(body, 0, now);
    const attempts = [
      post(body, signed(body, 0, now, nextKey)),
      post(`${body} `, headers),
      post(body, { ...headers, 'x-lazarus-timestamp': String(now / 1000 - 1) }),
      post(body, { ...headers, 'x-lazarus-timestamp': '1e9' }),
      post(body, { ...headers, 'x-lazarus-signature': 'v1=00' }),
      post(body),
    ];
    for (const attempt of attempts) expect((await attempt).status).toBe(401);
    expect(stream.events).toEqual([]);
  });

  it.each([
    [300_000, 202],
    [301_000, 401],
    [-300_000, 202],
    [-301_000, 401],
  ])('that is %i ms old is answered with %i', async (ageMs, status) => {
    const { post, clock } = anIntake({ auth: { signingKeys: [key] } });
    expect((await post(body, signed(body, ageMs, clock.now()))).status).toBe(status);
  });

  it('is served once', async () => {
    const { post, clock, stream } = anIntake({ auth: { signingKeys: [key] } });
    const headers = signed(body, 0, clock.now());
    expect((await post(body, headers)).status).toBe(202);
    expect((await post(body, headers)).status).toBe(401);
    expect((await post(body, signed(body, 1_000, clock.now()))).status).toBe(202);
    expect(stream.events).toHaveLength(2);
  });

  it('may be sent again when the stream did not take it', async () => {
    const { post, clock, stream } = anIntake({ auth: { signingKeys: [key] } });
    stream.refuse();
    const headers = signed(body, 0, clock.now());
    expect((await post(body, headers)).status).toBe(503);
    stream.refuse(new Set());
    expect((await post(body, headers)).status).toBe(202);
  });

  it('is one of two ways in when tokens are configured too', async () => {
    const { post, clock } = anIntake({ auth: { signingKeys: [key], tokens: [token] } });
    expect((await post(body, signed(body, 0, clock.now()))).status).toBe(202);
    expect((await post(body, { authorization: `Bearer ${token}` })).status).toBe(202);
    expect((await post(body)).status).toBe(401);
  });
});

describe('the replay cache', () => {
  it('turns requests away when it is full, and forgets those whose signature is no longer good', () => {
    let nowMs = 0;
    const cache = createReplayCache({ clock: { now: () => nowMs }, windowMs: 300_000, maxSeals: 2 });
    expect(cache.admit('a', 0)).toBe('fresh');
    expect(cache.admit('b', 1_000)).toBe('fresh');
    expect(cache.admit('c', 1_000)).toBe('full');
    expect(cache.admit('a', 0)).toBe('replayed');
    nowMs = 300_001;
    expect(cache.admit('c', 300_001)).toBe('fresh');
    expect(cache.admit('b', 1_000)).toBe('replayed');
  });
});

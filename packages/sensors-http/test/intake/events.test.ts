import { ConfigurationError, MAX_EVENT_BYTES } from '@lazarus/core';
import { createIntake } from '@lazarus/sensors-http';
import type { IntakePorts } from '@lazarus/sensors-http';
import { anEvent } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { anIntake } from './intake-fixture.ts';

describe('POST /v1/events', () => {
  it('answers 202 with the canonical id once the stream has the event', async () => {
    const { post, stream } = anIntake();
    const { status, body } = await post(anEvent());
    expect(status).toBe(202);
    expect(body).toEqual({ results: [{ index: 0, status: 'accepted', id: 'nagios/evt-1' }] });
    expect(stream.events).toEqual([anEvent()]);
  });

  it('accepts the same event id again: it is counted once later', async () => {
    const { post, stream } = anIntake();
    await post(anEvent());
    expect((await post(anEvent())).status).toBe(202);
    expect(stream.events).toHaveLength(2);
  });

  it('gives the type its canonical spelling', async () => {
    const { post, stream } = anIntake();
    await post(anEvent({ event_type: 'HealthCheckDown', attributes: {} }));
    expect(stream.events[0]?.event_type).toBe('HealthcheckDown');
  });

  it('warns about a type that nobody registered and still accepts it', async () => {
    const { post, stream } = anIntake();
    const { status, body } = await post(anEvent({ event_type: 'NagiosHostAlrm' }));
    expect(status).toBe(202);
    expect(body.results?.[0]).toMatchObject({
      warnings: [{ path: 'event_type', hint: expect.stringContaining('NagiosHostAlarm') as string }],
    });
    expect(stream.events).toHaveLength(1);
  });

  it('refuses such a type when only known ones are wanted', async () => {
    const { post, stream } = anIntake({ knownTypesOnly: true });
    expect((await post(anEvent({ event_type: 'NagiosHostAlrm' }))).status).toBe(400);
    expect(stream.events).toEqual([]);
  });
});

describe('an invalid event', () => {
  it('is refused with every path, what was found and what was probably meant', async () => {
    const { post, stream } = anIntake();
    const { enviroment, ...rest } = { ...anEvent({ environment: undefined }), enviroment: 'prod' };
    const { status, body } = await post({ ...rest, enviroment, service: 7 });
    expect(status).toBe(400);
    expect(body.error?.code).toBe('invalid_request');
    expect(body.error?.issues).toEqual(
      expect.arrayContaining([
        { path: 'service', message: 'found number 7, expected a string' },
        expect.objectContaining({
          path: 'enviroment',
          hint: expect.stringContaining('environment') as string,
        }),
      ]),
    );
    expect(stream.events).toEqual([]);
  });

  it.each([
    ['text that is no JSON', '{"id": '],
    ['bytes that are no UTF-8', new Uint8Array([0x7b, 0xff, 0x7d])],
    ['a number', '7'],
    ['nothing', ''],
    ['an empty list', '[]'],
    ['lists 100 000 levels deep', '['.repeat(100_000)],
    [
      'an event 100 levels deep',
      JSON.stringify(anEvent())

        .replace('"HARD"', `${'['.repeat(100)}${']'.repeat(100)}`),
    ],
    ['a __proto__ key', JSON.stringify(anEvent()).replace('"host_state_type"', '"__proto__"')],
  ])('made of %s is refused with 400', async (_title, body) => {
    const { post, stream } = anIntake();
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(answer.body.error?.code).toBe('invalid_request');
    expect(stream.events).toEqual([]);
  });
});

describe('a list of events', () => {
  it('gets one verdict for each event, in order', async () => {
    const { post, stream } = anIntake();
    const { status, body } = await post([anEvent(), anEvent({ id: 'evt-2' })]);
    expect(status).toBe(202);
    expect(body.results?.map(({ index, status: verdict, id }) => [index, verdict, id])).toEqual([
      [0, 'accepted', 'nagios/evt-1'],
      [1, 'accepted', 'nagios/evt-2'],
    ]);
    expect(stream.events).toHaveLength(2);
  });

  it('answers 207 when some events are invalid, and deposits the others', async () => {
    const { post, stream } = anIntake();
    const { status, body } = await post([anEvent(), { id: 'x' }, anEvent({ id: 'evt-3' })]);
    expect(status).toBe(207);
    expect(body.results?.map((verdict) => verdict['status'])).toEqual(['accepted', 'invalid', 'accepted']);
    expect(stream.events.map(({ id }) => id)).toEqual(['evt-1', 'evt-3']);
  });

  it('answers 400 when all are invalid, with the position of each in its path', async () => {
    const { post } = anIntake();
    const { status, body } = await post([anEvent({ time: 'yesterday' }), 'event']);
    expect(status).toBe(400);
    expect(body.error?.issues?.map(({ path }) => path)).toEqual(['[0].time', '[1]']);
  });

  it('answers 413 to more than 100 events, and deposits none', async () => {
    const { post, stream } = anIntake();
    const events = Array.from({ length: 101 }, (_, index) => anEvent({ id: `evt-${index}` }));
    expect((await post(events)).status).toBe(413);
    expect((await post(events.slice(1))).status).toBe(202);
    expect(stream.events).toHaveLength(100);
  });
});

describe('a body', () => {
  it('over 256 KB is refused with 413, also when its length is not announced', async () => {
    const { post, intake } = anIntake();
    const big = JSON.stringify(anEvent({ summary: 'x'.repeat(MAX_EVENT_BYTES) }));
    expect((await post(big)).status).toBe(413);
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: endless,
      duplex: 'half',
    };
    const response = await intake.fetch(new Request('http://intake.invalid/v1/events', init as RequestInit));
    expect(response.status).toBe(413);
    expect(pulled).toBeLessThan(10);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', ''])(
    'of type %j is refused with 415',
    async (type) => {
      const { post, stream } = anIntake();
      expect((await post(anEvent(), { 'content-type': type })).status).toBe(415);
      expect(stream.events).toEqual([]);
    },
  );

  it('that is compressed is refused with 415', async () => {
    expect((await anIntake().post(anEvent(), { 'content-encoding': 'gzip' })).status).toBe(415);
  });
});

describe('a full intake', () => {
  it('answers 429 with Retry-After to the 3rd event while 2 are on their way, and takes it afterwards', async () => {
    const { post, stream, clock } = anIntake({ maxInFlight: 2 });
    const release = stream.hang();
    const first = post([anEvent(), anEvent({ id: 'evt-2' })]);
    await clock.settle();
    const refused = await post(anEvent({ id: 'evt-3' }));
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.body.error?.code).toBe('too_many_requests');
    release();
    expect((await first).status).toBe(202);
    expect((await post(anEvent({ id: 'evt-3' }))).status).toBe(202);
  });

  it('takes all events of a list or none', async () => {
    const { post, stream, clock } = anIntake({ maxInFlight: 2 });
    const release = stream.hang();
    const first = post(anEvent());
    await clock.settle();
    expect((await post([anEvent({ id: 'evt-2' }), anEvent({ id: 'evt-3' })])).status).toBe(429);
    release();
    await first;
    expect(stream.events.map(({ id }) => id)).toEqual(['evt-1']);
  });

  it('keeps the place of an event whose sender gave up, until the stream has answered', async () => {
    const { post, stream, clock, meter } = anIntake({ maxInFlight: 1, depositTimeoutMs: 4_000 });
    const release = stream.hang();
    const first = post(anEvent());
    await clock.settle();
    await clock.advance(4_000);
    expect((await first).status).toBe(503);
    expect((await post(anEvent())).status).toBe(429);
    release();
    await clock.settle();
    expect((await post(anEvent())).status).toBe(202);
    expect(meter.gauged('lazarus_intake_in_flight')).toBe(0);
    expect(clock.pending).toBe(0);
  });
});

describe('a stream that refuses', () => {
  it('makes the answer 503 with Retry-After, without the words of the stream', async () => {
    const { post, stream, log } = anIntake();
    stream.refuse();
    const { status, headers, body } = await post(anEvent());
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('1');
    expect(body.error?.code).toBe('unavailable');
    expect(JSON.stringify(body)).not.toContain('secret endpoint');
    expect(log.lines).toHaveLength(1);
  });

  it('for one event of a list leaves verdicts that say which one to send again', async () => {
    const { post, stream } = anIntake();
    stream.refuse(new Set(['evt-2']));
    const { status, body } = await post([anEvent(), anEvent({ id: 'evt-2' })]);
    expect(status).toBe(503);
    expect(body.results?.map((verdict) => verdict['status'])).toEqual(['accepted', 'failed']);
  });
});

describe('the rest of the surface', () => {
  it('answers 404 as JSON elsewhere, and to other methods', async () => {
    const { intake, post } = anIntake();
    expect((await post(anEvent(), {}, '/v1/other')).body.error?.code).toBe('not_found');
    const response = await intake.fetch(new Request('http://intake.invalid/v1/events'));
    expect(response.status).toBe(404);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('counts every event by entrance and status', async () => {
    const { post, meter } = anIntake();
    await post([anEvent(), { id: 'x' }]);
    expect(meter.counted('lazarus_intake_events_total', { entrance: 'events', status: 'accepted' })).toBe(1);
    expect(meter.counted('lazarus_intake_events_total', { entrance: 'events', status: 'invalid' })).toBe(1);
  });

  it('lists its endpoints for an index page', () => {
    expect(anIntake().intake.endpoints.map(({ path }) => path)).toEqual(['/v1/events']);
  });
});

describe('createIntake', () => {
  it('refuses options and ports it cannot use, and names them', () => {
    const bad = { maxInFligth: 3 } as never;
    expect(() => anIntake(bad)).toThrow(/maxInFlight/);
    expect(() => createIntake({}, {} as IntakePorts)).toThrow(ConfigurationError);
    expect(() => createIntake({}, {} as IntakePorts)).toThrow(/ports\.stream/);
  });

  it('never repeats a secret that it refuses', () => {
    expect(() => anIntake({ auth: { tokens: ['short secret'] } })).toThrow(/auth\.tokens\[0\]/);
    expect(() => anIntake({ auth: { tokens: ['short secret'] } })).not.toThrow(/short secret/);
  });
});

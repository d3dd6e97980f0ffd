import { anEvent } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { anIntake } from './intake-fixture.ts';

const { id, source, event_type: type, time, ...data } = anEvent();
const envelope = { specversion: '1.0', id, source, type, time, datacontenttype: 'application/json', data };
const structured = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
const binary = {
  'ce-specversion': '1.0',
  'ce-id': id,
  'ce-source': source,
  'ce-type': type,
  'ce-time': time,
};

describe('a CloudEvent', () => {
  it('in structured mode is deposited as the event it carries', async () => {
    const { post, stream } = anIntake();
    const { status, body } = await post(envelope, structured);
    expect([status, body.results?.[0]?.['id']]).toEqual([202, 'nagios/evt-1']);
    expect(stream.events).toEqual([anEvent()]);
  });

  it('in binary mode is deposited as the event it carries', async () => {
    const { post, stream } = anIntake();
    expect((await post(data, binary)).status).toBe(202);
    expect(stream.events).toEqual([anEvent()]);
  });

  it('in binary mode has percent-encoded headers', async () => {
    const { post, stream } = anIntake();
    await post(data, { ...binary, 'ce-id': 'caf%C3%A9', 'ce-source': '100%' });
    expect(stream.events[0]).toMatchObject({ id: 'café', source: '100%' });
  });

  it('in a batch gets its own verdict', async () => {
    const { post, stream } = anIntake();
    const batch = [envelope, { ...envelope, id: 'evt-2', specversion: '0.3' }];
    const { status, body } = await post(batch, { 'content-type': 'application/cloudevents-batch+json' });
    expect(status).toBe(207);
    expect(body.results?.[1]).toMatchObject({ status: 'invalid', issues: [{ path: 'specversion' }] });
    expect(stream.events).toHaveLength(1);
  });

  it('without a time happened when it arrived', async () => {
    const { post, stream, clock } = anIntake();
    await post({ ...envelope, time: undefined }, structured);
    expect(stream.events[0]?.time).toBe(new Date(clock.now()).toISOString());
  });

  it('may have extension attributes, which are passed over', async () => {
    const { post, stream } = anIntake();
    expect((await post({ ...envelope, traceparent: '00-ab-cd-01' }, structured)).status).toBe(202);
    expect(stream.events).toEqual([anEvent()]);
  });

  it.each([
    ['without an id', { ...envelope, id: undefined }, 'id'],
    ['with base64 data', { ...envelope, data_base64: 'e30=' }, 'data_base64'],
    ['with XML data', { ...envelope, datacontenttype: 'text/xml' }, 'datacontenttype'],
    ['without data', { ...envelope, data: undefined }, 'data'],
    ['with an id in data too', { ...envelope, data: { ...data, id: 'other' } }, 'data.id'],
    ['with an unknown key in data', { ...envelope, data: { ...data, hots: 'x' } }, 'data.hots'],
    ['with a time that is none', { ...envelope, time: 'noon' }, 'time'],
    ['with an empty type', { ...envelope, type: '' }, 'type'],
    ['with a type that is too long', { ...envelope, type: 'x'.repeat(129) }, 'type'],
  ])('%s is refused at the path where it was sent', async (_title, sent, path) => {
    const { post, stream } = anIntake();
    const { status, body } = await post(sent, structured);
    expect(status).toBe(400);
    expect(body.error?.issues?.map((issue) => issue.path)).toEqual([path]);
    expect(stream.events).toEqual([]);
  });
});

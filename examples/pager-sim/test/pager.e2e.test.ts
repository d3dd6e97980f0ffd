import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HEADERS, testPager, until } from './pager-fixture.ts';
import type { TestPager } from './pager-fixture.ts';

let pager: TestPager;
beforeAll(async () => {
  pager = await testPager();
});
afterEach(() => pager.call('DELETE', '/_sim/faults'));
afterAll(() => pager.close());

describe('the Events API', () => {
  it('opens one incident per key, assigned to lazarus, and opens a new one after it was resolved', async () => {
    const reply = await pager.enqueue('one');
    expect(reply.status).toBe(202);
    expect(await reply.json()).toEqual({ status: 'success', message: 'Event processed', dedup_key: 'one' });
    await pager.enqueue('one');
    const first = await pager.incident('one');
    expect(first).toMatchObject({ status: 'triggered', escalation_level: 1, urgency: 'high' });
    expect(first.assignments[0]!.assignee.summary).toBe('lazarus');
    await pager.enqueue('one', 'acknowledge');
    expect((await pager.incident('one')).status).toBe('acknowledged');
    await pager.enqueue('one', 'resolve');
    expect(await pager.log(first.id)).toEqual([
      'trigger_log_entry',
      'trigger_log_entry',
      'acknowledge_log_entry',
      'resolve_log_entry',
    ]);
    await pager.enqueue('one');
    const second = await pager.incident('one');
    expect(second.id).not.toBe(first.id);
    expect(second.status).toBe('triggered');
  });

  it('makes a key for a trigger without one, and ignores a resolve of an unknown key', async () => {
    const made = (await (await pager.enqueue(undefined)).json()) as { dedup_key: string };
    expect((await pager.incident(made.dedup_key)).status).toBe('triggered');
    expect((await pager.enqueue('never seen', 'resolve')).status).toBe(202);
    await expect(pager.incident('never seen')).rejects.toThrow('no incident');
  });

  it.each([
    ['a short routing key', 'trigger', { routing_key: 'short' }, 'routing_key'],
    ['no payload', 'trigger', { payload: undefined }, 'payload'],
    [
      'an unknown severity',
      'trigger',
      { payload: { summary: 's', source: 's', severity: 'bad' } },
      'payload.severity',
    ],
    ['an unknown action', 'trigger', { event_action: 'escalate' }, 'event_action'],
    ['an acknowledge without a key', 'acknowledge', { dedup_key: undefined }, 'dedup_key'],
  ])('refuses %s with 400 and says where', async (_, action, changes, path) => {
    const reply = await pager.enqueue('bad', action, changes);
    expect(reply.status).toBe(400);
    const body = (await reply.json()) as { status: string; errors: string[] };
    expect(body.status).toBe('invalid event');
    expect(body.errors.join()).toContain(`'${path}'`);
  });
});

describe('the REST API', () => {
  it('acknowledges, notes, escalates and resolves, and logs who did it', async () => {
    await pager.enqueue('rest');
    const { id } = await pager.incident('rest');
    const acknowledged = await pager.put(id, { status: 'acknowledged' });
    expect(acknowledged.status).toBe(200);
    expect(await acknowledged.json()).toMatchObject({
      incident: {
        status: 'acknowledged',
        acknowledgements: [{ acknowledger: { summary: 'lazarus@example.com' } }],
      },
    });
    const note = await pager.call('POST', `/incidents/${id}/notes`, { note: { content: 'looking at it' } });
    expect(await note.json()).toMatchObject({ note: { content: 'looking at it' } });

    expect(await (await pager.put(id, { escalation_level: 2 })).json()).toMatchObject({
      incident: {
        status: 'triggered',
        escalation_level: 2,
        assignments: [{ assignee: { summary: 'on-call' } }],
      },
    });
    await pager.put(id, { status: 'resolved', resolution: 'replaced' });
    expect(await pager.incident('rest')).toMatchObject({ status: 'resolved', assignments: [] });
    expect(await pager.log(id)).toEqual(
      ['trigger', 'acknowledge', 'annotate', 'escalate', 'resolve', 'annotate'].map(
        (type) => `${type}_log_entry`,
      ),
    );
    const page = await (await fetch(pager.endpoint)).text();
    expect(page).toContain('Resolved by lazarus@example.com');
    expect((await pager.put(id, { escalation_level: 2 })).status).toBe(400);
  });

  it('reopens a resolved incident that is acknowledged', async () => {
    await pager.enqueue('again');
    const { id } = await pager.incident('again');
    await pager.put(id, { status: 'resolved' });
    await pager.put(id, { status: 'acknowledged' });
    expect((await pager.incident('again')).status).toBe('acknowledged');
    expect(await pager.log(id)).toContain('reopen_log_entry');
  });

  it('finds incidents by key and status, in pages', async () => {
    for (const key of ['s1', 's2', 's3']) await pager.enqueue(key);
    const { id } = await pager.incident('s2');
    await pager.put(id, { status: 'resolved' });
    const found = async (query: string) =>
      (await (await pager.call('GET', `/incidents?${query}`)).json()) as {
        incidents: { id: string }[];
        more: boolean;
      };
    const open = 'statuses[]=triggered&statuses[]=acknowledged';
    expect((await found(`incident_key=s2&${open}`)).incidents).toEqual([]);
    expect((await found('incident_key=s2&statuses[]=resolved')).incidents).toMatchObject([{ id }]);
    expect(await found(`${open}&limit=2`)).toMatchObject({ more: true, limit: 2, offset: 0 });
    expect((await found(`${open}&limit=2`)).incidents).toHaveLength(2);
    expect((await pager.call('GET', '/incidents?statuses[]=open')).status).toBe(400);
  });

  it('changes many incidents in one call, or none', async () => {
    await pager.enqueue('m1');
    const { id } = await pager.incident('m1');
    const one = (each: string) => ({ id: each, type: 'incident_reference', status: 'acknowledged' });
    expect((await pager.call('PUT', '/incidents', { incidents: [one(id), one('QNONE')] })).status).toBe(404);
    expect((await pager.incident('m1')).status).toBe('triggered');
    expect((await pager.call('PUT', '/incidents', { incidents: [one(id)] })).status).toBe(200);
    expect((await pager.incident('m1')).status).toBe('acknowledged');
    const many = { incidents: Array.from({ length: 251 }, () => one(id)) };
    expect((await pager.call('PUT', '/incidents', many)).status).toBe(413);
  });

  it('wants a token (401), an address in From (400), a known incident (404) and a sound body (400)', async () => {
    await pager.enqueue('guard');
    const { id } = await pager.incident('guard');
    const { authorization: _, ...withoutToken } = HEADERS;
    const { from: __, ...withoutFrom } = HEADERS;
    const body = { incident: { type: 'incident_reference', status: 'resolved' } };
    const refused = await pager.call('PUT', `/incidents/${id}`, body, withoutToken);
    expect([refused.status, await refused.json()]).toMatchObject([401, { error: { code: 2006 } }]);
    const anonymous = await pager.call('PUT', `/incidents/${id}`, body, withoutFrom);
    expect([anonymous.status, await anonymous.json()]).toMatchObject([
      400,
      { error: { code: 2001, message: 'Invalid Input Provided' } },
    ]);
    expect((await pager.put('QNONE', { status: 'resolved' })).status).toBe(404);
    expect((await pager.put(id, { status: 'triggered' })).status).toBe(400);
    expect((await pager.put(id, { escalation_level: 3 })).status).toBe(400);
    expect((await pager.incident('guard')).status).toBe('triggered');
  });
});

describe('limits', () => {
  it('answer 429 with ratelimit-reset after the 3rd of 3 requests', async () => {
    const strict = await testPager({ restLimit: { requests: 3 } });
    const replies = [];
    for (let number = 0; number < 4; number += 1) replies.push(await strict.call('GET', '/incidents'));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(replies.map(({ headers }) => headers.get('ratelimit-remaining'))).toEqual(['2', '1', '0', '0']);
    const reset = Number(replies[3]!.headers.get('ratelimit-reset'));
    expect(reset).toBeGreaterThan(50);
    expect(reset).toBeLessThanOrEqual(60);
    expect(await replies[3]!.json()).toMatchObject({ error: { code: 2020 } });
    await strict.close();
  });
});

describe('injected faults', () => {
  it('answer one call with 429 and the reset that was asked for, without the effect', async () => {
    await pager.enqueue('f1');
    const { id } = await pager.incident('f1');
    await pager.call('POST', '/_sim/faults', {
      operation: 'update_incident',
      status: 429,
      ratelimit_reset: 2,
    });
    const limited = await pager.put(id, { status: 'resolved' });
    expect([limited.status, limited.headers.get('ratelimit-reset')]).toEqual([429, '2']);
    expect((await pager.incident('f1')).status).toBe('triggered');
    expect((await pager.put(id, { status: 'resolved' })).status).toBe(200);
  });

  it('drop the reply after the effect', async () => {
    await pager.enqueue('f2');
    const { id } = await pager.incident('f2');
    await pager.call('POST', '/_sim/faults', { operation: 'update_incident', drop_reply: true });
    await expect(pager.put(id, { status: 'acknowledged' })).rejects.toThrow();
    expect((await pager.incident('f2')).status).toBe('acknowledged');
  });

  it('hang before the effect until the caller gives up', async () => {
    await pager.call('POST', '/_sim/faults', { operation: 'list_incidents', hang: 'before_effect' });
    const patience = AbortSignal.timeout(200);
    await expect(
      fetch(`${pager.endpoint}/incidents`, { headers: HEADERS, signal: patience }),
    ).rejects.toThrow('timeout');
    expect((await pager.call('GET', '/incidents')).status).toBe(200);
  });

  it('that are malformed are refused with 400', async () => {
    expect((await pager.call('POST', '/_sim/faults', { operation: 'list' })).status).toBe(400);
    expect((await pager.call('POST', '/_sim/faults', { operation: 'enqueue' })).status).toBe(400);
  });
});

describe('the escalation clock', () => {
  it('pages on-call when nobody acknowledged in time, without anyone asking', async () => {
    const quick = await testPager({ escalateAfterMs: 100, acknowledgementTimeoutMs: 150 });
    await quick.enqueue('left', 'trigger');
    await quick.enqueue('held', 'trigger');
    await quick.enqueue('held', 'acknowledge');
    await until('level 2', () =>
      quick.incidents().some((each) => each.key === 'left' && each.escalationLevel === 2),
    );
    const admin = (await (await quick.call('GET', '/_sim/incidents')).json()) as {
      incidents: { assigned_to: string }[];
    };
    expect(admin.incidents[0]!.assigned_to).toBe('on-call');
    await until(
      'the acknowledgement to run out',
      async () => (await quick.incident('held')).status === 'triggered',
    );
    expect(await quick.log((await quick.incident('held')).id)).toContain('unacknowledge_log_entry');
    await quick.close();
  });

  it('stops for a person who acknowledges', async () => {
    await pager.enqueue('human');
    const reply = await pager.call('POST', '/_sim/incidents/human/acknowledge', { by: 'alice' });
    expect(await reply.json()).toMatchObject({
      status: 'acknowledged',
      acknowledgements: [{ acknowledger: { summary: 'alice' } }],
    });
  });
});

import { MAX_EVENT_BYTES } from '@lazarus/core';
import { describe, expect, it } from 'vitest';
import { aRecord, createFixture } from './fixture.ts';

describe('plan', () => {
  it('hands the event to the controller as it came and answers with the record', async () => {
    const { send, planned } = createFixture();
    const response = await send('POST', '/v1/plan', { id: '1', anything: true });
    expect(response.status).toBe(200);
    expect(planned).toEqual([{ id: '1', anything: true }]);
    expect(await response.json()).toMatchObject({ decision: { kind: 'remediate' } });
  });

  it('of an invalid event is a 400 with the issues of the first gate', async () => {
    const issues = [
      { path: 'servce', message: 'found the unknown key "servce"', hint: 'did you mean "service"?' },
    ];
    const [gate] = aRecord().gates;
    const record = aRecord({
      decision: { kind: 'escalate', reason: 'invalid', detail: 'not a valid event' },
      gates: [{ ...gate!, verdict: 'fail', exit: 'invalid', evidence: { issues } }],
    });
    const { send } = createFixture({
      ports: { controller: { snapshot: undefined, plan: async () => record } },
    });
    const response = await send('POST', '/v1/plan', {});
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: { code: 'invalid_request', message: 'not a valid event', issues },
    });
  });

  it('refuses text that is not JSON, and a body above the size of an event without reading on', async () => {
    const { send, planned } = createFixture();
    const broken = await send('POST', '/v1/plan', '{"id": ');
    expect(broken.status).toBe(400);
    expect(await broken.text()).toContain('is not JSON');
    const large = await send('POST', '/v1/plan', `"${'x'.repeat(MAX_EVENT_BYTES)}"`);
    expect(large.status).toBe(413);
    expect(planned).toEqual([]);
  });
});

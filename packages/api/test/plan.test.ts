import { MAX_EVENT_BYTES } from '@lazarus/core';
import type { DryRuns, DryRunView } from '@lazarus/core/ports';
import { createRecordingLogger } from '@lazarus/testing';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { UnnamedDryRunFields, UnnamedDryStepFields } from '../src/wire/dry-run-schema.ts';
import { DryRunSchema } from '../src/wire/dry-run-schema.ts';
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

const TOLD: DryRunView = {
  workflow: 'default.replace_host',
  rule: 'host_down',
  config_digest: 'c0ffee',
  steps: [
    {
      step: 'acknowledge',
      uses: 'pager.acknowledge@1',
      wave: 1,
      destructive: false,
      summary: 'acknowledges page web/web-1',
      changes: { incident: 'web/web-1' },
    },
    {
      step: 'odd',
      uses: 'acme.odd@1',
      wave: 2,
      section: 'finally',
      destructive: true,
      only_if: '${{ true }}',
      summary: 'Does it.',
      changes: { inputs: [] },
      problem: 'its dry run threw TypeError',
    },
  ],
};

describe('what a run would do', () => {
  it('is told beside the record of a plan, for what the controller has decided', async () => {
    const asked: unknown[] = [];
    const dryRuns: DryRuns = { of: (record) => (asked.push(record), TOLD) };
    const { send } = createFixture({ ports: { dryRuns } });
    const body: unknown = await (await send('POST', '/v1/plan', { id: '1' })).json();
    expect(body).toEqual({ ...aRecord(), dry_run: TOLD });
    expect(asked).toEqual([aRecord()]);
    expect(DryRunSchema.parse(TOLD)).toEqual(TOLD);
    expectTypeOf<UnnamedDryRunFields>().toBeNever();
    expectTypeOf<UnnamedDryStepFields>().toBeNever();
  });

  it('is absent when no rule with a workflow is about the event', async () => {
    const { send } = createFixture({ ports: { dryRuns: { of: () => undefined } } });
    expect(await (await send('POST', '/v1/plan', { id: '1' })).json()).toEqual(aRecord());
  });

  it('breaks no plan when it cannot be told; the log says why, the answer only that', async () => {
    const log = createRecordingLogger();
    const dryRuns: DryRuns = {
      of: () => {
        throw new Error('a secret');
      },
    };
    const { send } = createFixture({ ports: { dryRuns, log } });
    const response = await send('POST', '/v1/plan', { id: '1' });
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({
      ...aRecord(),
      dry_run: {
        steps: [],
        problem: 'what a run would do could not be told; the log of the node says why',
      },
    });
    expect(text).not.toContain('a secret');
    expect(JSON.stringify(log.lines)).toContain('a secret');
  });

  it('is told for a recorded decision by its id, and not for one that has no workflow', async () => {
    const { audit, get } = createFixture({ ports: { dryRuns: { of: () => TOLD } } });
    await audit.conclude(aRecord());
    expect(await get('/v1/dry-runs/nagios/web-1/17')).toEqual({ status: 200, body: TOLD });
    expect((await get('/v1/dry-runs/unknown')).status).toBe(404);
    const none = createFixture({ ports: { dryRuns: { of: () => undefined } } });
    await none.audit.conclude(aRecord());
    expect((await none.get('/v1/dry-runs/nagios/web-1/17')).status).toBe(404);
    expect((await createFixture().get('/v1/dry-runs/nagios/web-1/17')).status).toBe(404);
  });
});

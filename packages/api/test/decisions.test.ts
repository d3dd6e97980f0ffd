import { PortError } from '@lazarus/core';
import { explainDecision, ExplanationSchema } from '@lazarus/core/controller';
import type { LateVoteRecord } from '@lazarus/core/ports';
import { createFakeAuditLog } from '@lazarus/testing';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { UnnamedDecisionFields } from '../src/wire/decision-schema.ts';
import { DecisionRecordSchema } from '../src/wire/decision-schema.ts';
import { LateVoteSchema } from '../src/wire/late-vote-schema.ts';
import type { UnnamedRunFields } from '../src/wire/run-schema.ts';
import { aRecord, aRun, createFixture } from './fixture.ts';

describe('decisions', () => {
  it('are listed newest first and filtered by service, host and kind', async () => {
    const { audit, get } = createFixture();
    await audit.conclude(aRecord({ event_id: 'n/1' }));
    await audit.conclude(aRecord({ event_id: 'n/2', service: 'db', host: 'db-1' }));
    await audit.conclude(
      aRecord({ event_id: 'n/3', decision: { kind: 'escalate', reason: 'no_rule', detail: 'none' } }),
    );
    const ids = async (query: string): Promise<string[]> => {
      const { body } = await get(`/v1/decisions${query}`);
      return (body.decisions as { event_id: string }[]).map(({ event_id }) => event_id);
    };
    expect(await ids('')).toEqual(['n/3', 'n/2', 'n/1']);
    expect(await ids('?service=db')).toEqual(['n/2']);
    expect(await ids('?host=web-1')).toEqual(['n/3', 'n/1']);
    expect(await ids('?kind=escalate')).toEqual(['n/3']);
  });

  it('come in pages: `next` of one is `before` of the next, and the last page has none', async () => {
    const { audit, get } = createFixture();
    for (const number of [1, 2, 3]) await audit.conclude(aRecord({ event_id: `n/${number}` }));
    const first = await get('/v1/decisions?limit=2');
    expect(first.body.next).toBe('n/2');
    const second = await get(`/v1/decisions?limit=2&before=${encodeURIComponent(String(first.body.next))}`);
    expect(second.body).toMatchObject({ decisions: [{ event_id: 'n/1' }] });
    expect(second.body).not.toHaveProperty('next');
  });

  it.each(['nagios/web-1/17', 'nagios%2Fweb-1%2F17', 'nagios/web', 'd1234567890abcdef', 'd12345'])(
    'are found by %s',
    async (id) => {
      const { audit, get } = createFixture();
      await audit.conclude(aRecord());
      const { status, body } = await get(`/v1/decisions/${id}`);
      expect(status).toBe(200);
      expect(body.event_id).toBe('nagios/web-1/17');
    },
  );

  it('are found by an event id with a space, a percent sign and a question mark in it', async () => {
    const { audit, get } = createFixture();
    await audit.conclude(aRecord({ event_id: 'cli/100% down? yes' }));
    const { body } = await get(`/v1/decisions/${encodeURIComponent('cli/100% down? yes')}`);
    expect(body.event_id).toBe('cli/100% down? yes');
  });

  it('are explained by the same ids, in the shape that is shipped as a schema', async () => {
    const { audit, get } = createFixture();
    await audit.conclude(aRecord());
    const { status, body } = await get('/v1/explanations/nagios/web-1/17');
    expect(status).toBe(200);
    expect(ExplanationSchema.parse(body)).toEqual(explainDecision(aRecord()));
    expect((await get('/v1/explanations/unknown')).status).toBe(404);
  });

  it('with an unknown or ambiguous id are a 404 with a code and a message', async () => {
    const { audit, get } = createFixture();
    await audit.conclude(aRecord({ event_id: 'nagios/web-1/17', decision_id: 'd1' }));
    await audit.conclude(aRecord({ event_id: 'nagios/web-1/18', decision_id: 'd2' }));
    for (const id of ['nothing-like-it', 'nagios/web-1/1']) {
      const { status, body } = await get(`/v1/decisions/${id}`);
      expect(status).toBe(404);
      expect(body).toMatchObject({
        error: { code: 'not_found', message: expect.stringContaining(id) as string },
      });
    }
  });

  it('refuse an unknown parameter with the nearest known one, and a limit above 1000', async () => {
    const { get } = createFixture();
    const unknown = await get('/v1/decisions?servce=web');
    expect(unknown.status).toBe(400);
    expect(unknown.body).toMatchObject({
      error: { code: 'invalid_request', issues: [{ path: 'servce', hint: 'did you mean "service"?' }] },
    });
    expect((await get('/v1/decisions?limit=1001')).status).toBe(400);
    expect((await get('/v1/decisions?limit=1&limit=2')).status).toBe(400);
  });

  it('answer 503 with the code of the port while the audit log cannot be read, and no stack', async () => {
    const { audit, send } = createFixture();
    audit.fail('disk is gone');
    const response = await send('GET', '/v1/decisions');
    expect(response.status).toBe(503);
    const text = await response.text();
    expect(text).toContain('LZ_AUDIT_UNAVAILABLE');
    expect(text).not.toMatch(/ at .*\.ts/);
  });

  it('and runs are documented field by field', () => {
    expectTypeOf<UnnamedDecisionFields>().toEqualTypeOf<never>();
    expectTypeOf<UnnamedRunFields>().toEqualTypeOf<never>();
    expect(DecisionRecordSchema.parse(aRecord())).toEqual(aRecord());
  });
});

describe('runs', () => {
  it('are found in the engine while they run and in the log once they have ended', async () => {
    const { audit, engine, get } = createFixture();
    await audit.conclude(aRecord());
    await audit.runFinished(aRun());
    expect((await get('/v1/runs/d1234567890abcdef')).body.status).toBe('succeeded');
    await submit(engine, 'd1234567890abcdef');
    expect((await get('/v1/runs/d1234567890abcdef')).body.status).toBe('running');
    expect((await get('/v1/runs/d12345')).body.run_id).toBe('d1234567890abcdef');
    expect((await get('/v1/runs/nagios/web-1/17')).body.run_id).toBe('d1234567890abcdef');
    expect((await get('/v1/runs/unknown')).status).toBe(404);
  });

  it('with `active` are only those that have not ended', async () => {
    const { audit, engine, get } = createFixture();
    const decision = (run_id: string) =>
      ({ kind: 'remediate', workflow: 'w', run_id, votes: '3/3' }) as const;
    await audit.conclude(aRecord({ event_id: 'n/1', decision: decision('run-1') }));
    await audit.conclude(aRecord({ event_id: 'n/2', decision: decision('run-2') }));
    await audit.conclude(aRecord({ event_id: 'n/3', decision: decision('never-started') }));
    await audit.runFinished(aRun({ run_id: 'run-1' }));
    await submit(engine, 'run-2');
    const ids = async (query: string): Promise<string[]> =>
      ((await get(`/v1/runs${query}`)).body.runs as { run_id: string }[]).map(({ run_id }) => run_id);
    expect(await ids('?active')).toEqual(['run-2']);
    expect(await ids('?active=true')).toEqual(['run-2']);
    expect(await ids('?active=false')).toEqual(['run-2', 'run-1']);
    expect(await ids('')).toEqual(['run-2', 'run-1']);
    expect(await ids('?active&service=db')).toEqual([]);
  });
});

async function submit(engine: ReturnType<typeof createFixture>['engine'], runId: string): Promise<void> {
  await engine.submit({
    runId,
    workflow: 'w',
    inputs: {},
    event: {
      id: '1',
      event_type: 'X',
      source: 'n',
      time: '2026-01-01T00:00:00Z',
      region: 'us-east-1',
      environment: 'prod',
      service: 'web',
      attributes: {},
    },
    rule: 'r',
    configDigest: 'c',
    service: 'web',
    lock: { kind: 'service', service: 'web' },
    timeoutMs: 1000,
  });
}

describe('votes that came too late', () => {
  const late: LateVoteRecord = {
    decision_id: 'd1234567890abcdef',
    voter: 'c',
    received_at: '2026-01-01T00:00:09.000Z',
    voided: { voter: 'c', reason: 'late' },
  };

  it('are shown with the decision and with its explanation, in the shape of the schema', async () => {
    const audit = createFakeAuditLog();
    const asked: string[] = [];
    const lateVotes = async (id: string) => (asked.push(id), [late]);
    const { get } = createFixture({ ports: { audit: { ...audit, lateVotes } } });
    await audit.conclude(aRecord());
    expect((await get('/v1/decisions/nagios/web-1/17')).body).toEqual({ ...aRecord(), late_votes: [late] });
    const explained = await get('/v1/explanations/nagios/web-1/17');
    expect(explained.body.late_votes).toEqual([late]);
    expect(LateVoteSchema.parse(late)).toEqual(late);
    expect(asked).toEqual([late.decision_id, late.decision_id]);
  });

  it('that cannot be read hide neither the decision nor why, and say so in one line without what a stranger threw', async () => {
    const audit = createFakeAuditLog();
    await audit.conclude(aRecord());
    for (const [thrown, told] of [
      [new Error('/var/lib/votes: EIO'), 'they could not be read'],
      [
        new PortError({
          code: 'LZ_AUDIT_UNAVAILABLE',
          message: 'the disk is gone\nand more',
          retryable: true,
        }),
        'LZ_AUDIT_UNAVAILABLE: the disk is gone',
      ],
    ] as const) {
      const lateVotes = () => Promise.reject(thrown);
      const { get } = createFixture({ ports: { audit: { ...audit, lateVotes } } });
      const { status, body } = await get('/v1/decisions/nagios/web-1/17');
      expect({ status, body }).toEqual({ status: 200, body: { ...aRecord(), late_votes_problem: told } });
      const explained = await get('/v1/explanations/nagios/web-1/17');
      expect(explained.body).toEqual({ ...explainDecision(aRecord()), late_votes_problem: told });
    }
  });

  it('are left out when there are none, and when the log keeps none', async () => {
    const audit = createFakeAuditLog();
    await audit.conclude(aRecord());
    for (const port of [audit, { ...audit, lateVotes: async () => [] }]) {
      const { get } = createFixture({ ports: { audit: port } });
      expect((await get('/v1/decisions/nagios/web-1/17')).body).toEqual(aRecord());
    }
  });
});

import { createController, createRunOutcomes } from '@lazarus/core/controller';
import {
  createMemoryBudgets,
  createMemoryLocks,
  createMemoryPauses,
  createMemoryWindows,
} from '@lazarus/core/memory';
import {
  anEvent,
  createFakeAuditLog,
  createFakeFleet,
  createFakePager,
  createFakeVoters,
  createFakeWorkflowEngine,
  createManualClock,
  silentLogger,
} from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { createFixture } from './fixture.ts';

function createRealController() {
  const clock = createManualClock();
  const audit = createFakeAuditLog();
  const engine = createFakeWorkflowEngine({ clock });
  const pager = createFakePager({ clock });
  const budgets = createMemoryBudgets({ clock, history: [] });
  const outcomes = createRunOutcomes({ audit, budgets, pager, engine, clock, log: silentLogger });
  const controller = createController(
    { node: 'a', region: 'us-east-1' },
    {
      clock,
      log: silentLogger,
      fleet: createFakeFleet({ clock }),
      windows: createMemoryWindows({ clock, history: [] }),
      locks: createMemoryLocks({ clock }),
      budgets,
      pauses: createMemoryPauses({ clock }),
      voters: createFakeVoters(),
      pager,
      outcomes,
      engine,
      audit,
    },
  );
  return { controller, audit };
}

describe('plan with the real controller', () => {
  it('S13: walks the ladder and leaves no trace', async () => {
    const { controller, audit } = createRealController();
    const { send } = createFixture({ ports: { controller, audit } });
    const response = await send('POST', '/v1/plan', anEvent());
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      decision: { kind: 'escalate', reason: 'no_config' },
      gates: expect.arrayContaining([
        expect.objectContaining({ gate: 'match_rule', verdict: 'fail' }),
      ]) as unknown,
    });
    expect(audit.entries).toEqual([]);
  });

  it('names every part of an event that is wrong', async () => {
    const { controller } = createRealController();
    const { send } = createFixture({ ports: { controller } });
    const response = await send('POST', '/v1/plan', { ...anEvent(), servce: 'web', time: 'yesterday' });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { issues: { path: string; hint?: string }[] } };
    expect(error.issues.map(({ path }) => path).sort()).toEqual(['servce', 'time']);
    expect(error.issues.find(({ path }) => path === 'servce')?.hint).toBe('did you mean "service"?');
  });
});

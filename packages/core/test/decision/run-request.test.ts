import { supposedRun } from '@lazarus/core/controller';
import { describe, expect, it } from 'vitest';
import { aRule, aSnapshot, anEvent, createWorld } from './world.ts';

const workflow = {
  name: 'default.replace_host',
  digest: 'wf-1',
  timeoutMs: 600_000,
  inputs: { keep: '3d' },
};

describe('the supposed run of a decision', () => {
  it.each(['host', 'service'] as const)(
    'is the one that gate 15 submits, for a rule with the lock of a %s',
    async (type) => {
      const rule = aRule({ workflow, lock: { type, onBusy: 'escalate' }, notificationGroup: 'web-team' });
      const world = createWorld({ rule });
      const record = await world.controller.decide(anEvent());
      expect(world.engine.submitted).toHaveLength(1);
      expect(supposedRun(record, aSnapshot(rule))).toEqual(world.engine.submitted[0]);
    },
  );

  it.each(['notify', 'off'] as const)('is known in mode %s, in which nothing is submitted', async (mode) => {
    const rule = aRule({ workflow, mode });
    const world = createWorld({ rule });
    const record = await world.controller.plan(anEvent());
    expect(supposedRun(record, aSnapshot(rule))).toMatchObject({
      workflow: 'default.replace_host',
      inputs: { keep: '3d' },
      hostId: 'i-web1',
      lock: { kind: 'host', host: 'i-web1' },
    });
    expect(world.engine.submitted).toEqual([]);
  });

  it('S13: has names in place of what an early gate kept the walk from finding out', async () => {
    const world = createWorld({ rule: aRule({ workflow }) });
    const record = await world.controller.plan(anEvent({ time: '2020-01-01T00:00:00.000Z' }));
    expect(record.decision).toMatchObject({ kind: 'suppress', reason: 'stale' });
    expect(supposedRun(record, aSnapshot(aRule({ workflow })))).toMatchObject({
      runId: '<decision id>',
      hostId: '<id of web1>',
    });
  });

  it('is none without a rule, for a rule without a workflow, and for what is no event', async () => {
    const { workflow: _, ...alertOnly } = aRule({ action: 'notify_only' });
    const world = createWorld({ rule: alertOnly });
    const record = await world.controller.plan(anEvent());
    expect(supposedRun(record, aSnapshot(alertOnly))).toBeUndefined();
    expect(supposedRun(record, aSnapshot(undefined))).toBeUndefined();
    expect(supposedRun({ ...record, event: 'nonsense' }, aSnapshot(aRule()))).toBeUndefined();
  });
});

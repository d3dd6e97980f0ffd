import { builtinActions, createActionRegistry, loadWorkflow } from '@lazarus/dag';
import { createLab, runRunbook } from '@lazarus/testing/lab';
import type { LabOptions } from '@lazarus/testing/lab';
import { parallel } from '@lazarus/testing/vitest';
import { describe, expect, it } from 'vitest';

const workflow = loadWorkflow(
  `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: test.flow, version: 1 }
steps:
  first: { uses: notify.send@1, with: { text: a } }
  left: { uses: notify.send@1, needs: [first], with: { text: b } }
  right: { uses: notify.send@1, needs: [first], with: { text: c } }
  rest: { wait: 5m, needs: [left, right] }
  last: { uses: notify.send@1, needs: [rest], with: { text: d } }
  never: { uses: notify.send@1, needs: [last], when: '\${{ 1 > 2 }}', with: { text: e } }
on_error:
  steps:
    escalate: { uses: pager.escalate@1, with: { incident: '\${{ run.incident_key }}', reason: "stopped at \${{ error.step ?? 'the run' }}" } }
`,
  { file: 'flow.yaml', actions: createActionRegistry(builtinActions) },
);
const happy = await runRunbook(workflow, { unmocked: 'happy' });
const failed = await runRunbook(workflow, {
  unmocked: 'happy',
  actions: { right: { error: { message: 'refused', retryable: false } } },
});

describe('toHaveRun', () => {
  it('accepts the order, a part of it, and steps that ran at once in 0 ms', () => {
    expect(happy).toHaveRun(['first', parallel('left', 'right'), 'rest', 'last']);
    expect(happy).toHaveRun(['first', 'last']);
    expect(happy).toHaveRun([parallel('right', 'left')]);
  });

  it('refuses another order, even within one millisecond, and shows what ran', () => {
    expect(happy).not.toHaveRun(['left', 'first']);
    expect(() => expect(happy).toHaveRun(['left', 'right'])).toThrow(
      /to run left, right: right began before left had ended\.\nIt ran: first, left, right, rest, last\n\n +0\.0 s {2}first calls/,
    );
    expect(() => expect(happy).toHaveRun([parallel('first', 'left')])).toThrow(
      'left began only after first had ended',
    );
    expect(() => expect(happy).toHaveRun(['last', 'rest'])).toThrow('rest began before last had ended');
  });

  it('counts a step that failed and none that was skipped', () => {
    expect(failed).toHaveRun(['right']);
    expect(() => expect(happy).toHaveRun(['never', 'nothing'])).toThrow(
      'to run never, nothing: never did not run; nothing did not run.',
    );
  });

  it('says so when it should not have run', () => {
    expect(() => expect(happy).not.toHaveRun(['first', parallel('left', 'right')])).toThrow(
      'Expected the runbook not to run first, parallel(left, right), and it did.',
    );
  });
});

describe('toHaveEscalated', () => {
  it('accepts a run whose page went to a human, with a part of the reason or a pattern of it', () => {
    expect(failed).toHaveEscalated();
    expect(failed).toHaveEscalated({ reason: 'stopped at right' });
    expect(failed).toHaveEscalated({ reason: /at right$/ });
    expect(happy).not.toHaveEscalated();
  });

  it('refuses a run that did not, and another reason', () => {
    expect(() => expect(happy).toHaveEscalated()).toThrow('it ended as succeeded, and its page');
    expect(() => expect(failed).toHaveEscalated({ reason: 'stopped at left' })).toThrow(
      'Expected the runbook to escalate with "stopped at left".\nIt said: stopped at right',
    );
    expect(() => expect(failed).not.toHaveEscalated()).toThrow('not to escalate, and it did');
  });

  it('refuses what is no run, such as a promise that nobody awaited', () => {
    expect(() => expect(runRunbook(workflow)).toHaveEscalated()).toThrow('is an await missing?');
  });
});

describe('matchers about an event in a lab', () => {
  const services = '{ service: web, team: shop, profile: stateless }';
  const send = async (options: LabOptions = {}) => {
    await using lab = await createLab({ services, ...options });
    return await lab.send({ event_type: 'HealthcheckDown', host: 'web-1' });
  };

  it('toHaveVotes and toHaveRun accept a remediation, and show what happened otherwise', async () => {
    const outcome = await send({ prechecks: { MinActiveHosts: { nodes: { b: 'timeout' } } } });
    expect(outcome).toHaveVotes('2/3');
    expect(outcome).not.toHaveVotes('3/3');
    expect(outcome).toHaveRun([parallel('out_of_lb', 'clone'), 'verify', 'into_lb']);
    expect(outcome).not.toHaveEscalated();
    expect(outcome).not.toBeBlockedBy('ballot');
    expect(() => expect(outcome).toHaveVotes('3/3')).toThrow(
      /the votes 3\/3; they were 2\/3\.\n\n.*is taken by/,
    );
    expect(() => expect(outcome).toBeBlockedBy('PeerCheck')).toThrow('blocked by nothing: it was remediated');
    expect(() => expect(outcome).toHaveRun(['into_lb', 'clone'])).toThrow(
      'clone began before into_lb had ended',
    );
  });

  it('toBeBlockedBy and toHaveEscalated accept a refusal by check, gate and exit', async () => {
    const outcome = await send({ prechecks: { PeerCheck: { fail: 'half of the peers are sick' } } });
    for (const obstacle of ['PeerCheck', 'ballot', 'precondition_failed'])
      expect(outcome).toBeBlockedBy(obstacle);
    expect(outcome).toHaveEscalated({ reason: 'half of the peers are sick' });
    expect(outcome).not.toHaveRun(['clone']);
    expect(() => expect(outcome).toBeBlockedBy('budget')).toThrow(
      'blocked by precondition_failed, ballot, PeerCheck.',
    );
    expect(() => expect(outcome).toHaveEscalated({ reason: 'paused' })).toThrow(
      'It said: precondition_failed',
    );
    expect(() => expect(outcome).toHaveRun(['clone'])).toThrow('none was started');
    expect(() => expect(send()).toHaveVotes('3/3')).toThrow('is an await missing?');
  });

  it('toHaveEscalated accepts an event whose run failed', async () => {
    const outcome = await send({ mocks: { verify: { error: { message: 'no', retryable: false } } } });
    expect(outcome).toHaveEscalated({ reason: 'failed at verify' });
  });
});

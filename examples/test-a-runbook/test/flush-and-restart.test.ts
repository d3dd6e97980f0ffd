import { checkRunbook, runRunbook } from '@lazarus/testing/lab';
import { parallel } from '@lazarus/testing/vitest';
import { describe, expect, it } from 'vitest';
import { workflow } from '../src/workflow.ts';

describe('shop.flush_and_restart', () => {
  it('flushes while it tells the team, and waits 3 min before it restarts', async () => {
    const result = await runRunbook(workflow, {
      unmocked: 'happy',
      event: { host: 'i-7' },
      actions: { flush: { output: { exit_code: 0, output: '12 orders' }, takes: '40s' } },
    });
    expect(result).toHaveRun(['out_of_lb', parallel('flush', 'tell'), 'restart', 'verify', 'into_lb']);
    expect(result).not.toHaveEscalated();
    expect(result.tookMs).toBe(220_000);
    expect(result.callsOf('restart')[0]?.input).toMatchObject({ host: 'i-7', command: 'restart' });
  });

  it('tells a human at which step it stopped, and does not restart what it could not flush', async () => {
    const result = await runRunbook(workflow, {
      unmocked: 'happy',
      actions: { flush: { error: { message: 'queue is locked', retryable: false } } },
    });
    expect(result).toHaveEscalated({ reason: /failed at flush$/ });
    expect(result).not.toHaveRun(['restart']);
  });

  it('keeps its promises with every fault, two crashes and two kinds of duplicates at each of 8 steps', async () => {
    const { scenarios, violations } = await checkRunbook(workflow);
    expect(violations).toEqual([]);
    expect(scenarios).toBe(2 + 7 * 8 + 7);
  });
});

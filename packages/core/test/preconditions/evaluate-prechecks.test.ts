import { definePrecondition, evaluatePrechecks } from '@lazarus/core';
import type { PreconditionContext, Verdict } from '@lazarus/core';
import { createRecorder, createRecordingLogger, silentLogger } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bind, createBallotKit, web } from './ballot-kit.ts';

/** A precondition that answers whatever a test wants. */
function answering(name: string, check: (context: PreconditionContext) => unknown, timeoutMs = 1_000) {
  return definePrecondition({
    name,
    summary: 'Answers as told.',
    params: z.strictObject({ list: z.array(z.number()).default([1]) }),
    timeoutMs,
    check: check as (context: PreconditionContext) => Verdict,
  });
}

const passing = (): Verdict => ({ verdict: 'pass' });

describe('evaluation of prechecks', () => {
  it.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('boom');
      },
      'failed: Error: boom',
    ],
    [
      'rejects',
      async () => {
        throw new Error('later');
      },
      'failed: Error: later',
    ],
    [
      'rejects with something that is no error',
      () => new Promise((_resolve, reject) => (reject as (value: string) => void)('text')),
      'failed: text',
    ],
    ['answers true', () => true, 'answered boolean true'],
    ['answers nothing', () => undefined, 'answered nothing'],
    ['answers a verdict of its own', () => ({ verdict: 'maybe' }), 'answered a mapping'],
    ['fails without a reason', () => ({ verdict: 'fail' }), 'failed without a reason'],
  ])('counts a check that %s as failed, with the reason (S2)', async (_what, check, reason) => {
    const result = await createBallotKit().check(answering('Odd', check));
    expect(result).toMatchObject({
      check: 'Odd',
      verdict: 'fail',
      reason: expect.stringContaining(reason) as unknown,
    });
  });

  it('fails a check that hangs after exactly its timeout of 1 s, aborts its signal and leaves nothing behind', async () => {
    const kit = createBallotKit();
    let isAborted = false;
    const hanging = answering('Hanging', ({ signal }) => {
      signal.addEventListener('abort', () => (isAborted = true));
      return new Promise(() => {});
    });
    const result = kit.check(hanging);
    await kit.clock.advance(999);
    expect(isAborted).toBe(false);
    await kit.clock.advance(1);
    expect(await result).toMatchObject({
      verdict: 'fail',
      reason: 'gave no answer within 1000 ms',
      durationMs: 1_000,
    });
    expect(isAborted).toBe(true);
    expect(kit.clock.pending).toBe(0);
  });

  it('fails what is not done when the ballot ends', async () => {
    const kit = createBallotKit();
    const result = kit.check(answering('Slow', () => new Promise(() => {})));
    await kit.clock.settle();
    kit.controller.abort(new Error('the ballot is over'));
    expect(await result).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('the ballot is over') as unknown,
    });
  });

  it('hands out input that cannot be changed, nested parts included', async () => {
    const kit = createBallotKit();
    const attempts: ((context: PreconditionContext) => unknown)[] = [
      ({ event }) => ((event as { service: string }).service = 'api'),
      ({ event }) => (event.attributes['x'] = 1),
      ({ target }) => ((target!.tags as Record<string, string>)['x'] = 'y'),
      ({ target }) => ((target!.incarnation as { account: string }).account = 'x'),
      ({ params }) => (params as { list: number[] }).list.push(2),
      async ({ fleet }) => ((await fleet()).hosts as unknown[]).pop(),
      async ({ probe, target }) => (((await probe(target!)) as { status: string }).status = 'healthy'),
    ];
    for (const attempt of attempts) {
      expect(await kit.check(answering('Changing', attempt))).toMatchObject({
        verdict: 'fail',
        reason: expect.stringContaining('TypeError') as unknown,
      });
    }
    expect(kit.fleet.get('i-web1')?.tags).toEqual({});
    expect(kit.event.service).toBe('web');
  });

  it('hands out a context that can be copied by spread, and whose getters all contexts share', async () => {
    const kit = createBallotKit();
    const seen: PreconditionContext[] = [];
    const looking = answering('Looking', (context) => {
      seen.push(context);
      const { event, signal, fleet, zone } = { ...context };
      return event.id !== '' && signal instanceof AbortSignal && fleet === context.fleet && zone !== ''
        ? passing()
        : undefined;
    });
    for (let time = 0; time < 2; time += 1)
      expect(await kit.check(looking)).toMatchObject({ verdict: 'pass' });
    for (const key of ['event', 'signal'])
      expect(new Set(seen.map((each) => Object.getOwnPropertyDescriptor(each, key)?.get)).size).toBe(1);
    expect(seen).toHaveLength(2);
  });

  it('reads the fleet once and probes each host once within a vote, however many checks ask', async () => {
    const kit = createBallotKit();
    const fleet = createRecorder(kit.fleet);
    const asking = (name: string) =>
      answering(name, async (context) => {
        const { hosts } = await context.fleet();
        await Promise.all(hosts.map((host) => context.probe(host)));
        return passing();
      });
    const results = await evaluatePrechecks({
      prechecks: ['One', 'Two', 'Three'].map((name) => bind(asking(name))),
      event: kit.event,
      target: web(1),
      fleet: fleet.port,
      probe: kit.probe,
      clock: kit.clock,
      log: silentLogger,
      signal: kit.controller.signal,
    });
    expect(results.map(({ check, verdict }) => `${check} ${verdict}`)).toEqual([
      'One pass',
      'Two pass',
      'Three pass',
    ]);
    expect(fleet.names()).toEqual(['port.list']);
    expect([...kit.probe.probed].sort()).toEqual(['i-web1', 'i-web2', 'i-web3']);
  });

  it('runs checks side by side, at most 8 at once, and keeps the order of the rule', async () => {
    const kit = createBallotKit();
    let running = 0;
    let most = 0;
    const counting = (index: number) =>
      answering(`Check${index}`, async ({ clock }) => {
        running += 1;
        most = Math.max(most, running);
        await clock.sleep(20 - index);
        running -= 1;
        return passing();
      });
    const results = evaluatePrechecks({
      prechecks: Array.from({ length: 20 }, (_, index) => bind(counting(index))),
      event: kit.event,
      target: undefined,
      fleet: kit.fleet,
      probe: kit.probe,
      clock: kit.clock,
      log: silentLogger,
      signal: kit.controller.signal,
    });
    await kit.clock.advance(100);
    expect((await results).map(({ check }) => check)).toEqual(
      Array.from({ length: 20 }, (_, index) => `Check${index}`),
    );
    expect(most).toBe(8);
  });

  it('goes on with the other checks when a probe hangs and ignores its timeout', async () => {
    const kit = createBallotKit();
    const results = evaluatePrechecks({
      prechecks: [
        bind(
          answering(
            'Probing',
            async ({ probe, target }) => ({
              verdict: (await probe(target!)).status === 'healthy' ? 'pass' : 'fail',
              reason: 'x',
            }),
            5_000,
          ),
        ),
        bind(answering('Quick', passing)),
      ],
      event: kit.event,
      target: web(1),
      fleet: kit.fleet,
      probe: { zone: 'us-east-1a', probe: () => new Promise(() => {}) },
      clock: kit.clock,
      log: silentLogger,
      signal: kit.controller.signal,
    });
    await kit.clock.advance(2_250);
    expect(await results).toMatchObject([{ verdict: 'fail' }, { verdict: 'pass' }]);
  });

  it('keeps evidence as plain JSON, cuts what is too long, and never loses what it demands of the ballot', async () => {
    const kit = createBallotKit();
    const requires = { zone: 'us-east-1a' };
    const withEvidence = (evidence: unknown) =>
      kit.check(answering('Talking', () => ({ verdict: 'pass', evidence })));
    expect((await withEvidence({ count: 3n, requires })).evidence).toEqual({
      requires,
      dropped: 'evidence was not JSON',
    });
    expect((await withEvidence({ text: 'x'.repeat(10_000), requires })).evidence).toMatchObject({
      requires,
      dropped: expect.any(String) as unknown,
    });
    expect((await withEvidence('text')).evidence).toMatchObject({ dropped: expect.any(String) as unknown });
    expect((await withEvidence({ at: new Date(0) })).evidence).toEqual({ at: '1970-01-01T00:00:00.000Z' });
  });

  it('says in the log which check could not be evaluated', async () => {
    const kit = createBallotKit();
    const log = createRecordingLogger();
    await evaluatePrechecks({
      prechecks: [
        bind(
          answering('Broken', () => {
            throw new Error('boom');
          }),
        ),
      ],
      event: kit.event,
      target: undefined,
      fleet: kit.fleet,
      probe: kit.probe,
      clock: kit.clock,
      log,
      signal: kit.controller.signal,
    });
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { check: 'Broken' } }]);
  });
});

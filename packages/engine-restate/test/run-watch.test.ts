import type { RunView } from '@lazarus/core/ports';
import { describe, expect, it } from 'vitest';
import type { PinnedRun } from '../src/run/pinned-run.ts';
import type { Invocation } from '../src/server/run-store.ts';
import { createWatch, unavailable, WATCH_MS } from './support/played-watch.ts';

const paused = (run: PinnedRun, failure = ''): Invocation => ({
  runId: run.request.runId,
  status: 'paused',
  retries: 0,
  failure,
});

const killed = (run: PinnedRun): Invocation => ({
  runId: run.request.runId,
  status: 'completed',
  retries: 0,
  failure: '[409] killed',
});

describe('a submission that was not confirmed', () => {
  it('is stopped when it arrives a minute after the first look', async () => {
    const { watch, clock, server, canceled, aRun } = createWatch();
    const run = aRun();
    watch.doubt(run, 'it was not confirmed');
    await clock.advance(60_000);
    expect(canceled).toEqual([]);
    server.states.set(run.request.runId, 'running');
    await clock.advance(2 * WATCH_MS);
    expect(canceled).toEqual([run.request.runId]);
  });

  it('is forgotten when its deadline has passed and it never arrived, and nobody is told', async () => {
    const { watch, clock, server, canceled, aRun, calls } = createWatch();
    const run = aRun(30_000);
    watch.doubt(run, 'it was not confirmed');
    await clock.advance(100_000);
    server.states.set(run.request.runId, 'running');
    await clock.advance(2 * WATCH_MS);
    expect([canceled, calls(run)]).toEqual([[], 0]);
  });
});

describe('a run about which a human was told', () => {
  it('does not go on in this process before Restate was asked to stop it', async () => {
    const { watch, clock, server, driven, canceled, aRun, calls } = createWatch();
    const run = aRun();
    watch.took(run);
    driven.add(run.request.runId);
    server.ingress = false;
    await clock.advance(8_000);
    expect(calls(run)).toBe(1);
    await expect(watch.assertMayGoOn(run)).rejects.toMatchObject({ code: 'LZ_JOURNAL_UNAVAILABLE' });
    server.ingress = true;
    await expect(watch.assertMayGoOn(run)).rejects.toMatchObject({ code: 'LZ_WORKFLOW_CANCELED' });
    expect(canceled).toEqual([run.request.runId]);
    await expect(watch.assertMayGoOn(run)).resolves.toBeUndefined();
  });

  it('is asked to stop where it is paused, once, and told of once', async () => {
    const { clock, server, canceled, aRun, calls } = createWatch();
    const run = aRun();
    server.recorded.set(run.request.runId, run);
    server.states.set(run.request.runId, 'running');
    server.troubled = [paused(run)];
    await clock.advance(5 * WATCH_MS);
    expect([canceled, calls(run)]).toEqual([[run.request.runId], 1]);
  });
});

describe('a run that Restate ended by itself', () => {
  for (const [what, outcome] of [
    ['was killed', { killed: '409 killed' }],
    ['vanished', undefined],
  ] as const) {
    it(`is told to a human, released and reported as failed when it ${what}`, async () => {
      const { watch, clock, server, released, gone, aRun, calls } = createWatch();
      const run = aRun();
      watch.took(run);
      server.states.set(run.request.runId, outcome);
      await clock.advance(3 * WATCH_MS);
      expect(calls(run)).toBe(1);
      expect(released).toEqual([run.request.runId]);
      expect(gone).toEqual([
        expect.stringMatching(/ escalated: Restate (has ended it: 409 killed|no longer has it)$/),
      ]);
    });
  }

  it('is left alone when it came to its end elsewhere', async () => {
    const { watch, clock, server, released, gone, aRun, calls } = createWatch();
    const run = aRun();
    watch.took(run);
    server.states.set(run.request.runId, { status: 'succeeded' } as RunView);
    await clock.advance(3 * WATCH_MS);
    expect([calls(run), released, gone]).toEqual([0, [run.request.runId], []]);
  });
});

describe('a run that Restate ended while no process had it in hand', () => {
  it('is told to a human once, and reported as failed once, however often it is seen', async () => {
    const { clock, server, gone, aRun, calls } = createWatch();
    const run = aRun();
    server.recorded.set(run.request.runId, run);
    server.troubled = [killed(run)];
    await clock.advance(10 * WATCH_MS);
    expect(calls(run)).toBe(1);
    expect(gone).toEqual([`${run.request.runId} escalated: Restate has ended it: [409] killed`]);
  });

  it('is told by whoever sees it when no process can be called', async () => {
    const { clock, server, gone, aRun, calls } = createWatch();
    const run = aRun();
    server.answers = false;
    server.recorded.set(run.request.runId, run);
    server.troubled = [killed(run)];
    await clock.advance(10 * WATCH_MS);
    expect([calls(run), gone.length]).toEqual([1, 1]);
  });

  it('is followed by the process that had it in hand, and told once all the same', async () => {
    const { watch, clock, server, gone, released, aRun, calls } = createWatch();
    const run = aRun();
    watch.took(run);
    server.recorded.set(run.request.runId, run);
    server.states.set(run.request.runId, { killed: '409 killed' });
    server.troubled = [killed(run)];
    await clock.advance(10 * WATCH_MS);
    expect([calls(run), gone.length, released]).toEqual([1, 1, [run.request.runId]]);
  });

  it("is nobody's when none of ours submitted it", async () => {
    const { clock, server, gone, log, aRun, calls } = createWatch();
    const run = aRun();
    server.troubled = [killed(run)];
    await clock.advance(10 * WATCH_MS);
    expect([calls(run), gone, log.lines.filter(({ level }) => level === 'error')]).toEqual([0, [], []]);
  });
});

describe('the deadline of a run', () => {
  it('is told 60 s after it has passed, although no server has ever said anything useful', async () => {
    const { watch, clock, server, aRun, calls } = createWatch();
    const run = aRun(30_000);
    watch.took(run);
    server.states.set(run.request.runId, unavailable());
    await clock.advance(89_000);
    expect(calls(run)).toBe(0);
    await clock.advance(2_000);
    expect(calls(run)).toBe(1);
    await clock.advance(100_000);
    expect(calls(run)).toBe(1);
  });

  it('is measured with the monotonic clock: a wall clock that goes back an hour holds nobody up', async () => {
    const { watch, clock, driven, aRun, calls } = createWatch();
    const run = aRun(30_000);
    watch.took(run);
    driven.add(run.request.runId);
    clock.jumpWall(-3_600_000);
    await clock.advance(91_000);
    expect(calls(run)).toBe(1);
  });

  it('ends the questions to a server that will say the same again', async () => {
    const { watch, clock, server, released, aRun } = createWatch();
    const run = aRun(30_000);
    watch.took(run);
    server.states.set(run.request.runId, unavailable(false));
    await clock.advance(95_000);
    expect(released).toEqual([run.request.runId]);
  });
});

describe('a pager that is away for 130 s', () => {
  const AWAY_MS = 130_000;
  /** The longest pause of a call for help, and what is left of a round. */
  const SOON_MS = 70_000;

  it('is called again about a run that Restate gave up, until it answers, and then no more', async () => {
    const { clock, pager, server, aRun, calls } = createWatch();
    const run = aRun();
    server.recorded.set(run.request.runId, run);
    server.states.set(run.request.runId, 'running');
    server.troubled = [paused(run)];
    pager.fail('away');
    await clock.advance(AWAY_MS);
    expect([calls(run), server.loads]).toEqual([0, 2]);
    pager.fail(undefined);
    await clock.advance(SOON_MS);
    expect(calls(run)).toBe(1);
    await clock.advance(3_600_000);
    expect(calls(run)).toBe(1);
  });

  it('is called again about a run that was killed, whose books are closed as escalated then', async () => {
    const { clock, pager, server, gone, aRun, calls } = createWatch();
    const run = aRun();
    server.recorded.set(run.request.runId, run);
    server.troubled = [killed(run)];
    pager.fail('away');
    await clock.advance(AWAY_MS);
    expect([calls(run), gone]).toEqual([0, []]);
    pager.fail(undefined);
    await clock.advance(SOON_MS);
    expect([calls(run), gone]).toEqual([
      1,
      [`${run.request.runId} escalated: Restate has ended it: [409] killed`],
    ]);
    await clock.advance(3_600_000);
    expect([calls(run), gone.length]).toEqual([1, 1]);
  });

  it('is called again about a run whose time is over, without any server', async () => {
    const { watch, clock, pager, server, aRun, calls } = createWatch();
    const run = aRun(30_000);
    watch.took(run);
    server.ingress = false;
    server.states.set(run.request.runId, unavailable());
    pager.fail('away');
    await clock.advance(AWAY_MS);
    expect(calls(run)).toBe(0);
    pager.fail(undefined);
    await clock.advance(SOON_MS);
    expect(calls(run)).toBe(1);
  });

  it('is called at most 12 times a minute about one run', async () => {
    const { clock, log, pager, server, aRun } = createWatch();
    const run = aRun();
    server.recorded.set(run.request.runId, run);
    server.states.set(run.request.runId, 'running');
    server.troubled = [paused(run)];
    pager.fail('away');
    await clock.advance(600_000);
    const tries = log.lines.filter(({ message }) => message.includes('a page was not escalated')).length;
    expect(tries).toBeGreaterThan(60);
    expect(tries).toBeLessThanOrEqual(120);
  });

  it('that says no is not called again', async () => {
    const { clock, pager, server, aRun, calls } = createWatch();
    const run = aRun();
    await pager.resolve({ incidentKey: run.request.incidentKey ?? '' });
    server.recorded.set(run.request.runId, run);
    server.states.set(run.request.runId, 'running');
    server.troubled = [paused(run)];
    await clock.advance(600_000);
    expect(calls(run)).toBe(1);
  });
});

describe('1 000 runs that go on elsewhere', () => {
  it('are asked about in turn, 64 in one look, and each of them within 16 looks', async () => {
    const { watch, clock, server, released, aRun } = createWatch();
    const runs = Array.from({ length: 1_000 }, () => aRun());
    for (const run of runs) {
      watch.took(run);
      server.states.set(run.request.runId, 'running');
    }
    await clock.advance(10 * WATCH_MS);
    expect(server.looks).toBe(640);
    for (const { request } of runs)
      server.states.set(request.runId, { status: 'succeeded' } as unknown as RunView);
    await clock.advance(16 * WATCH_MS);
    expect(new Set(released).size).toBe(1_000);
  });

  it('are asked about in every look once their deadline has passed, so that none is told that has ended', async () => {
    const { watch, clock, server, aRun, calls } = createWatch();
    const runs = Array.from({ length: 300 }, () => aRun(30_000));
    for (const run of runs) {
      watch.took(run);
      server.states.set(run.request.runId, 'running');
    }
    await clock.advance(88_000);
    for (const { request } of runs)
      server.states.set(request.runId, { status: 'timed_out' } as unknown as RunView);
    await clock.advance(20_000);
    expect(runs.filter((run) => calls(run) > 0)).toEqual([]);
  });
});

describe('the watch', () => {
  it('refuses no submission because a query fails, and says so once', async () => {
    const { watch, clock, server, log } = createWatch();
    server.queries = false;
    await clock.advance(10 * WATCH_MS);
    expect(watch.failure).toBeUndefined();
    expect(log.lines.filter(({ message }) => message.includes('no queries'))).toHaveLength(1);
  });

  it('looks after every other run when one cannot be read or stopped', async () => {
    const { watch, clock, server, aRun, calls } = createWatch();
    const [bad, good, doubted] = [aRun(), aRun(), aRun()];
    server.recorded.set(bad.request.runId, unavailable());
    server.recorded.set(good.request.runId, good);
    server.states.set(good.request.runId, 'running');
    server.states.set(doubted.request.runId, unavailable());
    watch.doubt(doubted, 'it was not confirmed');
    server.troubled = [paused(bad), paused(good)];
    await clock.advance(2 * WATCH_MS);
    expect([calls(bad), calls(good)]).toEqual([0, 1]);
    expect(watch.failure).toBeUndefined();
  });

  it('reads the journal of a run that Restate tries again and again once, and tells when its time is over', async () => {
    const { clock, server, aRun, calls } = createWatch();
    const run = aRun(30_000);
    server.recorded.set(run.request.runId, run);
    server.states.set(run.request.runId, 'running');
    server.troubled = [{ ...paused(run), status: 'backing-off', retries: 3 }];
    await clock.advance(80_000);
    expect([calls(run), server.loads]).toEqual([0, 1]);
    await clock.advance(15_000);
    expect([calls(run), server.loads]).toEqual([1, 2]);
  });

  it('tells a journal that does not fit by its code, not by a number in a text', async () => {
    const { clock, server, aRun, calls } = createWatch();
    const [text, code] = [aRun(), aRun()];
    for (const run of [text, code]) {
      server.recorded.set(run.request.runId, run);
      server.states.set(run.request.runId, 'running');
    }
    const failure = 'connection reset by peer: 10.0.3.7:57043';
    server.troubled = [text, code].map((run) => ({
      ...paused(run, failure),
      status: 'backing-off',
      retries: 3,
    }));
    server.troubled[1] = { ...server.troubled[1], errorCode: 'RT0016' } as Invocation;
    await clock.advance(2 * WATCH_MS);
    expect([calls(text), calls(code)]).toEqual([0, 1]);
  });
});

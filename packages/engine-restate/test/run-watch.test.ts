import { PortError } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import { createFakePager, createManualClock, createRecordingLogger } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { RunAlarms } from '../src/engine/run-alarms.ts';
import { RunWatch } from '../src/engine/run-watch.ts';
import type { PinnedRun } from '../src/run/pinned-run.ts';
import type { PageEnd } from '../src/run/run-message.ts';
import type { RunOutcome } from '../src/server/run-outcome.ts';
import type { Invocation } from '../src/server/run-store.ts';
import { aRequest } from './support/desk.ts';

const WATCH_MS = 1_000;
const unavailable = (retryable = true): PortError =>
  new PortError({ code: 'LZ_JOURNAL_UNAVAILABLE', message: 'down', retryable });

/** A watch over a server that is played, with a clock that stands still. */
function createWatch() {
  const clock = createManualClock();
  const pager = createFakePager({ clock });
  const log = createRecordingLogger();
  const closing = new AbortController();
  const server = {
    ingress: true,
    queries: true,
    /** A process of ours can be called. */
    answers: true,
    answered: new Map<string, Promise<PageEnd>>(),
    states: new Map<string, RunOutcome | Error>(),
    recorded: new Map<string, PinnedRun | Error>(),
    troubled: [] as Invocation[],
  };
  const driven = new Set<string>();
  const canceled: string[] = [];
  const released: string[] = [];
  const gone: string[] = [];
  const orThrow = <T>(value: T | Error): T => {
    if (value instanceof Error) throw value;
    return value;
  };
  const alarms: RunAlarms = new RunAlarms({
    store: {
      raise: async (alarm) => {
        if (!server.ingress || !server.answers) throw unavailable();
        const key = `${alarm.run.request.runId} ${alarm.what}`;
        let answer = server.answered.get(key);
        if (answer === undefined) server.answered.set(key, (answer = alarms.answer(alarm)));
        return answer;
      },
    },
    ended: {
      tell: ({ run_id, page, error }) => void gone.push(`${run_id} ${page}: ${error?.message}`),
    },
    options: { ports: { pager }, clock, log },
    closing: closing.signal,
  });
  const watch = new RunWatch({
    alarms,
    store: {
      state: async (runId) => orThrow(server.states.get(runId)),
      load: async (runId) => {
        const run = orThrow(server.recorded.get(runId));
        return run === undefined ? undefined : { run, entries: [] };
      },
      troubled: async () => {
        if (!server.queries) throw unavailable();
        return server.troubled;
      },
    },
    servers: {
      ask: async () => {
        if (!server.ingress) throw unavailable();
        return { status: 404, body: { message: 'invocation not found' }, url: 'http://restate' };
      },
    },
    options: { clock, log },
    times: { watchMs: WATCH_MS, strandedMs: 5_000 },
    closing: closing.signal,
    register: async () => undefined,
    stop: async (runId) => {
      if (!server.ingress) throw unavailable();
      canceled.push(runId);
    },
    isDriven: (runId) => driven.has(runId),
    release: async (runId) => void released.push(runId),
  });
  let runs = 0;
  const aRun = (timeoutMs = 600_000): PinnedRun => {
    runs += 1;
    const request = aRequest('test.wait', { incidentKey: `INC-${runs}`, timeoutMs });
    pager.open(`INC-${runs}`);
    const definition = {
      name: 'test.wait',
      steps: [],
      onError: { steps: [] },
      finally: [],
    } as unknown as PinnedRun['definition'];
    const startedAtMs = clock.now();
    const deadlineAtMs = startedAtMs + timeoutMs;
    return { format: 1, begins: false, request, definition, inputs: {}, startedAtMs, deadlineAtMs };
  };
  /** How often a human was told of a run. */
  const calls = ({ request }: PinnedRun): number => pager.notesOf(request.incidentKey ?? '').length;
  watch.start();
  return { watch, clock, log, server, driven, canceled, released, gone, aRun, calls };
}

const paused = (run: PinnedRun, failure = ''): Invocation => ({
  runId: run.request.runId,
  status: 'paused',
  retries: 0,
  failure,
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
  const killed = (run: PinnedRun): Invocation => ({
    runId: run.request.runId,
    status: 'completed',
    retries: 0,
    failure: '[409] killed',
  });

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

import { PortError } from '@lazarus/core';
import { createFakePager, createManualClock, createRecordingLogger } from '@lazarus/testing';
import { RunAlarms } from '../../src/engine/run-alarms.ts';
import { RunWatch } from '../../src/engine/run-watch.ts';
import type { PinnedRun } from '../../src/run/pinned-run.ts';
import type { PageEnd } from '../../src/run/run-message.ts';
import type { RunOutcome } from '../../src/server/run-outcome.ts';
import type { Invocation } from '../../src/server/run-store.ts';
import { aRequest } from './request.ts';

export const WATCH_MS = 1_000;
export const unavailable = (retryable = true): PortError =>
  new PortError({ code: 'LZ_JOURNAL_UNAVAILABLE', message: 'down', retryable });

/** A watch over a server that is played, with a clock that stands still. */
export function createWatch() {
  const clock = createManualClock();
  const pager = createFakePager({ clock });
  const log = createRecordingLogger();
  const closing = new AbortController();
  const server = {
    ingress: true,
    queries: true,
    loads: 0,
    /** How often the end of a run was asked for. */
    looks: 0,
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
        // What throws is not remembered.
        answer.catch(() => server.answered.delete(key));
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
      state: async (runId) => {
        server.looks += 1;
        return orThrow(server.states.get(runId));
      },
      load: async (runId) => {
        server.loads += 1;
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
  return { watch, clock, log, pager, server, driven, canceled, released, gone, aRun, calls };
}

import type { Snapshot } from '@lazarus/core';
import type { Controller } from '@lazarus/core/controller';
import type { LiveEntry } from '@lazarus/core/stream';
import { createMemoryPauses } from '@lazarus/core/memory';
import type { Clock, Pauses } from '@lazarus/core/ports';
import {
  aRecord,
  createFakeAuditLog,
  createFakeFleet,
  createFakeWorkflowEngine,
  createManualClock,
  silentLogger,
} from '@lazarus/testing';
import { createApi, createMeter } from '../src/index.ts';
import type { Api, ApiPorts, LiveObserver } from '../src/index.ts';

export { aRecord, aRun } from '@lazarus/testing';

/** Pauses in memory that remember who lifted them. */
export function createRecordedPauses(clock: Clock): Pauses & { readonly cleared: readonly unknown[] } {
  const pauses = createMemoryPauses({ clock });
  const cleared: unknown[] = [];
  return {
    ...pauses,
    cleared,
    clear: async (scope, by) => {
      cleared.push({ scope, by });
      return pauses.clear(scope, by);
    },
  };
}

/** A live source that a test pushes into. */
export function createLiveSource() {
  const observers = new Set<LiveObserver>();
  return {
    subscribe(observer: LiveObserver) {
      observers.add(observer);
      return { unsubscribe: () => void observers.delete(observer) };
    },
    push(entry: LiveEntry) {
      for (const observer of observers) observer.next(entry);
    },
    fail(error: unknown) {
      for (const observer of observers) observer.error(error);
    },
    get observers() {
      return observers.size;
    },
  };
}

/** A snapshot that only knows names. */
export function aSnapshot(): Snapshot {
  const summary = {
    digest: 'c0ffee',
    rules: ['host_down'],
    services: ['web', 'db'],
    profiles: ['stateless'],
    workflows: ['default.replace_host'],
  };
  return {
    digest: summary.digest,
    summary,
    match: () => ({ matched: false, nearest: [] }),
    rule: () => undefined,
    staleAfterMs: () => 300_000,
  };
}

/** An API over fakes. */
export function createFixture(
  more: {
    readonly options?: Partial<Parameters<typeof createApi>[0]>;
    readonly ports?: Partial<ApiPorts>;
  } = {},
) {
  const clock = createManualClock();
  const audit = createFakeAuditLog();
  const engine = createFakeWorkflowEngine({ clock });
  const fleet = createFakeFleet({ clock });
  const pauses = createRecordedPauses(clock);
  const live = createLiveSource();
  const meter = createMeter();
  const planned: unknown[] = [];
  const controller: Pick<Controller, 'plan' | 'snapshot'> = {
    snapshot: aSnapshot(),
    plan: async (event) => {
      planned.push(event);
      return aRecord();
    },
  };
  const api: Api = createApi(
    { node: { name: 'a', region: 'us-east-1', zone: 'us-east-1a', version: '0.1.0' }, ...more.options },
    {
      clock,
      log: silentLogger,
      audit,
      engine,
      controller,
      pauses,
      fleet,
      live,
      metrics: meter,
      peers: () => [
        { id: 'b', zone: 'us-east-1b', connected: true, last_seen_at: '2026-01-01T00:00:00.000Z' },
        { id: 'c', zone: 'us-east-1c', connected: false, detail: 'connection refused' },
      ],
      ...more.ports,
    },
  );
  const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    api.app.request(path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const get = async (path: string): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await send('GET', path);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { api, clock, audit, engine, fleet, pauses, live, meter, planned, send, get };
}

import { createPager } from '../src/index.ts';
import type { Pager, PagerOptions } from '../src/index.ts';

export interface IncidentJson {
  readonly id: string;
  readonly status: string;
  readonly incident_key: string;
  readonly escalation_level: number;
  readonly urgency: string;
  readonly assignments: readonly { readonly assignee: { readonly summary: string } }[];
}

export interface TestPager extends Pager {
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Opens an incident with this key, or sends another event about it. */
  enqueue(key: string | undefined, action?: string, changes?: object): Promise<Response>;
  /** The newest incident with this key. */
  incident(key: string): Promise<IncidentJson>;
  put(id: string, change: object): Promise<Response>;
  log(id: string): Promise<string[]>;
}

const HEADERS = {
  authorization: 'Token token=example',
  accept: 'application/vnd.pagerduty+json;version=2',
  'content-type': 'application/json',
  from: 'lazarus@example.com',
};

export async function testPager(options: PagerOptions = {}): Promise<TestPager> {
  return clientOf(await createPager(options));
}

export function clientOf(pager: Pager): TestPager {
  const call: TestPager['call'] = (method, path, body, headers = HEADERS) =>
    fetch(pager.endpoint + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    ...pager,
    call,
    enqueue: (key, action = 'trigger', changes = {}) =>
      call('POST', '/v2/enqueue', {
        routing_key: 'R'.repeat(32),
        event_action: action,
        ...(key !== undefined && { dedup_key: key }),
        ...(action === 'trigger' && {
          payload: { summary: 'web-1 is down', source: 'sensor', severity: 'critical' },
        }),
        ...changes,
      }),
    incident: async (key) => {
      const reply = await call('GET', `/incidents?incident_key=${encodeURIComponent(key)}`);
      const incident = ((await reply.json()) as { incidents: IncidentJson[] }).incidents.at(-1);
      if (incident === undefined) throw new Error(`no incident has the key ${key}`);
      return incident;
    },
    put: (id, change) =>
      call('PUT', `/incidents/${id}`, { incident: { type: 'incident_reference', ...change } }),
    log: async (id) => {
      const reply = await call('GET', `/incidents/${id}/log_entries`);
      return ((await reply.json()) as { log_entries: { type: string }[] }).log_entries
        .map(({ type }) => type)
        .toReversed();
    },
  };
}

export { HEADERS };

/** Waits until `condition` holds; tells what it waited for when it never does. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${patienceMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

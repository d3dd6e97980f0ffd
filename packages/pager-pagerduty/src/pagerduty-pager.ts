import type { Clock, Logger, Page, Pager, PagerCall, PageResult, Random } from '@lazarus/core/ports';

import { describeError, PortError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';

import { createHttpClient, type HttpAnswer } from './http-client.ts';
import { type Incident, type IsLazarus, parseIncident, parseIncidents, toPage } from './incident.ts';
import {
  PagerDutyPagerOptions,
  type PagerDutyPagerOptionsInput,
  type ResolvedPagerDutyPagerOptions,
} from './options.ts';

/** The pager service, with notes. */
export interface PagerDutyPager extends Pager {
  /**
   * Writes a note to an open page; does nothing when there is none.
   *
   * @throws PortError `LZ_PAGER_UNAVAILABLE`.
   */
  annotate(call: PagerCall & { readonly note: string }): Promise<void>;
}

/** Most characters of a note; the service takes 25 000. */
const MAX_NOTE = 20_000;

type Change = { readonly status: 'acknowledged' | 'resolved' } | { readonly escalation_level: number };

/** Why Lazarus may not take or close this page; `undefined` when it may. */
function refusal(page: Page | undefined): Extract<PageResult, { done: false }> | undefined {
  if (page === undefined) return { done: false, reason: 'not_found' };
  if (page.status === 'resolved') return { done: false, reason: 'already_resolved', page };
  return page.takenByHuman ? { done: false, reason: 'taken_by_human', page } : undefined;
}

function makeIsLazarus(names: readonly string[]): IsLazarus {
  const known = new Set(names.map((name) => name.toLowerCase()));
  return ({ id, summary }) =>
    [id, summary].some((name) => typeof name === 'string' && known.has(name.toLowerCase()));
}

const newest = (incidents: readonly Incident[]): Incident | undefined =>
  incidents.toSorted((a, b) => (b.created_at ?? '').localeCompare(a.created_at ?? ''))[0];

/** The calls of the REST API that are needed here. */
function createIncidents(
  options: ResolvedPagerDutyPagerOptions,
  ports: { readonly clock: Clock; readonly random: Random },
) {
  const send = createHttpClient(options, ports);
  const headers = {
    accept: 'application/vnd.pagerduty+json;version=2',
    authorization: `Token token=${options.token}`,
    from: options.from,
  };
  const url = (path: string): string => `${options.endpoint.replace(/\/$/, '')}${path}`;
  const list = async (call: PagerCall, statuses: readonly string[]): Promise<readonly Incident[]> => {
    const query = new URLSearchParams({
      incident_key: call.incidentKey,
      date_range: 'all',
      sort_by: 'created_at:desc',
      limit: '100',
    });
    for (const status of statuses) query.append('statuses[]', status);
    const { body } = await send({
      method: 'GET',
      url: url(`/incidents?${query.toString()}`),
      headers,
      isRepeatable: true,
      signal: call.signal,
    });
    return parseIncidents(body).filter(({ incident_key: key }) => key === call.incidentKey);
  };
  return {
    /** The open incident of a key, else the newest resolved one. */
    find: async (call: PagerCall): Promise<Incident | undefined> =>
      newest(await list(call, ['triggered', 'acknowledged'])) ?? newest(await list(call, ['resolved'])),
    change: async (id: string, change: Change, signal: AbortSignal | undefined): Promise<Incident> => {
      const { body } = await send({
        method: 'PUT',
        url: url(`/incidents/${encodeURIComponent(id)}`),
        headers,
        body: { incident: { type: 'incident_reference', ...change } },
        isRepeatable: true,
        signal,
      });
      return parseIncident(body);
    },
    note: (id: string, note: string, signal: AbortSignal | undefined): Promise<HttpAnswer> =>
      send({
        method: 'POST',
        url: url(`/incidents/${encodeURIComponent(id)}/notes`),
        headers,
        body: { note: { content: note.slice(0, MAX_NOTE) } },
        isRepeatable: false,
        signal,
      }),
  };
}

/**
 * Makes the pager on PagerDuty's REST API v2. Every change reads the state first, because acknowledging a resolved
 * incident opens it again, and because a page that a person took is left to that person. All calls may be repeated.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 * @remarks Source: PagerDuty REST API v2, Incidents.
 * @example
 * ```ts
 * const pager = createPagerDutyPager({
 *   token,
 *   from: 'lazarus@example.com',
 *   responders: ['PLAZARUS'],
 *   clock: createSystemClock(),
 *   random: { next: Math.random },
 * });
 * const result = await pager.acknowledge({ incidentKey: 'web/web-1', note: 'replacing web-1', signal });
 * ```
 */
export function createPagerDutyPager(
  options: PagerDutyPagerOptionsInput & {
    readonly clock: Clock;
    readonly random: Random;
    readonly logger?: Logger;
  },
): PagerDutyPager {
  const { clock, random, logger, ...rest } = options;
  const settings = parseOptions('createPagerDutyPager', PagerDutyPagerOptions, rest);
  const incidents = createIncidents(settings, { clock, random });
  const isLazarus = makeIsLazarus([...settings.responders, settings.from]);

  const read = async (call: PagerCall): Promise<Page | undefined> => {
    const incident = await incidents.find(call);
    return incident && toPage(incident, call.incidentKey, isLazarus);
  };
  /** A note helps people; that it could not be written changes nothing about the page. */
  const tryNote = async (
    page: Page,
    note: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    if (note === undefined || note === '') return;
    try {
      await incidents.note(page.pageId, note, signal);
    } catch (error) {
      logger?.warn('page note was not written', { page: page.pageId, error: describeError(error) });
    }
  };
  const apply = async (call: PagerCall, page: Page, change: Change): Promise<PageResult> => {
    try {
      const incident = await incidents.change(page.pageId, change, call.signal);
      const after = toPage(incident, call.incidentKey, isLazarus);
      // Somebody was faster between the reading and the change.
      const isLate = 'status' in change && after.status !== 'resolved' && after.takenByHuman;
      if (isLate) return { done: false, reason: 'taken_by_human', page: after };
      await tryNote(after, call.note, call.signal);
      const changed = after.status !== page.status || after.escalationLevel !== page.escalationLevel;
      return { done: true, page: after, changed };
    } catch (error) {
      if (error instanceof PortError && error.details.status === 404)
        return { done: false, reason: 'not_found' };
      throw error;
    }
  };

  return {
    find: read,
    acknowledge: async (call) => {
      const page = await read(call);
      // An acknowledged page is acknowledged again: that starts its acknowledgement timeout anew.
      return page === undefined
        ? { done: false, reason: 'not_found' }
        : (refusal(page) ?? apply(call, page, { status: 'acknowledged' }));
    },
    resolve: async (call) => {
      const page = await read(call);
      if (page?.status === 'resolved') return { done: true, page, changed: false };
      return page === undefined
        ? { done: false, reason: 'not_found' }
        : (refusal(page) ?? apply(call, page, { status: 'resolved' }));
    },
    escalate: async ({ reason, ...call }) => {
      const page = await read(call);
      if (page === undefined) return { done: false, reason: 'not_found' };
      if (page.status === 'resolved') return { done: false, reason: 'already_resolved', page };
      const noted = { ...call, note: call.note ?? reason };
      if (!page.takenByHuman) return apply(noted, page, { escalation_level: settings.escalationLevel });
      await tryNote(page, noted.note, call.signal);
      return { done: true, page, changed: false };
    },
    annotate: async (call) => {
      const page = await read(call);
      if (page !== undefined && page.status !== 'resolved')
        await incidents.note(page.pageId, call.note, call.signal);
    },
  };
}

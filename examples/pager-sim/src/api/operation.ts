import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IncidentBook } from '../incidents/incident-book.ts';
import type { ResolvedPagerOptions } from '../options.ts';
import { ApiError } from './api-error.ts';
import type { FaultList, Operation } from './fault.ts';

export interface ApiEnvironment {
  Bindings: HttpBindings;
}
export type ApiContext = Context<ApiEnvironment>;

/** What the API works on. */
export interface ApiParts {
  readonly book: IncidentBook;
  readonly faults: FaultList;
  readonly options: ResolvedPagerOptions;
  readonly endpoint: () => string;
}

/** Runs one operation with the faults that it meets; refusals become error documents. */
export async function perform(
  context: ApiContext,
  faults: FaultList,
  operation: Operation,
  effect: () => Promise<Response>,
): Promise<Response> {
  const met = faults.take(operation);
  if (met.delay_ms !== undefined) await sleep(met.delay_ms);
  if (met.hang === 'before_effect') return untilCallerLeaves(context);
  if (met.status !== undefined) {
    if (met.ratelimit_reset !== undefined) {
      context.header('ratelimit-remaining', '0');
      context.header('ratelimit-reset', String(met.ratelimit_reset));
    }
    const code = met.status === 429 ? 2020 : 2000;
    if (met.body !== undefined) return context.body(met.body, met.status as 500);
    return context.json({ error: { message: 'injected fault', code } }, met.status as 500);
  }
  const reply = await effect().catch((error: unknown) => {
    if (error instanceof ApiError) return context.json(error.toJSON(), error.status);
    throw error;
  });
  if (met.hang === 'after_effect') return untilCallerLeaves(context);
  if (met.drop_reply !== true) return reply;
  context.env.incoming.socket.destroy();
  return RESPONSE_ALREADY_SENT;
}

async function untilCallerLeaves(context: ApiContext): Promise<Response> {
  const { socket } = context.env.incoming;
  if (!socket.destroyed) await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return RESPONSE_ALREADY_SENT;
}

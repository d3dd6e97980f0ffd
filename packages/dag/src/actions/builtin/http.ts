import { PortError } from '@lazarus/core';
import { z } from 'zod';
import type { ActionContext, HttpCaller } from '../action.ts';
import { defineAction } from '../action.ts';
import { requiredPort } from '../required-port.ts';

const url = z
  .url({ protocol: /^https?$/, error: 'expected a URL that begins with https:// or http://' })
  .refine((text) => {
    // A refinement also sees what is no URL.
    if (!URL.canParse(text)) return true;
    const { username, password } = new URL(text);
    return username === '' && password === '';
  }, 'expected a URL without user and password; send a header');
const headers = z.record(z.string(), z.string()).default({});
const output = z.strictObject({ status: z.number().int(), body: z.string() });

type Response = Awaited<ReturnType<HttpCaller['call']>>;

/** The origin of a URL: path and query of a webhook are often secrets. Keeps S17. */
function shown(target: string): string {
  const { origin, pathname, search } = new URL(target);
  return pathname === '/' && search === '' ? origin : `${origin}/…`;
}

/** Overload and server errors may pass; everything else that is not a success is final. */
function checked(response: Response, target: string): Response {
  const { status } = response;
  if (status >= 200 && status < 300) return response;
  const retryable = status === 429 || status >= 500;
  throw new PortError({
    code: retryable ? 'LZ_ACTUATOR_TRANSIENT' : 'LZ_ACTUATOR_REFUSED',
    message: `${shown(target)} answered ${status}: ${response.body.slice(0, 200)}`,
    retryable,
  });
}

/** Reads something over HTTP; made to be polled. */
export const httpGet = defineAction({
  name: 'http.get',
  version: 1,
  summary: 'Reads an allowed URL.',
  input: z.strictObject({ url, headers }),
  output,
  requires: ['http'],
  readOnly: true,
  dry: (input) => ({ summary: `reads ${shown(input.url)}`, changes: {} }),
  run: async (input, context) => {
    const response = await requiredPort(context, 'http').call({
      method: 'GET',
      url: input.url,
      headers: input.headers,
      signal: context.signal,
    });
    return checked(response, input.url);
  },
});

/**
 * Changes something over HTTP. Every attempt carries the same `Idempotency-Key` header; a service that does not know it
 * must be idempotent by itself.
 */
export const httpCall = defineAction({
  name: 'http.call',
  version: 1,
  summary: 'Sends a request that changes something to an allowed URL.',
  input: z.strictObject({
    method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']),
    url,
    headers,
    body: z.json().optional(),
  }),
  output,
  requires: ['http'],
  destructive: true,
  touches: 'nothing',
  idempotent: true,
  dry: (input) => ({
    summary: `sends ${input.method} to ${shown(input.url)}`,
    changes: { method: input.method, url: shown(input.url) },
  }),
  run: async (input, context: ActionContext) => {
    const { body } = input;
    const isText = body === undefined || typeof body === 'string';
    const response = await requiredPort(context, 'http').call({
      method: input.method,
      url: input.url,
      headers: {
        ...(isText ? {} : { 'content-type': 'application/json' }),
        ...input.headers,
        'idempotency-key': context.idempotencyKey,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: context.signal,
    });
    return checked(response, input.url);
  },
});

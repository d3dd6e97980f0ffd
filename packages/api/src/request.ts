import { type Issue, MAX_EVENT_BYTES } from '@lazarus/core';
import { explainSchemaIssues } from '@lazarus/core/documents';
import type { Context } from 'hono';
import type { z } from 'zod';
import { problem } from './problem.ts';

/** A part of a request, read strictly; or the answer that refuses it. */
export type Read<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Response };

/** Reads the query of a request. Unknown and repeated parameters are refused. */
export function readQuery<S extends z.ZodType>(context: Context, schema: S): Read<z.output<S>> {
  const given = context.req.queries();
  const repeated = Object.entries(given).filter(([, values]) => values.length > 1);
  if (repeated.length > 0) {
    const issues = repeated.map(([path]) => ({ path, message: 'is given more than once' }));
    return refuse(context, 'the query was refused', issues);
  }
  const values = Object.fromEntries(Object.entries(given).map(([name, [value]]) => [name, value]));
  return check(context, schema, values, 'the query was refused');
}

/** Reads a JSON body by a schema. */
export async function readBody<S extends z.ZodType>(context: Context, schema: S): Promise<Read<z.output<S>>> {
  const json = await readJson(context);
  return json.ok ? check(context, schema, json.value, 'the body was refused') : json;
}

/**
 * Reads a JSON body of at most {@link MAX_EVENT_BYTES} bytes. The media type must say JSON: a page of another origin can
 * send that only after a preflight request, which nothing here grants.
 */
export async function readJson(context: Context): Promise<Read<unknown>> {
  const mediaType = context.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') {
    return { ok: false, refusal: problem(context, 'unsupported_media_type', 'send application/json') };
  }
  const text = await readText(context.req.raw);
  if (text === undefined) {
    const message = `the body is larger than ${MAX_EVENT_BYTES} bytes`;
    return { ok: false, refusal: problem(context, 'too_large', message) };
  }
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch (error) {
    return refuse(context, 'the body was refused', [
      { path: '', message: `is not JSON: ${(error as Error).message}` },
    ]);
  }
}

/** The body as text; `undefined` as soon as it is too large, without reading the rest. */
async function readText(request: Request): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> | null = request.body;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_EVENT_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function check<S extends z.ZodType>(
  context: Context,
  schema: S,
  value: unknown,
  what: string,
): Read<z.output<S>> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const issues = explainSchemaIssues(schema, value, parsed.error.issues).map(
    ({ path, message, hint }): Issue => ({ path, message, ...(hint === undefined ? {} : { hint }) }),
  );
  return refuse(context, what, issues);
}

function refuse(
  context: Context,
  what: string,
  issues: readonly Issue[],
): { readonly ok: false; readonly refusal: Response } {
  const detail = issues.map(({ path, message }) => `${path} ${message}`.trim()).join('; ');
  return { ok: false, refusal: problem(context, 'invalid_request', `${what}: ${detail}`, issues) };
}

import type { RouteConfig, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { PROBLEMS } from './problem.ts';
import type { ProblemCode } from './problem.ts';
import { ProblemSchema } from './wire/problem-schema.ts';

/** One endpoint: what the documents say about it, and what answers. */
export interface Endpoint {
  readonly method: 'get' | 'post' | 'delete';
  /** As OpenAPI writes it: `/v1/decisions/{id}`. */
  readonly path: string;
  /** One line for the index page and the reference. */
  readonly summary: string;
  /** More for the reference. */
  readonly description?: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly parameters?: z.ZodObject;
  /** Media type and shape of the answer. */
  readonly answer: { readonly mediaType: string; readonly schema: z.ZodType; readonly description: string };
  /** Problems it can answer with, besides those every endpoint has. */
  readonly problems?: readonly ProblemCode[];
  readonly handle: (context: Context) => Response | Promise<Response>;
}

/** Path for the router. An id takes the rest of the path: event ids contain slashes. */
export function routingPath({ path }: Pick<Endpoint, 'path'>): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1{.+}');
}

/** The endpoint as a route of the OpenAPI document. */
export function openApiRoute(endpoint: Endpoint): RouteConfig {
  const { method, path, summary, description, query, body, parameters, answer } = endpoint;
  return {
    method,
    path,
    summary,
    ...(description === undefined ? {} : { description }),
    request: {
      ...(query === undefined ? {} : { query }),
      ...(parameters === undefined ? {} : { params: parameters }),
      ...(body === undefined
        ? {}
        : { body: { required: true, content: { 'application/json': { schema: body } } } }),
    },
    responses: {
      200: { description: answer.description, content: { [answer.mediaType]: { schema: answer.schema } } },
      ...problemResponses(endpoint.problems ?? []),
    },
  };
}

function problemResponses(codes: readonly ProblemCode[]): RouteConfig['responses'] {
  return Object.fromEntries(
    codes.map((code) => [
      PROBLEMS[code].status,
      {
        description: `\`${code}\`: ${PROBLEMS[code].summary}`,
        content: { 'application/json': { schema: ProblemSchema } },
      },
    ]),
  );
}

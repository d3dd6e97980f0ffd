import type { OpenAPIHono } from '@hono/zod-openapi';
import type { z } from 'zod';
import type { ApiOptions } from './options.ts';

type Document = ReturnType<OpenAPIHono['getOpenAPI31Document']>;

/** The API as OpenAPI 3.1, generated from the endpoints that are really there. */
export function openApiDocument(
  app: OpenAPIHono,
  settings: Pick<z.output<typeof ApiOptions>, 'node' | 'auth'>,
): Document {
  const needsToken = settings.auth.tokens.length > 0;
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Lazarus node',
      version: settings.node.version,
      description:
        'Decisions, runs, pauses, plan, forensics, health, metrics and the live stream of one node.',
    },
    ...(needsToken ? { security: [{ token: [] }] } : {}),
  });
  if (!needsToken) return document;
  const securitySchemes = { token: { type: 'http' as const, scheme: 'bearer' } };
  return { ...document, components: { ...document.components, securitySchemes } };
}

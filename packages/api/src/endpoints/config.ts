import { z } from '@hono/zod-openapi';
import type { Snapshot } from '@lazarus/core';
import type { Endpoint } from '../endpoint.ts';

const ConfigSchema = z
  .object({
    /** SHA-256 of the whole configuration; null while there is no valid one and the node only observes. */
    digest: z.string().nullable(),
    rules: z.array(z.string()),
    services: z.array(z.string()),
    profiles: z.array(z.string()),
    workflows: z.array(z.string()),
    /** Code of others that takes part, with a hash of it: nodes whose code differs have different digests. */
    plugins: z.array(z.object({ name: z.string(), version: z.string() })).optional(),
  })
  .openapi('Config');

/** `GET /v1/config`: the configuration in force, by name and digest. Keeps S15: nodes can be compared. */
export function configEndpoint(controller: { readonly snapshot: Snapshot | undefined }): Endpoint {
  return {
    method: 'get',
    path: '/v1/config',
    summary: 'The configuration in force: digest, rules, services, profiles, workflows',
    answer: { mediaType: 'application/json', description: 'Names and digest', schema: ConfigSchema },
    handle: (context) => {
      const summary = controller.snapshot?.summary;
      return context.json(summary ?? { digest: null, rules: [], services: [], profiles: [], workflows: [] });
    },
  };
}

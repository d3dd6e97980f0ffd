import { PortError } from '@lazarus/core';
import { defineAction } from '@lazarus/dag';
import type { Action } from '@lazarus/dag';
import { z } from 'zod';

/** The part of a content network's client that the action needs. */
export interface Cdn {
  /** Purges a zone; the same key purges once. */
  purge(call: { readonly zone: string; readonly key: string; readonly signal: AbortSignal }): Promise<number>;
}

/** An action of one's own: it hands the idempotency key on, so that a repeated attempt purges nothing twice. */
export function definePurgeCache(cdn: Cdn): Action {
  return defineAction({
    name: 'cdn.purge',
    version: 1,
    summary: 'Empties the cache of a zone.',
    input: z.strictObject({ zone: z.string().min(1) }),
    output: z.strictObject({ purged: z.int().min(0) }),
    idempotent: true,
    run: async ({ zone }, { idempotencyKey, signal }) => {
      signal.throwIfAborted();
      return { purged: await cdn.purge({ zone, key: idempotencyKey, signal }) };
    },
  });
}

/** Where nobody has configured a network, every call is refused. */
export const noCdn: Cdn = {
  purge: async ({ zone }) => {
    throw new PortError({
      code: 'LZ_ACTUATOR_REFUSED',
      message: `zone ${zone} cannot be purged: no content network is configured`,
      retryable: false,
    });
  },
};

import { z } from '@hono/zod-openapi';
import type { Endpoint } from '../endpoint.ts';

const PeerSchema = z
  .object({
    id: z.string(),
    zone: z.string(),
    /** It answered the last greeting. */
    connected: z.boolean(),
    /** Of its last word; absent when it never said one. */
    last_seen_at: z.string().optional(),
    /** Why it is not connected. */
    detail: z.string().optional(),
  })
  .openapi('Peer');

/** One other node that votes, as this node sees it. */
export type PeerEntry = z.output<typeof PeerSchema>;

/** `GET /v1/peers`: the other nodes that vote, as this node sees them. */
export function peersEndpoint(peers: () => readonly PeerEntry[]): Endpoint {
  return {
    method: 'get',
    path: '/v1/peers',
    summary: 'The other nodes that vote: connected, last seen',
    description: 'As this node sees them; ask another node for its view.',
    answer: {
      mediaType: 'application/json',
      description: 'Every peer of the membership',
      schema: z.object({ peers: z.array(PeerSchema) }),
    },
    handle: (context) => context.json({ peers: peers() }),
  };
}

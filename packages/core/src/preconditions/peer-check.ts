import { z } from 'zod';
import { definePrecondition } from './define-precondition.ts';
import { peersOf, readInventory } from './inventory.ts';
import { lookAtPeers, namePeers } from './peer-health.ts';

/**
 * The other hosts of the service are healthy. When several fail at once, the cause is rarely the hosts: a shared
 * dependency, a partition, a bad release. Hosts being launched or removed count as unhealthy; hosts in forensics are
 * nobody's peer; a service without any peer gives no evidence, so it fails.
 *
 * @remarks Source: Lazarus post, PeerCheck (also called PeerHealth there).
 */
export const peerCheck = definePrecondition({
  name: 'PeerCheck',
  aliases: ['PeerHealth'],
  summary: 'The other hosts of the service are healthy.',
  params: z.strictObject({
    /** Most peers that may be unhealthy. */
    max_unhealthy_peers: z.int().min(0).max(100_000).default(0).describe('Most peers that may be unhealthy'),
  }),
  mainParam: 'max_unhealthy_peers',
  usesProbe: true,
  check: async (context) => {
    const read = await readInventory(context);
    if (!read.ok) return read.verdict;
    const peers = await lookAtPeers(peersOf(read.inventory), read.inventory, context);
    const unhealthy = peers.filter((peer) => !peer.isHealthy);
    const max = context.params.max_unhealthy_peers;
    const evidence = {
      peers: peers.length,
      unhealthy: unhealthy.length,
      max_unhealthy_peers: max,
      named: namePeers(unhealthy),
    };
    if (peers.length === 0)
      return {
        verdict: 'fail',
        reason: `${context.event.service} has no other host to compare with`,
        evidence,
      };
    if (unhealthy.length <= max) return { verdict: 'pass', evidence };
    const reason = `${unhealthy.length} of ${peers.length} peers are not healthy, ${max} may be: ${namePeers(unhealthy)}`;
    return { verdict: 'fail', reason, evidence };
  },
});

import type { FramedTransport } from '@lazarus/quorum';
import { createFramedTransport } from '@lazarus/quorum';
import { silentLogger } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import type { NodeId, ThreeNodes } from './three-nodes.ts';
import { aRule, aSnapshot, cast, createThreeNodes, NODES } from './three-nodes.ts';
import { createAddressBook, makeCertificates, systemClock } from './transport-kit.ts';

/** Three nodes with real sockets between them, on one machine. */
async function startCluster(): Promise<{
  readonly cluster: ThreeNodes;
  readonly transports: Readonly<Record<NodeId, FramedTransport>>;
}> {
  const certificates = makeCertificates(NODES);
  const book = createAddressBook();
  const start = async (self: NodeId): Promise<FramedTransport> => {
    const tls = { ...certificates.nodes[self]!, ca: certificates.ca.cert };
    const transport = await createFramedTransport(
      { self, members: NODES, tls },
      { clock: systemClock, log: silentLogger, addressOf: book.of },
    );
    book.set(self, transport.port);
    return transport;
  };
  const transports = { a: await start('a'), b: await start('b'), c: await start('c') };
  return { cluster: createThreeNodes({ transportOf: (id) => transports[id] }), transports };
}

describe('three nodes over mutual TLS', () => {
  it('vote 3 of 3, go on when one of them is gone, and stop when two are (L4)', async () => {
    const { cluster, transports } = await startCluster();
    expect(cast((await cluster.ballot('a')).votes)).toBe('a:yes b:yes c:yes');
    await transports.c.close();
    expect(await cluster.ballot('a')).toMatchObject({
      outcome: 'reached',
      yes: 2,
      voided: [{ voter: 'c', reason: 'transport_failed' }],
    });
    expect(await cluster.ballot('b')).toMatchObject({ outcome: 'reached', yes: 2 });
    await transports.b.close();
    expect(await cluster.ballot('a')).toMatchObject({ outcome: 'not_reached', yes: 1 });
    await cluster.close();
  });

  it('carry the reasons of a dissenting node and void the vote of one with another configuration (S15)', async () => {
    const { cluster } = await startCluster();
    cluster.nodes.b.probe.set('i-web3', 'unhealthy');
    cluster.nodes.c.use(aSnapshot(aRule(), 'digest-2'));
    const result = await cluster.ballot('a');
    expect(result).toMatchObject({
      outcome: 'not_reached',
      yes: 1,
      voided: [{ voter: 'c', reason: 'config_digest_differs' }],
    });
    const dissent = result.votes.find(({ voter }) => voter === 'b');
    expect(dissent?.checks.find(({ check }) => check === 'PeerCheck')?.reason).toContain('web3 (unhealthy)');
    await cluster.close();
  });
});

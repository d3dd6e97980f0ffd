/**
 * A member in a process of its own, which says yes to everything. Takes its id, the ids of all and its certificate as one
 * JSON line on standard input, and says on standard output where it listens.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createSystemClock } from '@lazarus/core';
import { createFramedTransport } from '@lazarus/quorum';
import type { NodeCertificate, Question } from '@lazarus/quorum';
import { silentLogger } from '@lazarus/testing';

const input = createInterface({ input: process.stdin });
const [line] = (await once(input, 'line')) as [string];
const { self, zone, members, tls } = JSON.parse(line) as {
  self: string;
  zone: string;
  members: string[];
  tls: NodeCertificate;
};
const transport = await createFramedTransport(
  { self, members, tls },
  { clock: createSystemClock(), log: silentLogger, addressOf: () => undefined },
);
transport.serve(async (received) => {
  const { version, decision_id, config_digest, membership_epoch, nonce, expires_at } = received as Question;
  const checks = [{ check: 'Always', verdict: 'pass', durationMs: 0 }];
  const binding = { version, decision_id, config_digest, membership_epoch, nonce, expires_at };
  return { ...binding, voter: self, zone, verdict: 'yes', checks };
});
process.stdout.write(`${transport.port}\n`);

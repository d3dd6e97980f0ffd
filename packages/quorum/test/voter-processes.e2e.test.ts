import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BallotResult } from '@lazarus/core/ports';
import type { Coordinator, LateVote, Question } from '@lazarus/quorum';
import { createCoordinator, createFramedTransport } from '@lazarus/quorum';
import { anEvent, createSequentialIds, silentLogger } from '@lazarus/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { cast, NODES, threeMembers, ZONES } from './three-nodes.ts';
import { createAddressBook, makeCertificates, systemClock } from './transport-kit.ts';

const COMPLETE_FOR_MS = 700;
const DEADLINE_MS = 1_200;
const certificates = makeCertificates(NODES);
const running: ChildProcess[] = [];
const coordinators: Coordinator[] = [];
let book = createAddressBook();

async function startVoter(self: 'b' | 'c'): Promise<ChildProcess> {
  const file = fileURLToPath(new URL('voter-process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@lazarus/source', file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  running.push(child);
  const tls = { ...certificates.nodes[self]!, ca: certificates.ca.cert };
  child.stdin.write(`${JSON.stringify({ self, zone: ZONES[NODES.indexOf(self)], members: NODES, tls })}\n`);
  const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  book.set(self, Number(port));
  return child;
}

async function startCluster() {
  const [b, c] = [await startVoter('b'), await startVoter('c')];
  const tls = { ...certificates.nodes['a']!, ca: certificates.ca.cert };
  const transport = await createFramedTransport(
    { self: 'a', members: NODES, tls },
    { clock: systemClock, log: silentLogger, addressOf: book.of },
  );
  const late: LateVote[] = [];
  const coordinator = createCoordinator(
    { self: 'a', membership: threeMembers, completeForMs: COMPLETE_FOR_MS, lateForMs: 300 },
    {
      clock: systemClock,
      ids: createSequentialIds(),
      log: silentLogger,
      transport,
      onLateVote: (vote) => late.push(vote),
      voter: {
        id: 'a',
        answer: async (received) => {
          const { version, decision_id, config_digest, membership_epoch, nonce, expires_at } =
            received as Question;
          const checks = [{ check: 'Always', verdict: 'pass' as const, durationMs: 0 }];
          const binding = { version, decision_id, config_digest, membership_epoch, nonce, expires_at };
          return { ...binding, voter: 'a', zone: ZONES[0], verdict: 'yes', checks };
        },
      },
    },
  );
  coordinators.push(coordinator);
  let count = 0;
  const ballot = (): Promise<BallotResult> =>
    coordinator.ballot(
      {
        decisionId: `d${(count += 1)}`,
        configDigest: 'digest-1',
        event: anEvent(),
        rule: 'host_down',
        deadlineAtMs: systemClock.monotonic() + DEADLINE_MS,
      },
      { signal: new AbortController().signal },
    );
  return { b, c, ballot, late };
}

describe('voters in processes of their own, over mutual TLS', () => {
  afterEach(async () => {
    for (const coordinator of coordinators.splice(0)) await coordinator.close();
    for (const child of running.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    book = createAddressBook();
  });

  it('go on with one that is stopped and keeps its sockets, stop with two, and are whole again when both go on (L4)', async () => {
    const { b, c, ballot, late } = await startCluster();
    expect(cast((await ballot()).votes)).toBe('a:yes b:yes c:yes');
    c.kill('SIGSTOP');
    const two = await ballot();
    expect(two).toMatchObject({ outcome: 'reached', yes: 2, silent: ['c'] });
    expect(two.durationMs).toBeLessThan(DEADLINE_MS);
    b.kill('SIGSTOP');
    const alone = await ballot();
    expect(alone).toMatchObject({ yes: 1, required: 2 });
    expect(alone.outcome).not.toBe('reached');
    b.kill('SIGCONT');
    c.kill('SIGCONT');
    await expect.poll(async () => (await ballot()).yes, { timeout: 20_000, interval: 10 }).toBe(3);
    // What lay in their sockets while they were stopped has counted for nothing.
    expect(late.filter(({ vote }) => vote !== undefined && vote.durationMs > DEADLINE_MS)).toEqual([]);
  }, 40_000);

  it('decide at once when one dies in the middle of the ballot, and ask the next that listens in its place', async () => {
    const { c, ballot } = await startCluster();
    await ballot();
    c.kill('SIGSTOP');
    const pending = ballot();
    c.kill('SIGKILL');
    const result = await pending;
    expect(result).toMatchObject({
      outcome: 'reached',
      yes: 2,
      voided: [{ voter: 'c', reason: 'transport_failed' }],
    });
    await startVoter('c');
    expect(await ballot()).toMatchObject({ outcome: 'reached', yes: 3 });
  }, 40_000);
});

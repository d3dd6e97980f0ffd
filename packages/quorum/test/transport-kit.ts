import { createSystemClock } from '@lazarus/core';
import type { DevCertificates, PeerAddress, Question, VoteTransport } from '@lazarus/quorum';
import { createDevCertificates } from '@lazarus/quorum';
import { anEvent } from '@lazarus/testing';

export const MEMBERS = ['a', 'b', 'c'] as const;
export const systemClock = createSystemClock();

/** One authority for all tests of a file. */
export function makeCertificates(
  members: readonly string[] = MEMBERS,
  nowMs: number = systemClock.now(),
): DevCertificates {
  return createDevCertificates({ members, nowMs });
}

/** Addresses that are known once the transports listen. */
export function createAddressBook(): {
  readonly of: (member: string) => PeerAddress | undefined;
  set(member: string, port: number): void;
} {
  const ports = new Map<string, number>();
  return {
    of: (member) => {
      const port = ports.get(member);
      return port === undefined ? undefined : { host: '127.0.0.1', port };
    },
    set: (member, port) => void ports.set(member, port),
  };
}

export function aQuestion(nonce = 'ballot-1'): Question {
  return {
    version: 1,
    decision_id: 'd1',
    config_digest: 'digest-1',
    membership_epoch: 4,
    nonce,
    expires_at: 1,
    expires_in_ms: 5_000,
    coordinator: 'a',
    event: anEvent(),
    rule: 'host_down',
  };
}

export const never = new AbortController().signal;

/** Echoes what it was asked, and by whom. */
export function serveEcho(transport: VoteTransport): void {
  transport.serve(async (question, { from }) => ({ question, from }));
}

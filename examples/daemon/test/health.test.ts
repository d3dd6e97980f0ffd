import { describe, expect, it } from 'vitest';
import type { Controller } from '@lazarus/core/controller';
import { configurationCheck, quorumCheck } from '../src/health.ts';
import type { Nodes } from '../src/nodes.ts';

describe('a node that waits for its configuration', () => {
  it('S15: is not ready to act, and says where its pages go', () => {
    const check = configurationCheck({ snapshot: undefined });
    expect(() => check.check(new AbortController().signal)).toThrow(
      'no configuration is in force yet; every page goes to people',
    );
  });

  it('is ready when one is in force', () => {
    const check = configurationCheck({ snapshot: {} as Controller['snapshot'] });
    expect(() => check.check(new AbortController().signal)).not.toThrow();
  });
});

describe('the nodes that can be asked', () => {
  const peer = (id: string, connected: boolean) => ({ id, zone: id, connected, lastSeenAtMs: 7_500 });
  const check = (b: boolean, c: boolean): unknown => {
    const nodes = {
      membership: { members: [{ id: 'a' }, { id: 'b' }, { id: 'c' }], required: 2 },
      own: [{ id: 'a' }],
      peers: () => [peer('b', b), peer('c', c)],
    } as unknown as Nodes;
    return quorumCheck(nodes, { now: () => 10_000 }).check(new AbortController().signal);
  };

  it('are enough while one is away, with nothing to spare', () => {
    expect(check(true, true)).toBe('3 of 3 nodes can be asked, 2 are needed');
    expect(check(true, false)).toEqual({
      degraded: '2 of 3 nodes can be asked, 2 are needed; c was last seen 2.5 s ago (away)',
    });
  });

  it('S7: are too few when two are away', () => {
    expect(() => check(false, false)).toThrow(
      /1 of 3 nodes .* nothing is done, pages escalate by themselves/,
    );
  });
});

import type { DecisionRecord } from '@lazarus/core';
import { aDecisionRecord } from '@lazarus/testing/contracts';
import { describe, expect, it } from 'vitest';
import { ORACLES } from './oracle/index.ts';
import type { AuditLine, ProviderCall, Recording } from './oracle/recording.ts';

const T0_MS = Date.parse('2026-01-01T00:00:00.000Z');
const at = (second: number): string => new Date(T0_MS + second * 1_000).toISOString();
const vote = (voter: string, verdict: 'yes' | 'no' = 'yes') => ({
  voter,
  zone: `us-east-1${voter}`,
  verdict,
  durationMs: 10,
  checks: [],
});

/** A decision to act on i-1 at second 2, after a ballot at second 1. */
function aRemediation(overrides: Partial<DecisionRecord> = {}): DecisionRecord {
  return aDecisionRecord({
    event_id: 'test/1',
    decision_id: 'D1',
    incarnation: {
      account: '1',
      region: 'us-east-1',
      instanceId: 'i-1',
      launchedAtMs: T0_MS - 86_400_000,
    },
    config_digest: 'digest-1',
    received_at: at(0),
    decided_at: at(2),
    decision: { kind: 'remediate', workflow: 'default.replace_host', run_id: 'D1', votes: '2/3' },
    gates: [
      { gate: 'ballot', number: 12, verdict: 'pass', reason: '', evidence: {}, at: at(1), duration_ms: 100 },
    ],
    votes: {
      yes: 2,
      required: 2,
      members: 3,
      cast: [vote('a'), vote('b')],
      voided: [],
    } as unknown as NonNullable<DecisionRecord['votes']>,
    ...overrides,
  });
}

const terminal = (record: DecisionRecord): AuditLine => ({
  kind: 'terminal',
  key: record.event_id,
  atMs: Date.parse(record.decided_at),
  body: record,
});
const launch = (decisionId: string, replaces: string, second: number): ProviderCall => ({
  action: 'RunInstances',
  atMs: T0_MS + second * 1_000,
  status: 200,
  parameters: {
    'TagSpecification.1.Tag.1.Key': 'lazarus:decision',
    'TagSpecification.1.Tag.1.Value': decisionId,
    'TagSpecification.1.Tag.2.Key': 'lazarus:replaces',
    'TagSpecification.1.Tag.2.Value': replaces,
  },
});
const call = (action: string, hostId: string, second: number): ProviderCall => ({
  action,
  atMs: T0_MS + second * 1_000,
  status: 200,
  parameters: { 'Targets.member.1.Id': hostId },
});
const clone = (id: string, decisionId: string, replaces: string) => ({
  id,
  tags: { 'lazarus:launched-by': decisionId, 'lazarus:replaces': replaces },
});

/** One host failed, two of three nodes agreed, and it was replaced. */
function aRecording(overrides: Partial<Recording> = {}): Recording {
  return {
    members: ['a', 'b', 'c'],
    required: 2,
    audit: [terminal(aRemediation())],
    calls: [
      call('DescribeTargetHealth', 'i-1', 1),
      call('DeregisterTargets', 'i-1', 3),
      launch('D1', 'i-1', 3),
      call('RegisterTargets', 'i-2', 6),
      call('CreateTags', 'i-1', 7),
    ],
    hosts: [{ id: 'i-1', tags: {} }, clone('i-2', 'D1', 'i-1')],
    pages: [
      {
        incidentKey: 'k1',
        log: [{ type: 'trigger', atMs: T0_MS, channel: 'events', by: 'sensor' }],
      },
    ],
    ballots: [{ decisionId: 'D1', outcome: 'reached', yes: 2, startedAtMs: T0_MS + 1_000 }],
    accepted: ['test/1'],
    suspended: [],
    paused: [],
    configurations: ['a', 'b', 'c'].map((node) => ({ node, digest: 'digest-1', fromMs: T0_MS - 1_000 })),
    ...overrides,
  };
}

describe('the oracles', () => {
  it('find nothing in a recording where one host was replaced as it should be', () => {
    for (const [name, oracle] of Object.entries(ORACLES)) expect(oracle(aRecording()), name).toEqual([]);
  });
});

/** The replacement that D1 launched fails, and D2 replaces that one. */
function aSecondFailure({ firstEndedAt }: { readonly firstEndedAt: number }): Recording {
  const { calls, hosts } = aRecording();
  const second = aRemediation({
    event_id: 'test/2',
    decision_id: 'D2',
    incarnation: { account: '1', region: 'us-east-1', instanceId: 'i-2', launchedAtMs: T0_MS + 3_000 },
    decided_at: at(20),
    decision: { kind: 'remediate', workflow: 'default.replace_host', run_id: 'D2', votes: '2/3' },
  });
  const ended = { run_id: 'D1', status: 'succeeded', ended_at: at(firstEndedAt) };
  return aRecording({
    audit: [
      terminal(aRemediation()),
      terminal(second),
      { kind: 'run', key: 'D1', atMs: T0_MS + firstEndedAt * 1_000, body: ended },
    ],
    calls: [
      ...calls,
      call('DeregisterTargets', 'i-2', 21),
      launch('D2', 'i-2', 22),
      call('RegisterTargets', 'i-3', 24),
      call('CreateTags', 'i-2', 25),
    ],
    hosts: [...hosts, clone('i-3', 'D2', 'i-2')],
  });
}

describe('the failure of a replacement', () => {
  it('S1, S4: is no second run on one host when the run that launched it has ended', () => {
    const recording = aSecondFailure({ firstEndedAt: 8 });
    expect([...ORACLES.S1(recording), ...ORACLES.S4(recording)]).toEqual([]);
  });

  it('S4: is one while the run that launched it has not', () => {
    expect(ORACLES.S4(aSecondFailure({ firstEndedAt: 23 }))).toEqual([
      expect.stringMatching(
        /D1 and D2 worked on one host .*DeregisterTargets i-2.*; D2 did .*RunInstances i-2/,
      ),
    ]);
  });
});

/** What is planted, and what the oracle of that invariant says about it. */
const PLANTED: readonly (readonly [keyof typeof ORACLES, string, Partial<Recording>, RegExp])[] = [
  [
    'S1',
    'a second replacement of one host',
    { hosts: [clone('i-2', 'D1', 'i-1'), clone('i-3', 'D1', 'i-1')] },
    /decision D1 has 2 replacements/,
  ],
  [
    'S1',
    'a second decision that acted on the same host',
    {
      audit: [
        terminal(aRemediation()),
        terminal(
          aRemediation({
            event_id: 'test/2',
            decision: { kind: 'remediate', workflow: 'w', run_id: 'D2', votes: '2/3' },
          }),
        ),
      ],
      calls: [launch('D1', 'i-1', 3), launch('D2', 'i-1', 9)],
    },
    /2 decisions acted on i-1/,
  ],
  [
    'S1',
    'an effect without any decision',
    { calls: [call('TerminateInstances', 'i-9', 3)] },
    /belongs to no decision/,
  ],
  [
    'S2',
    'one yes vote',
    {
      audit: [
        terminal(
          aRemediation({
            votes: {
              yes: 1,
              required: 2,
              members: 3,
              cast: [vote('a'), vote('b', 'no')],
              voided: [],
            },
          }),
        ),
      ],
    },
    /with 1 yes votes of members, 2 are needed/,
  ],
  [
    'S2',
    'a vote of a stranger, and one that counts twice',
    {
      audit: [
        terminal(
          aRemediation({
            votes: {
              yes: 3,
              required: 2,
              members: 3,
              cast: [vote('a'), vote('a'), vote('x')],
              voided: [],
            },
          }),
        ),
      ],
    },
    /with 1 yes votes of members/,
  ],
  [
    'S2',
    'an effect before the ballot ended',
    { calls: [launch('D1', 'i-1', 0.5)] },
    /before its ballot had ended/,
  ],
  ['S3', 'an effect 20 s after the only ballot', { calls: [launch('D1', 'i-1', 21)] }, /20\.0 s before/],
  [
    'S3',
    'an effect after a ballot that was not reached',
    { ballots: [{ decisionId: 'D1', outcome: 'not_reached', yes: 1, startedAtMs: T0_MS }] },
    /never/,
  ],
  [
    'S4',
    'two runs on one host at the same time',
    { calls: [launch('D1', 'i-1', 3), launch('D2', 'i-1', 4), { ...launch('D1', 'i-1', 5) }] },
    /D1 and D2 worked on one host at the same time/,
  ],
  [
    'S4',
    'a run with two ends',
    {
      audit: ['succeeded', 'failed'].map((status) => ({
        kind: 'run',
        key: 'D1',
        atMs: T0_MS,
        body: { run_id: 'D1', status },
      })),
    },
    /run D1 has two different ends/,
  ],
  [
    'S7',
    'an effect while suspended',
    { suspended: [{ fromMs: T0_MS + 2_500, untilMs: T0_MS + 5_000 }] },
    /while suspended/,
  ],
  [
    'S7',
    'a decision to act while suspended',
    { calls: [], suspended: [{ fromMs: T0_MS - 1_000, untilMs: T0_MS + 5_000 }] },
    /D1 was decided while suspended/,
  ],
  [
    'S11',
    'an accepted event without an end',
    { accepted: ['test/1', 'test/2'] },
    /test\/2 was accepted and has no end/,
  ],
  [
    'S11',
    'an event with two ends in the logs of two nodes',
    { audit: [terminal(aRemediation()), terminal(aRemediation())] },
    /test\/1 has 2 ends/,
  ],
  [
    'S13',
    'a call about a host that was only noted',
    {
      audit: [
        terminal(aRemediation()),
        terminal(
          aRemediation({
            event_id: 'test/2',
            decision: { kind: 'notify_only', reason: 'mode', detail: '', would: 'remediate' },
          }),
        ),
      ],
    },
    /test\/2 only notes, and there was DeregisterTargets of i-1/,
  ],
  [
    'S13',
    'a page that was touched by what only notes',
    {
      calls: [],
      audit: [
        terminal(
          aRemediation({
            decision: { kind: 'notify_only', reason: 'mode', detail: '', would: 'remediate' },
            page: { incident_key: 'k1', action: 'left_alone', detail: '' },
          }),
        ),
      ],
      pages: [
        { incidentKey: 'k1', log: [{ type: 'acknowledge', atMs: T0_MS, channel: 'api', by: 'lazarus' }] },
      ],
    },
    /lazarus made acknowledge on its page/,
  ],
  [
    'S14',
    'an effect 3 s into a pause',
    { paused: [{ fromMs: T0_MS, untilMs: T0_MS + 60_000 }] },
    /while paused/,
  ],
  [
    'S15',
    'a yes of a node with another configuration',
    {
      configurations: [
        { node: 'a', digest: 'digest-1', fromMs: T0_MS - 1_000 },
        { node: 'b', digest: 'digest-2', fromMs: T0_MS - 1_000 },
      ],
    },
    /b voted yes on D1 without having its configuration/,
  ],
  [
    'S15',
    'a yes with a configuration that was replaced two minutes ago',
    {
      configurations: [
        { node: 'a', digest: 'digest-1', fromMs: T0_MS - 1_000 },
        { node: 'b', digest: 'digest-1', fromMs: T0_MS - 300_000 },
        { node: 'b', digest: 'digest-2', fromMs: T0_MS - 120_000 },
      ],
    },
    /b voted yes on D1/,
  ],
];

describe('a planted violation', () => {
  it.each(PLANTED)('of %s is found: %s', (name, _what, planted, expected) => {
    expect(ORACLES[name](aRecording(planted)).join('\n')).toMatch(expected);
  });

  it('is planted for every oracle', () => {
    expect(new Set(PLANTED.map(([name]) => name))).toEqual(new Set(Object.keys(ORACLES)));
  });

  it('of S14 is none within the 2 s that a pause may take to reach every node', () => {
    expect(ORACLES.S14(aRecording({ paused: [{ fromMs: T0_MS + 2_500, untilMs: T0_MS + 60_000 }] }))).toEqual(
      [],
    );
  });
});

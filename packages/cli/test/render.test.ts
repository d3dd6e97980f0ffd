import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  oneLine,
  renderDecision,
  renderGateLine,
  renderLadder,
  renderRun,
  renderTable,
  wantsColor,
} from '../src/index.ts';
import { renderDryRun } from '../src/render/dry-run.ts';
import { renderLateVotes } from '../src/render/gate.ts';
import { aGate, aRecord, aRun, allGates, DRY_RUN } from './fixture.ts';

const plain = { color: false };

describe('renderGateLine', () => {
  it('says number, name, verdict, reason and time of a gate that passed', () => {
    const line = renderGateLine(aGate({ gate: 'fresh', reason: '0.4 s old', duration_ms: 1.6 }), plain);
    expect(line).toBe('   2  fresh           pass  0.4 s old  2 ms');
  });

  it('names the exit of a gate that failed, and says FAIL in words', () => {
    const gate = aGate({
      gate: 'lock',
      verdict: 'fail',
      exit: 'lock_held',
      reason: 'held by d99',
      duration_ms: 1200,
    });
    expect(renderGateLine(gate, plain)).toBe('  11  lock            FAIL  lock_held: held by d99  1.2 s');
  });

  it('adds the evidence on a line of its own when asked', () => {
    const gate = aGate({ gate: 'budget', evidence: { in_flight: 1 } });
    expect(renderGateLine(gate, plain).split('\n')).toHaveLength(1);
    expect(renderGateLine(gate, { color: false, evidence: true }).split('\n')[1]?.trim()).toBe(
      '{"in_flight":1}',
    );
  });

  it('colors change nothing but the color', () => {
    const gate = aGate({ gate: 'lock', verdict: 'fail', exit: 'lock_held' });
    const colored = renderGateLine(gate, { color: true });
    expect(colored).toContain('\u001B[31mFAIL');
    expect(stripVTControlCharacters(colored)).toBe(renderGateLine(gate, plain));
  });
});

describe('renderDecision', () => {
  it('is one line with time, subject, decision and reason', () => {
    expect(renderDecision(aRecord(), plain)).toBe(
      '00:00:12  web web-1  remediate with default.replace_host (votes 3/3, run d1234567890a)',
    );
  });

  it('names the event when it could not be read', () => {
    const record = aRecord({
      event_id: 'undecoded/shard-0/7',
      service: '',
      decision: { kind: 'escalate', reason: 'invalid', detail: 'not a valid event' },
    });
    expect(renderDecision(record, plain)).toContain('undecoded/shard-0/7  escalate: invalid');
  });

  it('shows what a sensor wrote as one harmless line', () => {
    const record = aRecord({ host: 'web-1\n\u001B[2Jforged' });
    expect(renderDecision(record, plain)).toContain('web web-1 \\u{1b}[2Jforged');
    expect(oneLine('a\u202Eb')).toBe('a\\u{202e}b');
  });
});

describe('renderLadder', () => {
  it('tells the whole life of an event that was remediated', () => {
    expect(renderLadder(aRecord(), aRun(), plain)).toMatchInlineSnapshot(`
      "nagios/web-1/17  NagiosHostAlarm about web web-1 (us-east-1, prod)
      remediate with default.replace_host (votes 3/3, run d1234567890a)
      received 2026-01-01T00:00:00.000Z, decided by a in 12 s, rule host_down (act), config c0ffeec0ffee

         1  decode          pass  fine  3 ms
         2  fresh           pass  fine  3 ms
         3  first seen      pass  fine  3 ms
         4  observe         pass  fine  3 ms
         5  coalesce        pass  fine  3 ms
         6  match rule      pass  fine  3 ms
         7  paused          pass  fine  3 ms
         8  hold down       pass  fine  3 ms
         9  region breaker  pass  fine  3 ms
        10  service limit   pass  fine  3 ms
        11  lock            pass  fine  3 ms
        12  ballot          pass  fine  3 ms
                                  a (us-east-1a)  yes  MinActiveHosts ok, HealthCheckDown ok  12 ms
                                  b (us-east-1b)  NO   HealthCheckDown FAIL: healthy from here  14 ms
                                  c  void  late, 40 ms after the end
        13  budget          pass  fine  3 ms
        14  acknowledge     pass  fine  3 ms
        15  run             pass  fine  3 ms

      page web/web-1: acknowledged, taken by Lazarus
      would have been stopped with 1 yes vote fewer
      run d1234567890a of default.replace_host: succeeded in 9.0 s, page resolved
        clone    succeeded    2 attempts, 1.3 s
        resolve  succeeded"
    `);
  });

  it('names the gates that were not reached and what would have flipped the outcome', () => {
    const gates = [
      ...allGates().slice(0, 8),
      aGate({
        gate: 'region_breaker',
        verdict: 'fail',
        exit: 'region_circuit_open',
        reason: 'open',
        would_flip: 'at most 5 failing services',
      }),
    ];
    const { votes: _votes, ...rest } = aRecord({
      gates,
      decision: { kind: 'escalate', reason: 'region_circuit_open', detail: 'open' },
      page: { action: 'none', detail: 'the event names no page' },
    });
    const lines = renderLadder(rest, undefined, plain).split('\n');
    expect(lines.filter((line) => line.includes('not reached'))).toHaveLength(6);
    expect(lines).toContain('  15  run             -     not reached');
    expect(lines).toContain('would have gone on with: at most 5 failing services');
    expect(lines.at(-1)).not.toContain('run d');
  });

  it('prints the same text with and without colors', () => {
    const colored = renderLadder(aRecord(), aRun(), { color: true });
    expect(stripVTControlCharacters(colored)).toBe(renderLadder(aRecord(), aRun(), plain));
  });
});

describe('renderLateVotes', () => {
  const late = { decision_id: 'd1', voter: 'c', received_at: '2026-01-01T00:00:15.200Z' };

  it('says what a vote would have been, how late it came, and that it counted for nothing', () => {
    const vote = { voter: 'c', zone: 'us-east-1c', verdict: 'no' as const, checks: [], durationMs: 9_000 };
    const [line] = renderLateVotes([{ ...late, vote }], '2026-01-01T00:00:12.000Z', plain);
    expect(line?.trim()).toBe(
      'c (us-east-1c)  NO   no checks  9.0 s  came 3.2 s after the decision and counted for nothing',
    );
  });

  it('says why there is no vote to show, and when it came before the decision was written down', () => {
    const voided = { voter: 'c', reason: 'config_digest_differs' as const };
    const [line] = renderLateVotes([{ ...late, voided }], '2026-01-01T00:00:20.000Z', plain);
    expect(line?.trim()).toBe(
      'c  late  came after the ballot and counted for nothing, config digest differs',
    );
  });
});

describe('renderDryRun', () => {
  it('tells every step in one harmless line, its conditions, and what is wrong with one', () => {
    expect(renderDryRun(DRY_RUN, aRecord(), plain).split('\n')).toEqual([
      'it would run default.replace_host:',
      '        1  acknowledge  pager.acknowledge@1  acknowledges page web/web-1',
      '        2  clone        host.clone@1         launches a host like i-1 (destructive, only if ${{ inputs.clone }})',
      '  finally  notify       acme.tell@1          Tells\\u{1b}[2K somebody.; its dry run threw TypeError',
    ]);
  });

  it('says that nobody acted, and when it is told with another configuration than it was decided with', () => {
    const decision = {
      kind: 'notify_only',
      reason: 'mode',
      detail: 'in mode notify',
      would: 'remediate',
    } as const;
    const view = { ...DRY_RUN, steps: [], problem: 'no workflow is called "x"' };
    expect(renderDryRun(view, { decision, config_digest: 'other' }, plain).split('\n')).toEqual([
      'if it acted, it would run default.replace_host, as configuration c0ffeec0ffee has it now:',
      '  no workflow is called "x"',
    ]);
  });
});

describe('renderRun', () => {
  it('shows the step that failed and why', () => {
    const error = { code: 'LZ_ACTUATOR_REFUSED', message: 'no capacity', retryable: false };
    const [step] = aRun().steps;
    const text = renderRun(
      aRun({
        status: 'failed',
        page: 'escalated',
        steps: [{ ...step!, status: 'failed', error }],
        error: { step: 'clone', ...error },
      }),
      plain,
    );
    expect(text.split('\n')).toEqual([
      'run d1234567890a of default.replace_host: failed in 9.0 s, page escalated',
      '  clone  failed       2 attempts, 1.3 s, LZ_ACTUATOR_REFUSED: no capacity',
      '  step clone: LZ_ACTUATOR_REFUSED: no capacity',
    ]);
  });
});

describe('renderTable', () => {
  it('aligns columns by what is seen, not by color codes', () => {
    expect(
      renderTable(
        ['A', 'B'],
        [
          ['\u001B[31mlong\u001B[0m', 'x'],
          ['s', 'y'],
        ],
      )
        .split('\n')
        .map(stripVTControlCharacters),
    ).toEqual(['A     B', 'long  x', 's     y']);
  });
});

describe('wantsColor', () => {
  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, false, false],
    [{ TERM: 'dumb' }, true, false],
  ])('with %o on a terminal: %s is %s', (env, isTty, expected) => {
    expect(wantsColor(env, isTty)).toBe(expected);
  });
});

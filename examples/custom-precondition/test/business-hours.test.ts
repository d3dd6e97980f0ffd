import { readFileSync } from 'node:fs';
import { BUILT_IN_PRECONDITIONS, createLazarus, evaluatePrechecks } from '@lazarus/core';
import { compileConfig } from '@lazarus/core/config';
import type { LazarusOptions } from '@lazarus/core';
import type { CompiledSnapshot } from '@lazarus/core/config';
import type { CheckResult } from '@lazarus/core/ports';
import {
  aHost,
  anEvent,
  createFakeFleet,
  createFakeHealthProbe,
  createFakePager,
  createManualClock,
  silentLogger,
} from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { businessHours } from '../src/business-hours.ts';
import { preconditions } from '../src/lazarus.plugins.ts';

const RULE = readFileSync(new URL('../config/rules/reports.yaml', import.meta.url), 'utf8');
const event = anEvent({ service: 'reports', host: 'reports-1' });

function compile(text: string): CompiledSnapshot {
  return compileConfig([{ kind: 'rule', path: 'rules/reports.yaml', text }], {
    preconditions: [...BUILT_IN_PRECONDITIONS, ...preconditions],
    workflows: [{ name: 'default.replace_host', digest: 'd1' }],
  });
}

/** What the check, as the rule binds it, says at an instant. */
async function verdictAt(iso: string): Promise<CheckResult | undefined> {
  const clock = createManualClock({ wallMs: Date.parse(iso) });
  const rule = compile(RULE).rule('report_host_down', event);
  const results = await evaluatePrechecks({
    prechecks: (rule?.prechecks ?? []).filter(({ definition }) => definition.name === 'BusinessHours'),
    event,
    target: undefined,
    fleet: createFakeFleet({ clock }),
    probe: createFakeHealthProbe({ clock, zone: 'us-east-1a' }),
    clock,
    log: silentLogger,
    signal: new AbortController().signal,
  });
  return results[0];
}

describe('the BusinessHours precondition', () => {
  it.each([
    ['2026-01-05T07:00:00Z', 'pass', 'Monday 08:00 in Berlin'],
    ['2026-01-05T06:59:59Z', 'fail', 'Monday 07:59 in Berlin'],
    ['2026-01-05T16:59:59Z', 'pass', 'Monday 17:59 in Berlin'],
    ['2026-01-05T17:00:00Z', 'fail', 'Monday 18:00 in Berlin'],
    ['2026-07-06T06:00:00Z', 'pass', 'Monday 08:00 in Berlin, in summer'],
    ['2026-01-04T11:00:00Z', 'fail', 'Sunday 12:00 in Berlin'],
  ] as const)('at %s says %s: %s', async (iso, verdict, _when) => {
    expect(await verdictAt(iso)).toMatchObject({ check: 'BusinessHours', verdict });
  });

  it('says why it fails', async () => {
    expect((await verdictAt('2026-01-05T20:00:00Z'))?.reason).toContain('Mon 21');
  });

  it('refuses a time zone that does not exist when the rule is loaded', () => {
    expect(() => compile(RULE.replace('Europe/Berlin', 'Europe/Atlantis'))).toThrow('time zone');
  });

  it('refuses a parameter that it does not have when the rule is loaded', () => {
    expect(() => compile(RULE.replace('from: 8', 'form: 8'))).toThrow('form');
  });

  it('keeps an embedded Lazarus from acting at night', async () => {
    const config: LazarusOptions['config'] = [
      { kind: 'rule', path: 'rules/reports.yaml', text: `${RULE}hold_down: 0s\n` },
    ];
    const clock = createManualClock({ wallMs: Date.parse('2026-01-05T23:00:00Z') });
    const hosts = [1, 2].map((n) => aHost({ hostId: `i-${n}`, name: `reports-${n}`, service: 'reports' }));
    const lazarus = createLazarus(
      { region: 'us-east-1', config, preconditions: [businessHours] },
      {
        clock,
        fleet: createFakeFleet({ clock, hosts }),
        pager: createFakePager({ clock }),
        handler: async () => {},
      },
    );
    const { decision } = await lazarus.handle({ ...event, time: new Date(clock.now()).toISOString() });
    expect(decision).toMatchObject({ kind: 'escalate', reason: 'precondition_failed' });
    await lazarus.close();
  });
});

import type { DecisionRecord } from '@lazarus/core';
import { LADDER } from '@lazarus/core';
import type { GateId } from '@lazarus/core';
import type { CompiledSnapshot } from '@lazarus/core/config';
import type { LazarusEvent } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';

/** How a precheck of a rule was seen. */
export interface PrecheckCoverage {
  readonly check: string;
  /** It passed, and the event was remediated. */
  readonly passed: boolean;
  /** It failed on a node, and the event was not remediated. */
  readonly blocked: boolean;
}

/** What the events of a lab went through. */
export interface LabCoverage {
  readonly rules: readonly {
    readonly rule: string;
    readonly matched: boolean;
    readonly prechecks: readonly PrecheckCoverage[];
  }[];
  readonly gates: readonly { readonly gate: GateId; readonly passed: boolean; readonly stopped: boolean }[];
  /** How the steps of each workflow ended. */
  readonly runs: readonly { readonly workflow: string; readonly steps: Readonly<Record<string, string>> }[];
}

/** Reads the coverage from what was recorded. Rules that no event matched have no prechecks here. */
export function coverageOf(
  snapshot: CompiledSnapshot,
  records: readonly DecisionRecord[],
  runs: readonly RunView[],
): LabCoverage {
  const names = [...new Set(snapshot.summary.rules)];
  return {
    rules: names.map((rule) => ruleCoverage(rule, snapshot, records)),
    gates: LADDER.map(({ id }) => ({
      gate: id,
      passed: sawGate(records, id, 'pass'),
      stopped: sawGate(records, id, 'fail'),
    })),
    runs: runs.map(({ workflow, steps }) => ({
      workflow,
      steps: Object.fromEntries(steps.map(({ step, status }) => [step, status])),
    })),
  };
}

function ruleCoverage(
  rule: string,
  snapshot: CompiledSnapshot,
  records: readonly DecisionRecord[],
): LabCoverage['rules'][number] {
  const own = records.filter((record) => record.rule === rule);
  const [first] = own;
  const effective = first === undefined ? undefined : snapshot.rule(rule, first.event as LazarusEvent);
  const prechecks = (effective?.prechecks ?? []).map(({ definition: { name } }) => ({
    check: name,
    passed: own.some((record) => record.decision.kind === 'remediate' && saw(record, name, 'pass')),
    blocked: own.some((record) => record.decision.kind !== 'remediate' && saw(record, name, 'fail')),
  }));
  return { rule, matched: own.length > 0, prechecks };
}

function saw({ votes }: DecisionRecord, check: string, verdict: 'pass' | 'fail'): boolean {
  return (votes?.cast ?? []).some(({ checks }) =>
    checks.some((result) => result.check === check && result.verdict === verdict),
  );
}

function sawGate(records: readonly DecisionRecord[], gate: GateId, verdict: 'pass' | 'fail'): boolean {
  return records.some(({ gates }) => gates.some((seen) => seen.gate === gate && seen.verdict === verdict));
}

/** What a run would have done, against what a test expects of it. */
import type { DryRunView } from '@lazarus/core/ports';
import type { LabOutcome } from './lab-outcome.ts';
import type { WouldExpectation } from './runbook-test-schema.ts';
import type { Difference } from './trace-diff.ts';

type DryStep = DryRunView['steps'][number];
type Written = WouldExpectation[number];
type Seen = Pick<LabOutcome, 'outcome' | 'would' | 'run' | 'blockedBy'>;

/**
 * Every expectation of a dry run that does not hold. The steps come in this order, others may come between them; none at
 * all means that nothing would be done.
 */
export function wouldDifferences(
  expected: WouldExpectation | undefined,
  outcome: Seen | undefined,
): readonly Difference[] {
  if (expected === undefined) return [];
  const { would } = outcome ?? {};
  if (would?.problem !== undefined) return [{ at: ['would'], expected: 'a dry run', actual: would.problem }];
  const steps = would?.steps ?? [];
  const actual = steps.length === 0 ? nothing(outcome) : steps.map(({ step }) => step).join(', ');
  if (expected.length === 0) {
    const isNothing = steps.length === 0 && outcome?.run === undefined;
    return isNothing ? [] : [{ at: ['would'], expected: 'nothing', actual }];
  }
  let from = 0;
  return expected.flatMap((written, index): readonly Difference[] => {
    const at = steps.findIndex((step, place) => place >= from && isCalled(step, nameOf(written)));
    const found = steps[at];
    if (found === undefined) return [{ at: ['would', index], expected: nameOf(written), actual }];
    from = at + 1;
    return typeof written === 'string' ? [] : partDifferences(written, found, index);
  });
}

function nothing(outcome: Seen | undefined): string {
  if (outcome === undefined) return 'nothing';
  if (outcome.run !== undefined) return `it was done: the event was ${outcome.outcome}`;
  const { blockedBy } = outcome;
  return blockedBy.length === 0
    ? `nothing: the event was ${outcome.outcome}`
    : `nothing: the event was stopped by ${blockedBy.join(', ')}`;
}

const nameOf = (written: Written): string => (typeof written === 'string' ? written : written.step);

/** By its id (`clone`), or by its action (`host.clone`, `host.clone@1`). */
function isCalled({ step, uses }: DryStep, name: string): boolean {
  return step === name || uses === name || uses.startsWith(`${name}@`);
}

function partDifferences(
  { summary, destructive, changes = {} }: Exclude<Written, string>,
  found: DryStep,
  index: number,
): readonly Difference[] {
  const at = ['would', index];
  const others = Object.entries(changes).flatMap(([name, value]): readonly Difference[] => {
    const actual = Object.hasOwn(found.changes, name)
      ? JSON.stringify(found.changes[name])
      : `none, only ${namesIn(found)}`;
    const expected = JSON.stringify(value);
    return expected === actual ? [] : [{ at: [...at, 'changes', name], expected, actual }];
  });
  return [
    ...(found.problem === undefined ? [] : [{ at, expected: 'a dry run', actual: found.problem }]),
    ...(summary === undefined || found.summary.includes(summary)
      ? []
      : [{ at: [...at, 'summary'], expected: summary, actual: found.summary }]),
    ...(destructive === undefined || destructive === found.destructive
      ? []
      : [{ at: [...at, 'destructive'], expected: String(destructive), actual: String(found.destructive) }]),
    ...others,
  ];
}

function namesIn({ changes }: DryStep): string {
  return Object.keys(changes).join(', ') || 'no changes';
}

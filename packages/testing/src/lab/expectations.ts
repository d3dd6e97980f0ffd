import type { RunView } from '@lazarus/core/ports';
import type { RunbookCall } from './mock-actions.ts';
import type { RunExpectation } from './runbook-test-schema.ts';
import type { Difference } from './trace-diff.ts';

/** What a test saw of a run; there may have been none. */
export interface SeenRun {
  readonly run: Pick<RunView, 'steps' | 'error' | 'outputs'> | undefined;
  readonly calls: readonly RunbookCall[];
  callsOf(actionOrStep: string): readonly RunbookCall[];
  readonly tookMs: number;
}

/** Every expectation of a run that does not hold. */
export function runDifferences(then: RunExpectation, seen: SeenRun): readonly Difference[] {
  const { run } = seen;
  return [
    ...callDifferences(then, seen),
    ...orderDifference(then.order ?? [], seen),
    ...recordDifferences('steps', then.steps ?? {}, stepsOf(run)),
    ...recordDifferences('error', then.error ?? {}, { ...run?.error }),
    ...recordDifferences('outputs', then.outputs ?? {}, run?.outputs ?? {}),
    ...(then.within === undefined || seen.tookMs <= then.within
      ? []
      : [{ at: ['within'], expected: `at most ${then.within} ms`, actual: `${seen.tookMs} ms` }]),
  ];
}

/** How each step ended. */
export function stepsOf(run: Pick<RunView, 'steps'> | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries((run?.steps ?? []).map(({ step, status }) => [step, status]));
}

/** A plain value that is not as expected. */
export function plainDifference(
  key: string,
  expected: string | undefined,
  actual: string | undefined,
): readonly Difference[] {
  return expected === undefined || expected === actual
    ? []
    : [{ at: [key], expected, actual: actual ?? 'none' }];
}

function callDifferences(then: RunExpectation, seen: SeenRun): readonly Difference[] {
  const counted = Object.entries(then.calls ?? {}).flatMap(([name, count]): readonly Difference[] => {
    const calls = seen.callsOf(name).length;
    if (calls === count) return [];
    const about = { kind: 'calls', name, allowed: count } as const;
    return [{ at: ['calls', name], expected: `${count} calls of ${name}`, actual: String(calls), about }];
  });
  const forbidden = (then.never ?? []).flatMap((name, index): readonly Difference[] => {
    const [call] = seen.callsOf(name);
    if (call === undefined) return [];
    const about = { kind: 'calls', name, allowed: 0 } as const;
    const actual = `step ${call.step} called it at ${call.atMs} ms`;
    return [{ at: ['never', index], expected: `no call of ${name}`, actual, about }];
  });
  return [...counted, ...forbidden, ...silenceDifference(then, seen)];
}

/** `calls: {}` means that nothing was called. */
function silenceDifference({ calls }: RunExpectation, seen: SeenRun): readonly Difference[] {
  if (calls === undefined || Object.keys(calls).length > 0 || seen.calls.length === 0) return [];
  const names = [...new Set(seen.calls.map(({ step }) => step))];
  return names.map((name) => ({
    at: ['calls'],
    expected: 'no calls',
    actual: `${seen.callsOf(name).length} of ${name}`,
    about: { kind: 'calls', name, allowed: 0 },
  }));
}

function recordDifferences(
  key: string,
  expected: Readonly<Record<string, unknown>>,
  actual: Readonly<Record<string, unknown>>,
): readonly Difference[] {
  const text = (value: unknown): string =>
    typeof value === 'string' ? value : value === undefined ? 'none' : JSON.stringify(value);
  return Object.entries(expected).flatMap(([name, value]) =>
    value === undefined || text(value) === text(actual[name])
      ? []
      : [
          {
            at: [key, name],
            expected: text(value),
            actual: text(actual[name]),
            ...(key === 'steps' ? { about: { kind: 'end' as const, step: name } } : {}),
          },
        ],
  );
}

function orderDifference(order: readonly string[], { calls }: SeenRun): readonly Difference[] {
  const actual = [...new Set(calls.map(({ step }) => step))].filter((step) => order.includes(step));
  return actual.join() === order.join()
    ? []
    : [{ at: ['order'], expected: order.join(', '), actual: actual.join(', ') }];
}

import type { RunView } from '@lazarus/core/ports';
import type { RunbookCall } from './mock-actions.ts';

/** Steps that run at once. */
export interface ParallelSteps {
  readonly parallel: readonly string[];
}

/** Steps in the order in which they run; see {@link parallel}. */
export type StepOrder = readonly (string | ParallelSteps)[];

/** Steps of which each begins before any of the others has ended. */
export function parallel(...steps: readonly [string, string, ...string[]]): ParallelSteps {
  return { parallel: steps };
}

/** The run and its calls. */
interface Ran {
  readonly run: RunView;
  readonly calls: readonly RunbookCall[];
}

/** When a step ran, all its attempts and polls together. */
interface Span {
  readonly step: string;
  readonly beganMs: number;
  readonly endedMs: number;
  /** Places among the calls; missing for a pause or a signal, which call nothing. */
  readonly calls?: { readonly began: number; readonly ended: number };
}

/**
 * What speaks against an order, one line each; nothing when the steps ran so. A step that failed has run, too; one that was
 * skipped has not. Other steps may run in between.
 */
export function orderProblems(order: StepOrder, ran: Ran): readonly string[] {
  const spans = new Map(spansOf(ran).map((span) => [span.step, span]));
  const groups = order.map((item) => (typeof item === 'string' ? [item] : item.parallel));
  const absent = groups.flat().filter((step) => !spans.has(step));
  if (absent.length > 0) return absent.map((step) => `${step} did not run`);
  const found = groups.map((group) => group.flatMap((step) => spans.get(step) ?? []));
  return [
    ...found.flatMap(sequentialPairs),
    ...found.slice(1).flatMap((group, index) => earlyStarts(found[index] ?? [], group)),
  ];
}

/** Pairs of a group that did not run at once. */
function sequentialPairs(group: readonly Span[]): readonly string[] {
  return group.flatMap((left, index) =>
    group.slice(index + 1).flatMap((right) => {
      if (isBefore(left, right)) return [`${right.step} began only after ${left.step} had ended`];
      return isBefore(right, left) ? [`${left.step} began only after ${right.step} had ended`] : [];
    }),
  );
}

function earlyStarts(before: readonly Span[], after: readonly Span[]): readonly string[] {
  return before.flatMap((left) =>
    after.flatMap((right) =>
      isBefore(left, right) ? [] : [`${right.step} began before ${left.step} had ended`],
    ),
  );
}

function isBefore(left: Span, right: Span): boolean {
  if (left.calls !== undefined && right.calls !== undefined) return left.calls.ended < right.calls.began;
  return left.endedMs <= right.beganMs;
}

/** Every step that ran, in the order in which they began. */
export function spansOf({ run, calls }: Ran): readonly Span[] {
  const called = Map.groupBy(calls, ({ step }) => step);
  return run.steps
    .flatMap(({ step, status, started_at, ended_at }): readonly Span[] => {
      if (started_at === undefined || status === 'skipped' || status === 'waiting') return [];
      const own = called.get(step) ?? [];
      const began = own[0]?.began;
      return [
        {
          step,
          beganMs: Date.parse(started_at),
          endedMs: ended_at === undefined ? Number.POSITIVE_INFINITY : Date.parse(ended_at),
          ...(began === undefined
            ? {}
            : { calls: { began, ended: own.at(-1)?.ended ?? Number.POSITIVE_INFINITY } }),
        },
      ];
    })
    .sort(
      (left, right) =>
        left.beganMs - right.beganMs ||
        left.endedMs - right.endedMs ||
        (left.calls?.began ?? 0) - (right.calls?.began ?? 0),
    );
}

import { describeError } from '@lazarus/core';
import { withTimeout } from '@lazarus/core/time';
import type { Clock } from '@lazarus/core/ports';

/** One thing a node needs before it can do its work. */
export interface ReadinessCheck {
  /** `audit`, `stream`, `config`, `quorum` … */
  readonly name: string;
  /**
   * What is impossible without it: to take and record events, or to act on them. A node that cannot act still counts,
   * records and escalates what it is sent, so only the former keeps work away from it.
   *
   * @defaultValue `intake`
   */
  readonly neededFor?: 'intake' | 'acting';
  /** Resolves when it is there, with a line for people if there is something to say; throws when it is not. */
  readonly check: (signal: AbortSignal) => Promise<ReadinessAnswer> | ReadinessAnswer;
}

/** What a check that passes has to say; `degraded` when nothing more may fail. */
export type ReadinessAnswer = string | { readonly degraded: string } | undefined;

/** What one check said. */
export interface ReadinessResult {
  readonly name: string;
  readonly needed_for: 'intake' | 'acting';
  readonly ok: boolean;
  /** It works, with nothing to spare. */
  readonly degraded?: true;
  readonly detail: string;
  readonly duration_ms: number;
}

/** Runs all checks at once, each with its own deadline; one that hangs is a failed one. */
export async function runReadinessChecks(
  checks: readonly ReadinessCheck[],
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<readonly ReadinessResult[]> {
  return Promise.all(
    checks.map(async ({ name, neededFor = 'intake', check }) => {
      const what = { name, needed_for: neededFor };
      const startedMs = clock.monotonic();
      const durationMs = (): number => Math.round(clock.monotonic() - startedMs);
      try {
        const answer = (await withTimeout(clock, timeoutMs, undefined, check)) ?? 'ok';
        const said =
          typeof answer === 'string'
            ? { detail: answer }
            : { degraded: true as const, detail: answer.degraded };
        return { ...what, ok: true, ...said, duration_ms: durationMs() };
      } catch (error) {
        return { ...what, ok: false, detail: describeError(error), duration_ms: durationMs() };
      }
    }),
  );
}

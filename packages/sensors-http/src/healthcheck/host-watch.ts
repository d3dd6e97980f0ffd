import type { HealthReport } from '@lazarus/core/ports';

/** What is known about the health of one incarnation of a host. */
export type HostWatch =
  | { readonly phase: 'up'; readonly failures: number }
  | { readonly phase: 'down'; readonly recoveries: number };

/** When an incident begins and ends. */
export interface WatchBounds {
  /** Failures in a row that begin an incident. */
  readonly failures: number;
  /** Healthy answers in a row that end it: one good answer of a flapping host is no recovery. */
  readonly recoveries: number;
}

/** What one answer changed. */
export type WatchVerdict = 'nothing' | 'incident' | 'recovered';

/** A host that was never probed: healthy until it fails. */
export const NEW_WATCH: HostWatch = { phase: 'up', failures: 0 };

/** Takes one answer of a host into account. Pure; one `incident` at most between two `recovered`. */
export function stepWatch(
  watch: HostWatch,
  status: HealthReport['status'],
  bounds: WatchBounds,
): { readonly state: HostWatch; readonly verdict: WatchVerdict } {
  const isHealthy = status === 'healthy';
  if (watch.phase === 'up') {
    if (isHealthy) return { state: NEW_WATCH, verdict: 'nothing' };
    const failures = watch.failures + 1;
    if (failures < bounds.failures) return { state: { phase: 'up', failures }, verdict: 'nothing' };
    return { state: { phase: 'down', recoveries: 0 }, verdict: 'incident' };
  }
  const recoveries = isHealthy ? watch.recoveries + 1 : 0;
  if (recoveries < bounds.recoveries) return { state: { phase: 'down', recoveries }, verdict: 'nothing' };
  return { state: NEW_WATCH, verdict: 'recovered' };
}

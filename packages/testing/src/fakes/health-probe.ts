import type { Clock, HealthProbe, HealthReport, Host } from '@lazarus/core/ports';

/** A probe whose answers a test sets. */
export interface FakeHealthProbe extends HealthProbe {
  /** What this host answers from now on. */
  set(hostId: string, status: HealthReport['status'] | 'hangs'): void;
  /** What hosts answer that were not set. */
  setDefault(status: HealthReport['status']): void;
  /** While cut off, every host outside this probe's own zone is unreachable. */
  cutOff(isCutOff: boolean): void;
  /** Ids of the hosts that were probed, in order. */
  readonly probed: readonly string[];
}

/** Creates a {@link FakeHealthProbe} that looks from `zone`; hosts are healthy until told otherwise. */
export function createFakeHealthProbe(options: {
  readonly clock: Clock;
  readonly zone: string;
  /** Time that one probe takes, milliseconds. @defaultValue 0 */
  readonly latencyMs?: number;
}): FakeHealthProbe {
  const answers = new Map<string, HealthReport['status'] | 'hangs'>();
  const probed: string[] = [];
  const latencyMs = options.latencyMs ?? 0;
  let fallback: HealthReport['status'] = 'healthy';
  let isCutOff = false;

  const statusOf = (host: Host): HealthReport['status'] | 'hangs' =>
    isCutOff && host.zone !== options.zone ? 'unreachable' : (answers.get(host.hostId) ?? fallback);

  return {
    zone: options.zone,
    probed,
    set: (hostId, status) => void answers.set(hostId, status),
    setDefault: (status) => {
      fallback = status;
    },
    cutOff: (value) => {
      isCutOff = value;
    },
    probe: async (host, { timeoutMs, signal }) => {
      signal.throwIfAborted();
      probed.push(host.hostId);
      const status = statusOf(host);
      const tookMs = status === 'hangs' ? timeoutMs : Math.min(latencyMs, timeoutMs);
      if (tookMs > 0) await options.clock.sleep(tookMs, { signal });
      if (status === 'hangs' || latencyMs > timeoutMs) {
        return { status: 'unreachable', latencyMs: tookMs, detail: `no answer within ${timeoutMs} ms` };
      }
      return { status, latencyMs: tookMs, detail: `set to ${status} from ${options.zone}` };
    },
  };
}

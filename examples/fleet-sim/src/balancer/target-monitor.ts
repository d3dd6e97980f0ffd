import type { HealthCheckOptions } from '../options.ts';
import { afterCheck, NEW_TARGET } from './target-health.ts';
import type { CheckResult, TargetHealth } from './target-health.ts';

/** Where a target answers now; undefined while its host has no process. */
export type TargetAddress = () => { readonly host: string; readonly port: number } | undefined;

/** Probes one target again and again until stopped. */
export class TargetMonitor {
  readonly #address: TargetAddress;
  readonly #options: HealthCheckOptions;
  #health: TargetHealth = NEW_TARGET;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(address: TargetAddress, options: HealthCheckOptions) {
    this.#address = address;
    this.#options = options;
    void this.#round();
  }

  get health(): TargetHealth {
    return this.#health;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #round(): Promise<void> {
    const result = await probe(this.#address(), this.#options.timeoutMs);
    if (this.#isStopped) return;
    this.#health = afterCheck(this.#health, result, this.#options);
    this.#timer = setTimeout(() => void this.#round(), this.#options.intervalMs);
  }
}

async function probe(address: ReturnType<TargetAddress>, timeoutMs: number): Promise<CheckResult> {
  const failed = (
    reason: 'Target.FailedHealthChecks' | 'Target.Timeout' | 'Target.ResponseCodeMismatch',
    description: string,
  ) => ({ outcome: 'failed', reason, description }) as const;
  if (address === undefined) return failed('Target.FailedHealthChecks', 'Health checks failed');
  try {
    const reply = await fetch(`http://${address.host}:${address.port}/health`, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'manual',
      headers: { 'user-agent': 'ELB-HealthChecker/2.0', connection: 'close' },
    });
    await reply.arrayBuffer();
    if (reply.status === 200) return { outcome: 'passed' };
    return failed('Target.ResponseCodeMismatch', `Health checks failed with these codes: [${reply.status}]`);
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError')
      return failed('Target.Timeout', 'Request timed out');
    return failed('Target.FailedHealthChecks', 'Health checks failed');
  }
}

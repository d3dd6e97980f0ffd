import type { z } from 'zod';
import type { LazarusEvent } from '../events/event.ts';
import type { Clock } from '../ports/clock.ts';
import type { FleetSnapshot, Host } from '../ports/fleet.ts';
import type { HealthReport } from '../ports/health-probe.ts';
import type { Logger } from '../ports/logger.ts';

/** Verdict of a gate or check: a failure always says why. */
export type Verdict =
  | {
      readonly verdict: 'pass';
      readonly reason?: string;
      readonly evidence?: Readonly<Record<string, unknown>>;
    }
  | {
      readonly verdict: 'fail';
      readonly reason: string;
      readonly evidence?: Readonly<Record<string, unknown>>;
    };

/** What a check may look at. Everything is read-only; there is nothing in it that could change the world. */
export interface PreconditionContext<P = unknown> {
  readonly event: LazarusEvent;
  readonly params: P;
  /** The host in question, read from the provider; absent for events about a service. */
  readonly target: Host | undefined;
  /** The service's hosts, read once per vote. Rejects when the provider does not answer. */
  fleet(): Promise<FleetSnapshot>;
  /** Probes a host from this node's zone; results are shared within a vote. */
  probe(host: Host): Promise<HealthReport>;
  /** The zone of the node that evaluates. */
  readonly zone: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when the check's timeout passes or the ballot ends. */
  readonly signal: AbortSignal;
}

/** Result of {@link definePrecondition}: inert data that YAML, docs, tests and the evaluator read. */
export interface Precondition<N extends string = string, S extends z.ZodType = z.ZodType> {
  readonly kind: 'precondition';
  /** Name in YAML, for example `MinActiveHosts`. */
  readonly name: N;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly params: S;
  /** The parameter that a rule's `default` and a profile's value set; absent when the check takes none. */
  readonly mainParam?: string;
  readonly timeoutMs: number;
  /** It probes hosts: a program without a probe cannot use it. */
  readonly usesProbe?: boolean;
  check(context: PreconditionContext<z.output<S>>): Promise<Verdict> | Verdict;
}

/** A precondition with its effective parameters, as a compiled rule holds it. */
export interface BoundPrecondition {
  readonly definition: Precondition;
  /** Parsed by the definition's schema. */
  readonly params: unknown;
  readonly timeoutMs: number;
  /** Where each parameter's value came from, for `explain`. */
  readonly provenance: Readonly<Record<string, string>>;
}

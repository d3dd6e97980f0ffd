import type { Host } from './fleet.ts';

/** Context of one mutating call. */
export interface ActuatorCall {
  /** The decision on whose behalf it happens; its budget must be reserved. Keeps S6. */
  readonly decisionId: string;
  /** The same for all attempts of one step, over crashes and nodes; 1 to 64 ASCII characters. Keeps S1. */
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

/** Changes hosts. All calls are idempotent by `idempotencyKey`. */
export interface HostActuator {
  /** Launches a host like `from`: same service, size and network, and the same zone unless that one is full. */
  clone(
    call: ActuatorCall & { readonly from: string },
  ): Promise<{ readonly hostId: string; readonly zone: string }>;
  /** Finds what an earlier `clone` with this key launched, if it did. */
  findClone(call: {
    readonly idempotencyKey: string;
    readonly signal: AbortSignal;
  }): Promise<string | undefined>;
  /** Reads one host; `undefined` when the provider does not know it (yet). */
  describe(hostId: string, options: { readonly signal: AbortSignal }): Promise<Host | undefined>;
  /** Writes the lifecycle at the provider; `forensics` keeps the host, listed, until `expiresAt` (ISO time). */
  setLifecycle(
    call: ActuatorCall & {
      readonly hostId: string;
      readonly lifecycle: 'active' | 'launching' | 'removing' | 'forensics';
      readonly expiresAt?: string;
    },
  ): Promise<void>;
  /** Ends a host for good. Only hosts that this decision launched, unless a workflow says otherwise. */
  terminate(call: ActuatorCall & { readonly hostId: string }): Promise<void>;
  /** Restarts the operating system of a host. */
  reboot(call: ActuatorCall & { readonly hostId: string }): Promise<void>;
}

/** Changes load-balancer membership. Both calls are idempotent by nature. */
export interface LoadBalancer {
  /** Takes a host out of every target group it is in; returns the groups. */
  remove(call: ActuatorCall & { readonly hostId: string }): Promise<{ readonly groups: readonly string[] }>;
  /** Puts a host into the target groups of its service. */
  add(call: ActuatorCall & { readonly hostId: string }): Promise<{ readonly groups: readonly string[] }>;
  /** Whether traffic reaches the host now. */
  status(
    hostId: string,
    options: { readonly signal: AbortSignal },
  ): Promise<'healthy' | 'unhealthy' | 'initial' | 'draining' | 'unused'>;
}

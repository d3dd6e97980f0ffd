/** The eight faults of the chaos tool, by the words of the field. */
export type FaultKind =
  'shutdown' | 'blackhole' | 'latency' | 'dns' | 'packet_loss' | 'cpu' | 'memory' | 'io';

/** Starts and ends faults on purpose. */
export interface FaultInjector {
  /** @throws PortError `LZ_FAULT_REFUSED` when the target or kind is not allowed. */
  start(fault: {
    readonly kind: FaultKind;
    readonly hostId: string;
    readonly durationMs: number;
    readonly args?: Readonly<Record<string, string | number>>;
  }): Promise<{ readonly faultId: string }>;
  status(faultId: string): Promise<'running' | 'ended' | 'unknown'>;
  /** Ends one fault, or all of them. */
  halt(faultId?: string): Promise<void>;
}

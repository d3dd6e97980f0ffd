/** States of an EC2 instance with the codes that go with them on the wire. */
export const INSTANCE_STATE_CODES = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
} as const;

export type InstanceState = keyof typeof INSTANCE_STATE_CODES;

/**
 * What became of the process behind an instance, which the provider's state does not tell: a crashed or frozen
 * host is still `running` for EC2, just as a machine with a dead kernel is.
 */
export type ProcessState = 'off' | 'on' | 'frozen' | 'crashed';

/** A scheduled event of the provider, as DescribeInstanceStatus reports it. */
export interface ScheduledEvent {
  readonly id: string;
  readonly code: string;
  readonly description: string;
  readonly notBeforeMs: number;
}

/** One instance as the region keeps it on disk. Mutable: the region is its only writer. */
export interface InstanceRecord {
  readonly instanceId: string;
  readonly reservationId: string;
  readonly launchIndex: number;
  readonly clientToken: string | undefined;
  readonly imageId: string;
  readonly instanceType: string;
  readonly zone: string;
  readonly subnetId: string;
  readonly launchTimeMs: number;
  readonly keyName: string | undefined;
  readonly userData: string | undefined;
  readonly profileArn: string | undefined;
  readonly stuckPending: boolean;
  securityGroupIds: string[];
  tags: Record<string, string>;
  terminationProtected: boolean;
  process: ProcessState;
  port: number | undefined;
  /** Why the host answers unhealthy, when it was told to. */
  ailment: string | undefined;
  stateReason: { code: string; message: string } | undefined;
  history: { state: InstanceState; atMs: number }[];
  events: ScheduledEvent[];
}

/** State of the instance now. */
export function stateOf(instance: InstanceRecord): InstanceState {
  return instance.history.at(-1)?.state ?? 'pending';
}

/** State as it was at `atMs`; undefined when the instance was not there yet. */
export function stateAt(instance: InstanceRecord, atMs: number): InstanceState | undefined {
  return instance.history.findLast((change) => change.atMs <= atMs)?.state;
}

/** Notes a change of state; the same state twice is one change. */
export function moveTo(instance: InstanceRecord, state: InstanceState): void {
  if (stateOf(instance) !== state || instance.history.length === 0)
    instance.history.push({ state, atMs: Date.now() });
}

/** Name of the host for people: its Name tag, else its id. */
export function nameOf(instance: InstanceRecord): string {
  return instance.tags['Name'] ?? instance.instanceId;
}

/** Terminated instances stay visible for a while, then the region forgets them. */
export const TERMINATED_VISIBLE_MS = 3_600_000;

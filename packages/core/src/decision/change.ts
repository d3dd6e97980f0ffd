import type { Evidence } from './gate-outcome.ts';
import type { GateId } from './ladder.ts';
import type { DecisionRecord } from './record.ts';

/** One change that would have changed the outcome. */
export interface NearestChange {
  readonly gate: GateId;
  /** The exit that would not have been taken; absent when the event passed and the change would have stopped it. */
  readonly exit?: string;
  /** One line for people. */
  readonly text: string;
  /** Name of the number or the state that decided, for programs. */
  readonly what: string;
  /** What it was. */
  readonly is?: number | string;
  /** What it would have had to be. */
  readonly needed?: number | string;
  /** ISO time from which the gate lets such an event on if nothing else happens. */
  readonly at?: string;
}

/** A change, before it is known where. */
export type Change = Omit<NearestChange, 'gate' | 'exit'>;

/** A gate that stopped an event, and the votes that were cast. */
export interface StoppedGate {
  readonly gate: GateId;
  readonly exit?: string;
  readonly reason: string;
  readonly evidence: Evidence;
  readonly at: string;
  readonly duration_ms: number;
  readonly votes?: DecisionRecord['votes'];
}

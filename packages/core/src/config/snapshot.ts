import type { LazarusEvent } from '../events/event.ts';
import type { KnownPlugin } from './catalog.ts';
import type { BoundPrecondition } from '../preconditions/precondition.ts';

/** What Lazarus may do: nothing, record what it would have done, or act. The most cautious of all levels wins. */
export type Mode = 'off' | 'notify' | 'act';

/** One effective value and the document that gave it. */
export interface Provenance {
  readonly value: unknown;
  /** `services/web.yaml:4:3 (override)`, `profile stateless (default)`, `rule nagios_host_down (default)` … */
  readonly from: string;
}

/** A rule as the decision uses it: every default, profile and override already applied for one service. */
export interface EffectiveRule {
  readonly name: string;
  /** Hash of everything in it; part of the decision id. */
  readonly digest: string;
  readonly description: string;
  readonly mode: Mode;
  /** `notify_only`: alert without remediation. */
  readonly action: 'workflow' | 'notify_only';
  /** Present when `action` is `workflow`. */
  readonly workflow?: {
    readonly name: string;
    /** Hash of the definition that is decided about; the engine runs that one or none. Keeps S15. */
    readonly digest?: string;
    readonly timeoutMs: number;
    readonly inputs: Readonly<Record<string, string | number | boolean>>;
  };
  readonly prechecks: readonly BoundPrecondition[];
  readonly lock: { readonly type: 'host' | 'service'; readonly onBusy: 'attach' | 'escalate' };
  readonly quorum: { readonly required: number; readonly timeoutMs: number };
  readonly holdDownMs: number;
  /** Age at which an event no longer acts. */
  readonly staleAfterMs: number;
  /** Page to acknowledge-or-escalate budget, measured from the event's time. */
  readonly decideWithinMs: number;
  readonly limits: { readonly maxEntities: number; readonly maxEntitiesFraction?: number };
  readonly notificationGroup?: string;
  readonly provenance: Readonly<Record<string, Provenance>>;
}

/** Where a service is in the rollout of its profile. */
export interface RolloutPlace {
  readonly profile: string;
  /** Number of the wave in force, from 1. */
  readonly wave: number;
  readonly waves: number;
  readonly status: 'rolling' | 'stopped' | 'rolled_back';
  readonly hasEdit: boolean;
}

/** Answer of {@link Snapshot.match}. */
export type RuleMatch =
  | {
      readonly matched: true;
      readonly rule: EffectiveRule;
      /** Other rules that matched, in order, and why this one won. */
      readonly others: readonly string[];
      readonly why: string;
      /** The rollout that the service is part of, and whether it has the edit yet. */
      readonly rollout?: RolloutPlace;
    }
  | {
      readonly matched: false;
      /** Rules that came near, and what kept them from matching. */
      readonly nearest: readonly { readonly rule: string; readonly because: string }[];
    };

/** One document that took part in a snapshot. */
export interface SnapshotSummary {
  readonly digest: string;
  readonly rules: readonly string[];
  readonly services: readonly string[];
  readonly profiles: readonly string[];
  readonly workflows: readonly string[];
  /** Code of others that takes part, by name and version; absent in snapshots that were not compiled. */
  readonly plugins?: readonly KnownPlugin[];
}

/**
 * The whole configuration, parsed, validated and compiled: immutable, swapped by reference, named by its digest. An event
 * in flight keeps the snapshot it started with. Keeps S15.
 */
export interface Snapshot {
  /** SHA-256 over rules, profiles, services, workflows and the names and versions of plugins; hex. */
  readonly digest: string;
  readonly summary: SnapshotSummary;
  /** Finds the rule for an event and applies profile and overrides of its service. */
  match(event: LazarusEvent): RuleMatch;
  /** The rule as it is for this service; voters look it up by name. */
  rule(name: string, event: LazarusEvent): EffectiveRule | undefined;
  /** Age at which events of this type no longer act, milliseconds, before a rule is known. */
  staleAfterMs(eventType: string): number;
}

import { createEventTypes } from '../events/event-types.ts';
import type { EventTypes } from '../events/event-types.ts';
import type { EventType } from '../events/event-type.ts';
import type { Precondition } from '../preconditions/precondition.ts';

/** A workflow that rules can name. */
export interface KnownWorkflow {
  readonly name: string;
  /**
   * Hash of its definition; part of the digest of every rule that names it, and of what a run is asked to execute. Absent
   * when only the engine knows its definitions: then it runs the one it has.
   */
  readonly digest?: string;
  /** Names of its inputs, when they are to be checked. */
  readonly inputs?: readonly string[];
}

/** A plugin that took part, for the digest. */
export interface KnownPlugin {
  readonly name: string;
  readonly version: string;
}

/** What documents can refer to. */
export interface CatalogOptions {
  readonly preconditions: readonly Precondition[];
  readonly workflows: readonly KnownWorkflow[];
  /** Event types besides the built-in ones. */
  readonly eventTypes?: readonly EventType[];
  readonly plugins?: readonly KnownPlugin[];
}

/** Everything that documents can refer to, by name. */
export interface Catalog {
  readonly preconditions: ReadonlyMap<string, Precondition>;
  readonly workflows: ReadonlyMap<string, KnownWorkflow>;
  readonly eventTypes: EventTypes;
  /** Spelling in overrides (`MinActiveHosts`, an alias, `min_active_hosts`) to the check. */
  readonly checkSpellings: ReadonlyMap<string, Precondition>;
  readonly plugins: readonly KnownPlugin[];
}

/** Orders what documents can refer to. @throws ConfigurationError `LZ_DEFINITION_INVALID` when event types clash. */
export function createCatalog(options: CatalogOptions): Catalog {
  const preconditions = new Map<string, Precondition>();
  const checkSpellings = new Map<string, Precondition>();
  for (const definition of options.preconditions) {
    for (const name of [definition.name, ...definition.aliases]) {
      preconditions.set(name, definition);
      checkSpellings.set(name, definition);
      checkSpellings.set(snakeCase(name), definition);
    }
  }
  const workflows = new Map(options.workflows.map((workflow) => [workflow.name, workflow]));
  return {
    preconditions,
    workflows,
    eventTypes: createEventTypes(options.eventTypes),
    checkSpellings,
    plugins: options.plugins ?? [],
  };
}

/** `MinActiveHosts` as it is written in overrides: `min_active_hosts`. */
export function snakeCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}

import { ConfigurationError } from '../errors/lazarus-error.ts';
import { BUILT_IN_EVENT_TYPES } from './built-in-types.ts';
import type { EventType } from './event-type.ts';

/** The known event types, found by any of their spellings. */
export interface EventTypes {
  /** Canonical names, sorted. */
  readonly names: readonly string[];
  /** The type of this name or alias. */
  find(name: string): EventType | undefined;
}

/**
 * Makes a registry of the built-in event types and of those given.
 *
 * @throws ConfigurationError `LZ_DEFINITION_INVALID` when two types claim the same spelling.
 */
export function createEventTypes(additional: readonly EventType[] = []): EventTypes {
  const bySpelling = new Map<string, EventType>();
  const types = [...BUILT_IN_EVENT_TYPES, ...additional];
  for (const type of types) {
    for (const spelling of [type.name, ...type.aliases]) {
      const owner = bySpelling.get(spelling);
      if (owner !== undefined && owner !== type) {
        throw new ConfigurationError({
          code: 'LZ_DEFINITION_INVALID',
          summary: 'event types must have different names',
          issues: [
            { path: type.name, message: `claims the name ${spelling}, which belongs to ${owner.name}` },
          ],
        });
      }
      bySpelling.set(spelling, type);
    }
  }
  const names = Object.freeze([...new Set(types.map((type) => type.name))].sort());
  return Object.freeze({ names, find: (name: string) => bySpelling.get(name) });
}

/** The built-in event types alone. */
export const BUILT_IN_TYPES: EventTypes = createEventTypes();

import { ConfigurationError } from '../errors/lazarus-error.ts';
import { BUILT_IN_PRECONDITIONS } from './built-in-preconditions.ts';
import type { Precondition } from './precondition.ts';

/** Preconditions by the names that rules use. An argument, not a global: two programs in one process may differ. */
export interface PreconditionRegistry {
  /** Looks a name or an alias up. */
  find(name: string): Precondition | undefined;
  /** Every name and alias, for suggestions. */
  readonly names: readonly string[];
  readonly definitions: readonly Precondition[];
}

/**
 * Joins the built-in preconditions with those of plugins.
 *
 * @throws ConfigurationError `LZ_DEFINITION_INVALID` when two of them share a name or an alias.
 */
export function createPreconditionRegistry(additional: readonly Precondition[] = []): PreconditionRegistry {
  const definitions = [...BUILT_IN_PRECONDITIONS, ...additional];
  const byName = new Map<string, Precondition>();
  for (const definition of definitions) {
    for (const name of [definition.name, ...definition.aliases]) {
      if (byName.has(name)) {
        throw new ConfigurationError({
          code: 'LZ_DEFINITION_INVALID',
          summary: 'two preconditions cannot share a name:',
          issues: [{ path: name, message: 'is defined twice', hint: 'choose another name for yours' }],
        });
      }
      byName.set(name, definition);
    }
  }
  return { find: (name) => byName.get(name), names: [...byName.keys()], definitions };
}

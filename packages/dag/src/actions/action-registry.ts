import { ConfigurationError } from '@lazarus/core';
import { didYouMean } from '@lazarus/core/documents';
import type { Action } from './action.ts';
import { actionId } from './action.ts';

/** The actions that workflows may use, by `name@version`. */
export interface ActionRegistry {
  get(id: string): Action | undefined;
  /** What to write instead of an id that is not there: another version, a near name, or else the areas that exist. */
  hint(id: string): string;
  readonly ids: readonly string[];
  list(): readonly Action[];
}

/** @throws ConfigurationError `LZ_DEFINITION_INVALID` when two actions have the same name and version. */
export function createActionRegistry(actions: readonly Action[]): ActionRegistry {
  const byId = new Map<string, Action>();
  for (const action of actions) {
    const id = actionId(action);
    if (byId.has(id)) {
      throw new ConfigurationError({
        code: 'LZ_DEFINITION_INVALID',
        summary: `two actions are called ${id}`,
        issues: [],
      });
    }
    byId.set(id, action);
  }
  const ids = [...byId.keys()].sort();
  return { ids, get: (id) => byId.get(id), hint: (id) => hintFor(id, ids), list: () => [...byId.values()] };
}

function hintFor(id: string, ids: readonly string[]): string {
  const name = id.split('@')[0] ?? id;
  const versions = ids.filter((known) => known.startsWith(`${name}@`));
  if (versions.length > 0) return `known: ${versions.join(', ')}`;
  const areas = [...new Set(ids.map((known) => known.split('.')[0] ?? known))];
  return didYouMean(id, ids) ?? didYouMean(`${name}@1`, ids) ?? `known areas: ${areas.join(', ')}`;
}

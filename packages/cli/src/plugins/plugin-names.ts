import { BUILT_IN_PRECONDITIONS } from '@lazarus/core';
import { createEventTypes } from '@lazarus/core/config';
import type { Issue } from '@lazarus/core';
import { actionId, builtinActions } from '@lazarus/dag';
import { ADAPTER_EVENT_TYPES } from '@lazarus/sensors-http';
import type { Definitions } from './plugin-definitions.ts';

/** Names that are taken, without regard to case, and by whom. */
type Taken = Map<string, string>;

/**
 * Refuses names that are taken: a rule that means the built-in check must never get another one, and of two plugins nobody
 * could say which counts. A name of a built-in action is taken in all its versions.
 *
 * @param loaded - What each module defines, in the order in which they were named.
 */
export function refuseTakenNames(
  loaded: readonly { readonly file: string; readonly definitions: Definitions }[],
  issues: Issue[],
): void {
  const taken = namesOfLazarus();
  for (const { file, definitions } of loaded) {
    for (const [name, what] of wantedBy(definitions)) {
      const by = taken.get(name) ?? taken.get(name.replace(/@\d+$/, ''));
      if (by === undefined) taken.set(name, file);
      else
        issues.push({
          file,
          path: what,
          message: `has a name that ${by} has already`,
          hint: 'choose another one, for example with the name of your team in it',
        });
    }
  }
}

function namesOfLazarus(): Taken {
  const types = createEventTypes(ADAPTER_EVENT_TYPES);
  const names = [
    ...namesOf('precondition', BUILT_IN_PRECONDITIONS),
    ...namesOf(
      'event type',
      types.names.flatMap((name) => types.find(name) ?? []),
    ),
    ...builtinActions.map(({ name }) => [key('action', name)] as const),
  ];
  return new Map(names.map(([name]) => [name, 'Lazarus itself']));
}

function wantedBy({
  actions,
  preconditions,
  eventTypes,
}: Definitions): readonly (readonly [string, string])[] {
  return [
    ...actions.map((action): [string, string] => [
      key('action', actionId(action)),
      `action ${actionId(action)}`,
    ]),
    ...namesOf('precondition', preconditions),
    ...namesOf('event type', eventTypes),
  ];
}

function namesOf(
  kind: string,
  definitions: readonly { readonly name: string; readonly aliases: readonly string[] }[],
): readonly [string, string][] {
  return definitions.flatMap(({ name, aliases }) =>
    [name, ...aliases].map((each): [string, string] => [key(kind, each), `${kind} ${each}`]),
  );
}

const key = (kind: string, name: string): string => `${kind} ${name.toLowerCase()}`;

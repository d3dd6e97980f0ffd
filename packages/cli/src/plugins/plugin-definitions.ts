import { ConfigurationError, defineEventType, definePrecondition } from '@lazarus/core';
import type { EventType, Issue, Precondition } from '@lazarus/core';
import { defineAction } from '@lazarus/dag';
import type { Action } from '@lazarus/dag';

/** What a module of plugins exports. */
export interface Definitions {
  readonly actions: readonly Action[];
  readonly preconditions: readonly Precondition[];
  readonly eventTypes: readonly EventType[];
}

/** The exports that count: what makes their entries, and how such an entry is checked again. */
const EXPORTS = {
  actions: { kind: 'action', made: 'defineAction', check: (item: unknown) => defineAction(item as never) },
  preconditions: {
    kind: 'precondition',
    made: 'definePrecondition',
    check: (item: unknown) => definePrecondition(item as never),
  },
  eventTypes: {
    kind: 'event-type',
    made: 'defineEventType',
    check: (item: unknown) => defineEventType(item as never),
  },
} as const;

type ExportName = keyof typeof EXPORTS;
const NAMES = Object.keys(EXPORTS) as ExportName[];

/**
 * Reads the definitions that a module exports, by name or in a default export. Everything that is wrong becomes an issue that
 * names the module and the export: plain JavaScript can export anything.
 *
 * @param file - The module as it was named.
 */
export function readDefinitions(module: unknown, file: string, issues: Issue[]): Definitions {
  const named = module as Readonly<Record<string, unknown>>;
  const given = { ...(named.default as object | undefined), ...named } as Readonly<Record<string, unknown>>;
  if (NAMES.every((name) => given[name] === undefined))
    issues.push({ file, path: '', message: `exports none of ${NAMES.join(', ')}`, ...hintFor(given) });
  const listOf = (name: ExportName): readonly unknown[] => readList(given[name], name, file, issues);
  return {
    actions: listOf('actions') as readonly Action[],
    preconditions: listOf('preconditions') as readonly Precondition[],
    eventTypes: listOf('eventTypes') as readonly EventType[],
  };
}

/** Definitions that stand alone were probably meant: the hint says how they are exported. */
function hintFor(given: Readonly<Record<string, unknown>>): { readonly hint?: string } {
  for (const [own, value] of Object.entries(given)) {
    const name = NAMES.find((candidate) => kindOf(value) === EXPORTS[candidate].kind);
    if (name !== undefined) return { hint: `export const ${name} = [${own}];` };
  }
  return {};
}

function readList(value: unknown, name: ExportName, file: string, issues: Issue[]): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    issues.push({
      file,
      path: name,
      message: `is no list, expected what ${EXPORTS[name].made} returns in [ ]`,
    });
    return [];
  }
  return value.filter((item: unknown, index) => {
    const found = problemsOf(item, name);
    const path = `${name}[${index}]${nameOf(item)}`;
    issues.push(
      ...found.map(({ path: part, message, hint }) => ({
        file,
        path: [path, part].filter((text) => text !== '').join(' '),
        message,
        ...(hint === undefined ? {} : { hint }),
      })),
    );
    return found.length === 0;
  });
}

function problemsOf(item: unknown, name: ExportName): readonly Issue[] {
  const { kind, made, check } = EXPORTS[name];
  if (kindOf(item) !== kind) return [{ path: '', message: `is not what ${made} returns` }];
  try {
    check(item);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError && error.issues.length > 0) return error.issues;
    return [
      { path: '', message: `cannot be read: ${error instanceof Error ? error.message : String(error)}` },
    ];
  }
}

function kindOf(item: unknown): unknown {
  return typeof item === 'object' && item !== null && 'kind' in item ? item.kind : undefined;
}

function nameOf(item: unknown): string {
  const name = typeof item === 'object' && item !== null && 'name' in item ? item.name : undefined;
  return typeof name === 'string' ? ` (${name})` : '';
}

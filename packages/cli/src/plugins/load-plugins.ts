import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EventType, Precondition } from '@lazarus/core';
import type { Action } from '@lazarus/dag';
import { CliFailure } from '../cli-failure.ts';
import { EXIT } from '../exit-code.ts';

/** What the modules named by `--plugins` add to what comes with Lazarus. */
export interface Plugins {
  readonly actions: readonly Action[];
  readonly preconditions: readonly Precondition[];
  readonly eventTypes: readonly EventType[];
}

/** Nothing beside what comes with Lazarus. */
export const NO_PLUGINS: Plugins = { actions: [], preconditions: [], eventTypes: [] };

const EXPORTS = {
  actions: 'made with defineAction',
  preconditions: 'made with definePrecondition',
  eventTypes: 'made with defineEventType',
} as const;

/**
 * Imports modules that export `actions`, `preconditions` and `eventTypes`, each optional, by name or in a default export.
 * Their code runs in this process, so they are only loaded when somebody names them.
 *
 * @throws CliFailure with exit code 2 when a module cannot be loaded or exports something else.
 */
export async function loadPlugins(files: readonly string[]): Promise<Plugins> {
  const loaded = await Promise.all(files.map(loadOne));
  if (loaded.length === 0) return NO_PLUGINS;
  return {
    actions: loaded.flatMap(({ actions }) => actions),
    preconditions: loaded.flatMap(({ preconditions }) => preconditions),
    eventTypes: loaded.flatMap(({ eventTypes }) => eventTypes),
  };
}

async function loadOne(file: string): Promise<Plugins> {
  const url = pathToFileURL(resolve(file));
  const module = (await import(url.href).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliFailure(EXIT.invalid, `--plugins: ${file} could not be loaded: ${reason}`);
  })) as Record<string, unknown>;
  const given = { ...(module['default'] as object | undefined), ...module };
  const listOf = (name: keyof typeof EXPORTS): readonly unknown[] => definitionsIn(file, name, given[name]);
  if (Object.keys(EXPORTS).every((name) => given[name as keyof typeof given] === undefined)) {
    throw new CliFailure(
      EXIT.invalid,
      `--plugins: ${file} exports none of ${Object.keys(EXPORTS).join(', ')}`,
    );
  }
  return {
    actions: listOf('actions') as readonly Action[],
    preconditions: listOf('preconditions') as readonly Precondition[],
    eventTypes: listOf('eventTypes') as readonly EventType[],
  };
}

function definitionsIn(file: string, name: keyof typeof EXPORTS, value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  const isList = Array.isArray(value) && value.every((item: unknown) => isNamed(item));
  if (isList) return value;
  throw new CliFailure(
    EXIT.invalid,
    `--plugins: ${name} of ${file} is no list of definitions, ${EXPORTS[name]}`,
  );
}

function isNamed(item: unknown): boolean {
  return typeof item === 'object' && item !== null && 'name' in item && typeof item.name === 'string';
}

import { resolve } from 'node:path';
import { ConfigurationError } from '@lazarus/core';
import type { Issue } from '@lazarus/core';
import type { KnownPlugin } from '@lazarus/core/config';
import { loadModule, problemsOf } from './load-module.ts';
import { readDefinitions } from './plugin-definitions.ts';
import type { Definitions } from './plugin-definitions.ts';
import { identityOf } from './plugin-identity.ts';
import { refuseTakenNames } from './plugin-names.ts';
import { findPlugin } from './plugin-place.ts';

/** How plugins are loaded. */
export interface LoadPluginsOptions {
  /** Longest that a module may take to load, milliseconds. @defaultValue 30 000 */
  readonly loadTimeoutMs?: number;
}

/** What plugins add to what comes with Lazarus. */
export interface Plugins extends Definitions {
  /** Who took part, with a hash of the code that was loaded: for the digest of the configuration. Keeps S15. */
  readonly identities: readonly KnownPlugin[];
  /** Plugins whose code on disk is not what was loaded: a process keeps what it has until it is restarted. */
  changed(): Promise<readonly string[]>;
}

/** Nothing beside what comes with Lazarus. */
export const NO_PLUGINS: Plugins = {
  actions: [],
  preconditions: [],
  eventTypes: [],
  identities: [],
  changed: async () => [],
};

/** A module that was loaded. */
interface Loaded {
  readonly file: string;
  readonly identity: KnownPlugin;
  readonly definitions: Definitions;
}

/**
 * Loads the modules of plugins: files, or packages by name, that export `actions`, `preconditions` and `eventTypes`, each
 * optional. Their code runs in this process, so they are only loaded when somebody names them. All or nothing.
 *
 * @param names - Paths or names of packages, as they are written.
 * @param from - Folder that paths and packages are looked up from. @defaultValue the working directory
 * @throws ConfigurationError `LZ_DEFINITION_INVALID` with every module and export that is wrong, or whose name is taken.
 */
export async function loadPlugins(
  names: readonly string[],
  from = '.',
  { loadTimeoutMs = 30_000 }: LoadPluginsOptions = {},
): Promise<Plugins> {
  if (names.length === 0) return NO_PLUGINS;
  const folder = resolve(from);
  const each = await Promise.all(
    names.map(async (name) => {
      const problems: Issue[] = [];
      return { one: await loadOne(name, folder, loadTimeoutMs, problems), problems };
    }),
  );
  const loaded = each.flatMap(({ one }) => one ?? []);
  const issues = each.flatMap(({ problems }) => problems);
  refuseTakenNames(loaded, issues);
  if (issues.length > 0)
    throw new ConfigurationError({
      code: 'LZ_DEFINITION_INVALID',
      summary: `the plugins were refused: ${issues.length} problem${issues.length === 1 ? '' : 's'}`,
      issues,
    });
  return {
    actions: loaded.flatMap(({ definitions }) => definitions.actions),
    preconditions: loaded.flatMap(({ definitions }) => definitions.preconditions),
    eventTypes: loaded.flatMap(({ definitions }) => definitions.eventTypes),
    identities: distinct(loaded.map(({ identity }) => identity)),
    changed: () => changedOnDisk(loaded, folder),
  };
}

async function loadOne(
  file: string,
  from: string,
  timeoutMs: number,
  issues: Issue[],
): Promise<Loaded | undefined> {
  let path: string | undefined;
  try {
    const place = await findPlugin(file, from);
    if ('missing' in place) {
      issues.push({ file, path: '', message: place.missing });
      return undefined;
    }
    path = place.path;
    const identity = await identityOf(place);
    const module = await loadModule(path, timeoutMs);
    // What was hashed must be what runs, by whatever links it is found.
    if ((await versionOnDisk(file, from)) !== identity.version)
      throw new Error('it was changed on disk meanwhile: try again');
    return { file, identity, definitions: readDefinitions(module, file, issues) };
  } catch (error) {
    issues.push(...problemsOf(error, path).map((problem) => ({ file, ...problem })));
    return undefined;
  }
}

/** The same in every order of the settings: two of one name are told apart by their code. */
function distinct(identities: readonly KnownPlugin[]): readonly KnownPlugin[] {
  const sorted = [...identities].sort((left, right) => (textOf(left) < textOf(right) ? -1 : 1));
  return sorted.map(({ name, version }, index) => {
    const earlier = sorted.slice(0, index).filter((other) => other.name === name).length;
    return { name: earlier === 0 ? name : `${name} ${earlier + 1}`, version };
  });
}

const textOf = ({ name, version }: KnownPlugin): string => `${name} ${version}`;

async function changedOnDisk(loaded: readonly Loaded[], from: string): Promise<readonly string[]> {
  const now = await Promise.all(
    loaded.map(async ({ file, identity }) => {
      const version = await versionOnDisk(file, from).catch(() => undefined);
      return version === identity.version ? [] : [file];
    }),
  );
  return now.flat();
}

/** The version that a plugin would have if it were loaded now; `undefined` when it is gone. */
async function versionOnDisk(file: string, from: string): Promise<string | undefined> {
  const place = await findPlugin(file, from);
  return 'missing' in place ? undefined : (await identityOf(place)).version;
}

import { pathToFileURL } from 'node:url';
import { ConfigurationError } from '@lazarus/core';
import type { Issue } from '@lazarus/core';
import type { KnownPlugin } from '@lazarus/core/config';
import { readDefinitions } from './plugin-definitions.ts';
import type { Definitions } from './plugin-definitions.ts';
import { identityOf } from './plugin-identity.ts';
import { refuseTakenNames } from './plugin-names.ts';
import { findPlugin } from './plugin-place.ts';
import type { PluginPlace } from './plugin-place.ts';

/** Longest that a module may take to load, milliseconds. */
const LOAD_TIMEOUT_MS = 30_000;

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
  readonly place: PluginPlace;
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
export async function loadPlugins(names: readonly string[], from = '.'): Promise<Plugins> {
  if (names.length === 0) return NO_PLUGINS;
  const issues: Issue[] = [];
  const loaded = (await Promise.all(names.map((name) => loadOne(name, from, issues)))).flatMap(
    (one) => one ?? [],
  );
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
    changed: () => changedOnDisk(loaded),
  };
}

async function loadOne(file: string, from: string, issues: Issue[]): Promise<Loaded | undefined> {
  const place = await findPlugin(file, from);
  if ('missing' in place) {
    issues.push({ file, path: '', message: place.missing });
    return undefined;
  }
  try {
    const identity = await identityOf(place);
    const module = await inTime(import(pathToFileURL(place.path).href) as Promise<unknown>);
    const after = await identityOf(place);
    // What was hashed must be what runs.
    if (after.version !== identity.version) throw new Error('it was changed on disk meanwhile: try again');
    return { file, place, identity, definitions: readDefinitions(module, file, issues) };
  } catch (error) {
    issues.push({ file, path: '', message: `could not be loaded: ${explain(error)}` });
    return undefined;
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const timeout = AbortSignal.timeout(LOAD_TIMEOUT_MS);
  return Promise.race([
    work,
    new Promise<never>((_resolve, reject) => {
      timeout.addEventListener('abort', () =>
        reject(new Error(`it did not end loading within ${LOAD_TIMEOUT_MS / 1_000} s`)),
      );
    }),
  ]);
}

/** What was thrown and where, without a stack. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = /file:\/\/(\S+?:\d+)/.exec(error.stack ?? '')?.[1];
  const name = error.name === 'Error' ? '' : `${error.name}: `;
  const [line = ''] = error.message.split('\n');
  return `${name}${line}${place === undefined ? '' : ` (${place})`}`;
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

async function changedOnDisk(loaded: readonly Loaded[]): Promise<readonly string[]> {
  const now = await Promise.all(
    loaded.map(async ({ file, place, identity }) => {
      const version = await identityOf(place).then(
        (found) => found.version,
        () => undefined,
      );
      return version === identity.version ? [] : [file];
    }),
  );
  return now.flat();
}

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, PortError } from '@lazarus/core';
import type { ConfigDocument, ConfigSource } from '@lazarus/core/ports';

const KINDS = [
  ['rules', 'rule'],
  ['profiles', 'profile'],
  ['services', 'service'],
  ['workflows', 'workflow'],
] as const;

/** Configuration from a directory: rules/, profiles/, services/, workflows/ and settings.yaml, each optional. */
export function createConfigDirectory(directory: string): ConfigSource {
  return {
    async load() {
      try {
        await readdir(directory);
        const parts = await Promise.all(KINDS.map(([folder, kind]) => readFolder(directory, folder, kind)));
        return [...parts.flat(), ...(await readOptional(directory, 'settings.yaml', 'settings'))];
      } catch (error) {
        throw new PortError({
          code: 'LZ_CONFIG_UNREADABLE',
          message: `the configuration in ${directory} could not be read: ${describeError(error)}`,
          retryable: true,
          cause: error,
        });
      }
    },
  };
}

async function readFolder(
  directory: string,
  folder: string,
  kind: ConfigDocument['kind'],
): Promise<ConfigDocument[]> {
  const names = await readdir(join(directory, folder)).catch(absent([]));
  const files = names.filter((name) => /(?<!\.test)\.ya?ml$/.test(name)).sort();
  return Promise.all(
    files.map(async (name) => ({
      kind,
      path: `${folder}/${name}`,
      text: await readFile(join(directory, folder, name), 'utf8'),
    })),
  );
}

async function readOptional(
  directory: string,
  name: string,
  kind: ConfigDocument['kind'],
): Promise<ConfigDocument[]> {
  const text = await readFile(join(directory, name), 'utf8').catch(absent(undefined));
  return text === undefined ? [] : [{ kind, path: name, text }];
}

/** A missing file or folder is fine; one that cannot be read is not. */
function absent<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}

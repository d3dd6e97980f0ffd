import { readFile, rename, writeFile } from 'node:fs/promises';

/** A list in a file of its own, written as a whole. */
export interface JsonFile<T> {
  /** What was written last; nothing when there is no file. */
  read(): Promise<readonly T[]>;
  write(list: readonly T[]): Promise<void>;
}

/** Opens the file; what is read from it is believed, because nobody else writes it. */
export function createJsonFile<T>(path: string): JsonFile<T> {
  let writing: Promise<void> = Promise.resolve();
  return {
    read: async () => {
      const text = await readFile(path, 'utf8').catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '[]';
        throw error;
      });
      return JSON.parse(text) as T[];
    },
    // One at a time, and the last one wins: two that write the same file at once would tear it.
    write: (list) => {
      writing = writing
        .catch(() => undefined)
        .then(async () => {
          await writeFile(`${path}.new`, JSON.stringify(list, null, 2), { flush: true });
          await rename(`${path}.new`, path);
        });
      return writing;
    },
  };
}

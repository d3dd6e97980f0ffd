import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isTestFile, yamlFiles } from '../validate/yaml-files.ts';

/** A file of runbook tests; with a line, only the test that stands there. */
export interface TestTarget {
  readonly file: string;
  readonly line?: number;
}

/**
 * Files below the paths, and the tests that `file.test.yaml:12` names.
 *
 * @throws CliFailure with exit code 2 when a path is not there.
 */
export async function findTestTargets(paths: readonly string[]): Promise<readonly TestTarget[]> {
  const parts = await Promise.all(paths.map(targetsOf));
  const seen = new Set<string>();
  return parts.flat().filter(({ file, line }) => {
    const key = `${resolve(file)}:${line ?? ''}`;
    return !seen.has(key) && seen.add(key);
  });
}

async function targetsOf(path: string): Promise<readonly TestTarget[]> {
  const named = /^(?<file>.+\.ya?ml):(?<line>\d{1,6})$/.exec(path)?.groups;
  if (named !== undefined && !(await exists(path))) {
    return (await yamlFiles([named['file'] ?? ''], isTestFile)).map((file) => ({
      file,
      line: Number(named['line']),
    }));
  }
  return (await yamlFiles([path], isTestFile)).map((file) => ({ file }));
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

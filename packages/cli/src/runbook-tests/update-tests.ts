import { readFile, writeFile } from 'node:fs/promises';
import type { RunbookTestFailure, RunbookTestResult } from '@lazarus/testing/lab';

/** Expectations that are one value, which what happened can take the place of. */
const REPLACEABLE =
  /\.then(?:\.events\S*)?\.(?:outcome|page|rule|votes|run|blocked_by|(?:calls|steps|error)(?:\.|\[).+)$/;

/** One value in the text of a YAML document, quoted or not. */
const SCALAR = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,}\]#'"{[][^,}\]\n#]*)/;

/**
 * Writes what happened over single values that were expected and did not hold; lists, times and outputs are left to
 * people. Returns one line for each change.
 */
export async function updateTests(results: readonly RunbookTestResult[]): Promise<readonly string[]> {
  const failures = results.flatMap((result) => result.failures.filter(isReplaceable));
  const changes: string[] = [];
  for (const [file, own] of Map.groupBy(failures, (failure) => failure.file)) {
    const lines = (await readFile(file, 'utf8')).split('\n');
    // From the end, so that earlier places stay where they are.
    for (const failure of own.toSorted(lastFirst)) changes.unshift(...replace(lines, failure));
    await writeFile(file, lines.join('\n'));
  }
  return changes;
}

function isReplaceable({ path, actual }: RunbookTestFailure): boolean {
  return REPLACEABLE.test(path) && actual !== 'none';
}

function lastFirst(left: RunbookTestFailure, right: RunbookTestFailure): number {
  return right.line - left.line || right.column - left.column;
}

function replace(
  lines: string[],
  { file, line, column, path, actual }: RunbookTestFailure,
): readonly string[] {
  const text = lines[line - 1] ?? '';
  const before = text.slice(0, column - 1);
  const old = SCALAR.exec(text.slice(column - 1))?.[0].trimEnd();
  if (old === undefined) return [];
  const value = path.endsWith('.blocked_by') ? mostTelling(actual.split(', ')) : actual;
  const written = /^[\w./-]+$/.test(value) ? value : JSON.stringify(value);
  lines[line - 1] = `${before}${written}${text.slice(before.length + old.length)}`;
  return [`${file}:${line}:${column} ${path}: ${old} is now ${written}`];
}

/** Of several names for one obstacle (exit, gate, checks) that of the check says most, then that of the exit. */
function mostTelling([exit = '', _gate, check]: readonly string[]): string {
  return check ?? exit;
}

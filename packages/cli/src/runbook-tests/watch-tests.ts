import { dirname, resolve, sep } from 'node:path';
import { CliFailure } from '../cli-failure.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { plural } from '../render/amounts.ts';
import type { Terminal } from '../terminal.ts';
import { watchFolders } from './folder-changes.ts';
import type { FolderChanges } from './folder-changes.ts';
import type { TestSources } from './test-sources.ts';
import { findTestTargets } from './test-targets.ts';
import type { TestTarget } from './test-targets.ts';

const CLEAR_SCREEN = '\u001B[2J\u001B[3J\u001B[H';

type RunRound = (targets: readonly TestTarget[]) => Promise<Pick<TestSources, 'usedBy'>>;

/** Runs tests once, then again whatever a changed file touches. Waits for the system to tell; it never polls. */
export async function watchTests(
  paths: readonly string[],
  plugins: readonly string[],
  terminal: Terminal,
  run: RunRound,
): Promise<ExitCode> {
  const { signal } = terminal;
  const isOver = (): boolean => signal.aborted;
  const changes = watchFolders((problem) => terminal.err(`lazarus: ${problem}\n`));
  const uses = new Map<string, ReadonlySet<string>>();
  let targets = await findTestTargets(paths);
  const wake = (): void => changes.stop();
  signal.addEventListener('abort', wake, { once: true });
  try {
    await Promise.all(
      [...paths.map(pathOf), ...plugins.map((file) => dirname(resolve(file)))].map((path) =>
        changes.add(path),
      ),
    );
    while (!isOver()) {
      await runOnce(targets, { terminal, run, uses, changes });
      const all = await findTestTargets(paths).catch(() => []);
      terminal.err(`watching ${plural(all.length, 'test file')}; Ctrl-C ends\n`);
      targets = [];
      while (targets.length === 0 && !isOver()) {
        const changed = await changes.next(signal);
        targets = touched(await findTestTargets(paths).catch(() => []), changed, { uses, plugins });
      }
      if (terminal.isTty === true && !isOver()) terminal.out(CLEAR_SCREEN);
    }
    return EXIT.interrupted;
  } finally {
    signal.removeEventListener('abort', wake);
    changes.stop();
  }
}

async function runOnce(
  targets: readonly TestTarget[],
  {
    terminal,
    run,
    uses,
    changes,
  }: {
    readonly terminal: Terminal;
    readonly run: RunRound;
    readonly uses: Map<string, ReadonlySet<string>>;
    readonly changes: FolderChanges;
  },
): Promise<void> {
  try {
    const sources = await run(targets);
    for (const { file } of targets) {
      const used = sources.usedBy(file);
      uses.set(resolve(file), used);
      await Promise.all([...used].map((path) => changes.add(path)));
    }
  } catch (error) {
    // What is wrong now may be right after the next change.
    if (terminal.signal.aborted) return;
    if (!(error instanceof CliFailure)) throw error;
    terminal.err([`lazarus: ${error.message}`, ...error.lines.map((line) => `  ${line}`), ''].join('\n'));
  }
}

/** Tests that are to be run again: their file is new or changed, or uses a file or a folder in which something changed. */
function touched(
  targets: readonly TestTarget[],
  changed: readonly string[],
  {
    uses,
    plugins,
  }: { readonly uses: ReadonlyMap<string, ReadonlySet<string>>; readonly plugins: readonly string[] },
): readonly TestTarget[] {
  // What a module imports lies beside or below it, as a rule.
  const folders = plugins.map((module) => dirname(resolve(module)) + sep);
  const isCode = (path: string): boolean =>
    /\.(?:[cm]?[jt]s|json)$/.test(path) && folders.some((folder) => path.startsWith(folder));
  if (changed.some(isCode)) return targets;
  return targets.filter(({ file }) => {
    const used = uses.get(resolve(file)) ?? new Set([resolve(file)]);
    return changed.some((path) => [...used].some((own) => path === own || path.startsWith(own + sep)));
  });
}

function pathOf(path: string): string {
  return path.replace(/(\.ya?ml):\d+$/, '$1');
}

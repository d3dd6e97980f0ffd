import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CliFailure } from '../cli-failure.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { plural } from '../render/amounts.ts';
import type { Terminal } from '../terminal.ts';
import type { TestSources } from './test-sources.ts';
import { findTestTargets } from './test-targets.ts';
import type { TestTarget } from './test-targets.ts';

/** An editor saves in several steps: what changes within this time is one change. */
const TOGETHER_MS = 100;
const CLEAR_SCREEN = '\u001B[2J\u001B[3J\u001B[H';

/** Runs tests once, then again whatever a changed file touches. Waits for the system to tell; it never polls. */
export async function watchTests(
  paths: readonly string[],
  plugins: readonly string[],
  terminal: Terminal,
  run: (targets: readonly TestTarget[], round: number) => Promise<TestSources>,
): Promise<ExitCode> {
  const { signal } = terminal;
  const isOver = (): boolean => signal.aborted;
  const changes = watchFolders();
  const uses = new Map<string, ReadonlySet<string>>();
  let targets = await findTestTargets(paths);
  const wake = (): void => changes.stop();
  signal.addEventListener('abort', wake, { once: true });
  try {
    await Promise.all([...paths.map(pathOf), ...plugins].map((path) => changes.add(path)));
    for (let round = 0; !isOver(); round += 1) {
      await runOnce(targets, round, { terminal, run, uses, changes });
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
  round: number,
  {
    terminal,
    run,
    uses,
    changes,
  }: {
    readonly terminal: Terminal;
    readonly run: (targets: readonly TestTarget[], round: number) => Promise<TestSources>;
    readonly uses: Map<string, ReadonlySet<string>>;
    readonly changes: Changes;
  },
): Promise<void> {
  try {
    const sources = await run(targets, round);
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
  const modules = plugins.map((module) => resolve(module));
  if (changed.some((path) => modules.includes(path))) return targets;
  return targets.filter(({ file }) => {
    const used = uses.get(resolve(file)) ?? new Set([resolve(file)]);
    return changed.some((path) => [...used].some((own) => path === own || path.startsWith(own + sep)));
  });
}

/** Changed files of watched folders. */
interface Changes {
  /** Watches the folder of a file, or a folder with all below it. */
  add(path: string): Promise<void>;
  /** Files that changed since the last call; waits for the first one. */
  next(signal: AbortSignal): Promise<readonly string[]>;
  stop(): void;
}

function watchFolders(): Changes {
  const watchers = new Map<string, { readonly watcher: FSWatcher; readonly isDeep: boolean }>();
  const changed = new Set<string>();
  let wake: () => void = () => undefined;
  return {
    add: async (path) => {
      const isFolder = await stat(path).then(
        (found) => found.isDirectory(),
        () => false,
      );
      const folder = isFolder ? resolve(path) : dirname(resolve(path));
      const isKnown = [...watchers].some(
        ([known, { isDeep }]) =>
          (folder === known && (isDeep || !isFolder)) || (isDeep && folder.startsWith(known + sep)),
      );
      if (isKnown) return;
      watchers.get(folder)?.watcher.close();
      const watcher = watch(folder, { recursive: isFolder }, (_event, name) => {
        if (name === null || /(?:^|[\\/])(?:node_modules|\.[^\\/]+)(?:[\\/]|$)/.test(name)) return;
        changed.add(resolve(folder, name));
        wake();
      });
      watcher.on('error', () => undefined);
      watchers.set(folder, { watcher, isDeep: isFolder });
    },
    next: async (signal) => {
      if (changed.size === 0 && !signal.aborted) await new Promise<void>((done) => (wake = done));
      await sleep(TOGETHER_MS, undefined, { signal }).catch(() => undefined);
      const now = [...changed];
      changed.clear();
      return now;
    },
    stop: () => {
      for (const { watcher } of watchers.values()) watcher.close();
      wake();
    },
  };
}

function pathOf(path: string): string {
  return path.replace(/(\.ya?ml):\d+$/, '$1');
}

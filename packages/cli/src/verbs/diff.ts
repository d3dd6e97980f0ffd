import { parseEvent } from '@lazarus/core';
import { diffSnapshots } from '@lazarus/core/config';
import type { LazarusEvent } from '@lazarus/core';
import type { SnapshotDiff } from '@lazarus/core/config';
import { CliFailure } from '../cli-failure.ts';
import { print, printJson } from '../context.ts';
import type { Context } from '../context.ts';
import { parseJson } from '../emit/event-from-options.ts';
import { readText } from '../emit/read-document.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { loadPlugins } from '../plugins/load-plugins.ts';
import { renderSnapshotDiff } from '../render/snapshot-diff.ts';
import { compileDocuments } from '../validate/check-documents.ts';
import { findDocuments } from '../validate/find-documents.ts';

/** Options of `diff`. */
export interface DiffOptions {
  readonly events?: string;
  readonly output: 'text' | 'json';
  /** Modules with actions, preconditions and event types of one's own. */
  readonly plugins: readonly string[];
}

/** Compares two configurations by what they mean for each service, and for recorded events. */
export async function diff(
  folders: readonly [before: string, after: string],
  options: DiffOptions,
  { terminal }: Context,
): Promise<ExitCode> {
  const plugins = await loadPlugins(options.plugins);
  const [before, after] = await Promise.all(
    folders.map(async (folder) =>
      compileDocuments((await findDocuments([folder])).documents, folder, plugins),
    ),
  );
  if (before === undefined || after === undefined)
    throw new CliFailure(EXIT.invalid, 'diff needs two folders');
  const text = options.events === undefined ? undefined : await readEvents(options.events, terminal);
  const events = text === undefined ? [] : parseEvents(text, options.events ?? '');
  const difference = diffSnapshots(before, after, events);
  if (options.output === 'json') printJson(terminal, difference);
  else print(terminal, renderSnapshotDiff(difference, { color: terminal.color }));
  return isSame(difference) ? EXIT.ok : EXIT.failed;
}

function isSame({ services, decisions }: SnapshotDiff): boolean {
  return services.length === 0 && decisions.length === 0;
}

async function readEvents(file: string, terminal: Context['terminal']): Promise<string> {
  return file === '-' ? terminal.readInput() : readText(file);
}

/** One JSON value a line: an event, or a decision record, whose event is taken. Events that no node could read are left out. */
function parseEvents(text: string, file: string): readonly LazarusEvent[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const value = parseJson(line, `${file}:${index + 1}`) as { readonly event?: unknown } | null;
    const parsed = parseEvent(value?.event ?? value);
    return parsed.ok ? [parsed.event] : [];
  });
}

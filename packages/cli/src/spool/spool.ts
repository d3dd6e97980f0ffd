/**
 * Events that wait on the local disk until the node can be reached: one file each, written whole or not at all, named so
 * that they are sent again in the order in which they came. Sending twice does no harm: an event id is counted once.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CliFailure } from '../cli-failure.ts';
import { eventIdOf } from '../emit/event-from-options.ts';
import type { DraftEvent } from '../emit/event-from-options.ts';
import { EXIT } from '../exit-code.ts';

/** Most events that may wait: a node that was away for long finds them stale anyway. */
export const MAX_SPOOLED = 10_000;

/** Folder, inside the spool, of events that the node refused. */
const REFUSED = 'refused';

/** What became of one event that was sent again. */
export type Redelivery = 'accepted' | 'refused' | 'unreachable';

/** How a flush went. */
export interface FlushResult {
  readonly sent: number;
  readonly refused: number;
  /** Still waiting, because the node could not be reached. */
  readonly waiting: number;
}

/**
 * Writes an event to the spool; it is on the disk when this resolves.
 *
 * @throws CliFailure with exit code 6 when the spool is full or cannot be written.
 */
export async function spoolEvent(folder: string, event: DraftEvent, nowMs: number): Promise<string> {
  const digest = createHash('sha256').update(eventIdOf(event)).digest('hex').slice(0, 16);
  const file = join(folder, `${String(nowMs).padStart(15, '0')}-${digest}.json`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if ((await waitingFiles(folder)).length >= MAX_SPOOLED)
      throw new Error(`${MAX_SPOOLED} events are waiting already`);
    await writeDurably(file, JSON.stringify(event));
    return file;
  } catch (error) {
    throw new CliFailure(
      EXIT.unreachable,
      `the event could not be spooled in ${folder}: ${(error as Error).message}`,
    );
  }
}

/**
 * Sends what waits, oldest first, and stops at the first event that finds nobody. What the node refuses for good moves
 * to `refused/`: it would be refused again.
 */
export async function flushSpool(
  folder: string,
  send: (event: DraftEvent) => Promise<Redelivery>,
): Promise<FlushResult> {
  const files = await waitingFiles(folder);
  let sent = 0;
  let refused = 0;
  for (const name of files) {
    const file = join(folder, name);
    const event = await readEvent(file);
    const outcome = event === undefined ? 'refused' : await send(event);
    if (outcome === 'unreachable') break;
    if (outcome === 'accepted') {
      await rm(file, { force: true });
      sent += 1;
    } else {
      await mkdir(join(folder, REFUSED), { recursive: true, mode: 0o700 });
      await rename(file, join(folder, REFUSED, name));
      refused += 1;
    }
  }
  return { sent, refused, waiting: files.length - sent - refused };
}

async function waitingFiles(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => /^\d{15}-[0-9a-f]{16}\.json$/.test(name)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new CliFailure(EXIT.invalid, `the spool ${folder} could not be read: ${(error as Error).message}`);
  }
}

async function readEvent(file: string): Promise<DraftEvent | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as DraftEvent;
  } catch {
    return undefined;
  }
}

/** Whole or not at all: written beside, flushed, then renamed. */
async function writeDurably(file: string, text: string): Promise<void> {
  const beside = `${file}.${process.pid}.part`;
  const handle = await open(beside, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, file);
}

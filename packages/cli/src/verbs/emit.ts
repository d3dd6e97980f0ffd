import type { Issue } from '@lazarus/core';
import { CliFailure } from '../cli-failure.ts';
import type { Answer, Client } from '../client/client.ts';
import { print, printJson } from '../context.ts';
import type { Context } from '../context.ts';
import { eventFromOptions, eventIdOf } from '../emit/event-from-options.ts';
import type { DraftEvent, EventOptions } from '../emit/event-from-options.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { flushSpool, spoolEvent } from '../spool/spool.ts';
import type { Redelivery } from '../spool/spool.ts';

/** Longest wait for a deposit: event handlers are killed when they are slow, and a spool is at hand. */
const DEPOSIT_TIMEOUT_MS = 5_000;

/** Options of `emit`. */
export interface EmitOptions extends EventOptions {
  readonly file?: string;
  readonly nagios?: boolean;
  readonly spool?: string;
  readonly flush?: boolean;
  readonly dryRun?: boolean;
  readonly output: 'id' | 'json';
}

/**
 * Deposits one event. When the node cannot be reached and there is a spool, the event waits there and the command still
 * succeeds: it is safe on the disk, and `--flush` sends it.
 */
export async function emit(options: EmitOptions, context: Context): Promise<ExitCode> {
  if (options.flush === true) return flush(options, context);
  const event = await draft(options, context);
  if (event === undefined) return EXIT.ok;
  if (options.dryRun === true) {
    printJson(context.terminal, event);
    return EXIT.ok;
  }
  const answer = await deposit(await context.connect(DEPOSIT_TIMEOUT_MS), event);
  if (answer instanceof CliFailure) return keep(event, answer, options, context);
  warn(answer, context);
  report(event, 'accepted', options, context);
  return EXIT.ok;
}

async function draft(options: EmitOptions, { terminal }: Context): Promise<DraftEvent | undefined> {
  const defaults = { nowMs: terminal.now(), newId: terminal.newId, env: terminal.env };
  if (options.nagios === true) {
    const { eventFromNagios } = await import('../emit/nagios.ts');
    return eventFromNagios(options, defaults, (why) => terminal.err(`ignored, ${why}\n`));
  }
  if (options.file === undefined) return eventFromOptions(options, undefined, defaults);
  const { readDocument } = await import('../emit/read-document.ts');
  return eventFromOptions(options, await readDocument(options.file, terminal), defaults);
}

/** The answer to a deposit, or why nobody took the event. @throws CliFailure when it was refused for good. */
async function deposit(client: Client, event: DraftEvent): Promise<Answer | CliFailure> {
  try {
    const answer = await client.ask('POST', '/v1/events', event);
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw client.refusal(answer);
  } catch (error) {
    if (error instanceof CliFailure && error.exitCode === EXIT.unreachable) return error;
    throw error;
  }
}

/** What the node thinks of an event that it took all the same. */
function warn({ body }: Answer, { terminal }: Context): void {
  const { results = [] } = body as { results?: readonly { warnings?: readonly Issue[] }[] };
  for (const { path, message, hint } of results.flatMap(({ warnings = [] }) => warnings)) {
    terminal.err(`warning: ${path} ${message}${hint === undefined ? '' : ` (${hint})`}\n`);
  }
}

async function keep(
  event: DraftEvent,
  why: CliFailure,
  { spool, ...options }: EmitOptions,
  context: Context,
): Promise<ExitCode> {
  if (spool === undefined) throw why;
  const file = await spoolEvent(spool, event, context.terminal.now());
  context.terminal.err(
    `${why.message}\nspooled in ${file}; send it with: lazarus emit --flush --spool ${spool}\n`,
  );
  report(event, 'spooled', options, context);
  return EXIT.ok;
}

async function flush({ spool }: EmitOptions, context: Context): Promise<ExitCode> {
  if (spool === undefined) throw new CliFailure(EXIT.invalid, '--flush needs --spool DIR or LAZARUS_SPOOL');
  const client = await context.connect(DEPOSIT_TIMEOUT_MS);
  const { sent, refused, waiting } = await flushSpool(spool, (event) => redeliver(client, event, context));
  print(context.terminal, JSON.stringify({ sent, refused, waiting }));
  if (waiting > 0) return EXIT.unreachable;
  return refused > 0 ? EXIT.invalid : EXIT.ok;
}

async function redeliver(client: Client, event: DraftEvent, { terminal }: Context): Promise<Redelivery> {
  try {
    const answer = await deposit(client, event);
    if (!(answer instanceof CliFailure)) return 'accepted';
    terminal.err(`${answer.message}\n`);
    return 'unreachable';
  } catch (error) {
    // Only what the node calls invalid is refused for good; a wrong token, for example, can be corrected.
    if (!(error instanceof CliFailure) || error.exitCode !== EXIT.invalid) throw error;
    terminal.err(`refused ${eventIdOf(event)}: ${[error.message, ...error.lines].join('; ')}\n`);
    return 'refused';
  }
}

function report(
  event: DraftEvent,
  status: 'accepted' | 'spooled',
  { output }: Pick<EmitOptions, 'output'>,
  { terminal }: Context,
): void {
  if (output === 'json') printJson(terminal, { event_id: eventIdOf(event), status });
  else print(terminal, eventIdOf(event));
}

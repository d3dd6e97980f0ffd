import { userInfo } from 'node:os';
import type { Pause } from '@lazarus/core/ports';
import { print, printJson } from '../context.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { oneLine } from '../render/paint.ts';
import { renderTable } from '../render/table.ts';

/** Options of `pause`. */
export interface PauseOptions {
  readonly region?: string;
  readonly service?: string;
  readonly for: string;
  readonly reason: string;
  readonly author?: string;
  readonly output: 'text' | 'json';
}

/** Stops everything, a region or a service, for a while. */
export async function pause(options: PauseOptions, context: Context): Promise<ExitCode> {
  const client = await context.connect();
  const set = await client.request<Pause & { readonly warning?: string }>('POST', '/v1/pauses', {
    scope: scopeOf(options),
    author: options.author ?? person(context),
    reason: options.reason,
    for: options.for,
  });
  if (options.output === 'json') printJson(context.terminal, set);
  else
    print(
      context.terminal,
      oneLine(`paused ${nameOf(set.scope)} until ${set.until ?? 'lifted'}: ${set.reason}`),
    );
  if (set.warning !== undefined) context.terminal.err(`warning: ${oneLine(set.warning)}\n`);
  return EXIT.ok;
}

/** Options of `resume`. */
export type ResumeOptions = Omit<PauseOptions, 'for'>;

/** Ends the pauses of exactly this scope. */
export async function resume(options: ResumeOptions, context: Context): Promise<ExitCode> {
  const query = new URLSearchParams({
    ...scopeOf(options),
    author: options.author ?? person(context),
    reason: options.reason,
  });
  const client = await context.connect();
  const answer = await client.request<{ cleared: number }>('DELETE', `/v1/pauses?${query.toString()}`);
  if (options.output === 'json') printJson(context.terminal, answer);
  else print(context.terminal, oneLine(`resumed ${nameOf(scopeOf(options))}`));
  return EXIT.ok;
}

/** Lists the pauses in force. */
export async function listPauses(
  options: { readonly output: 'table' | 'json' },
  context: Context,
): Promise<ExitCode> {
  const client = await context.connect();
  const { pauses } = await client.request<{ pauses: readonly Pause[] }>('GET', '/v1/pauses');
  const { terminal } = context;
  if (options.output === 'json') printJson(terminal, pauses);
  else if (pauses.length === 0) terminal.err('nothing is paused\n');
  else {
    const rows = pauses.map((entry) =>
      [nameOf(entry.scope), entry.author, entry.until ?? '-', entry.reason].map(oneLine),
    );
    print(terminal, renderTable(['SCOPE', 'AUTHOR', 'UNTIL', 'REASON'], rows));
  }
  return EXIT.ok;
}

function scopeOf({ region, service }: Pick<PauseOptions, 'region' | 'service'>): {
  region?: string;
  service?: string;
} {
  return { ...(region === undefined ? {} : { region }), ...(service === undefined ? {} : { service }) };
}

function nameOf({ region, service }: Pause['scope']): string {
  const parts = [
    ...(region === undefined ? [] : [`region ${region}`]),
    ...(service === undefined ? [] : [`service ${service}`]),
  ];
  return parts.length === 0 ? 'everything' : parts.join(', ');
}

function person({ terminal }: Context): string {
  return terminal.env.LAZARUS_AUTHOR ?? userInfo().username;
}

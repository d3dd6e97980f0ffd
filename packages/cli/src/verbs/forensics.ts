import { print, printJson } from '../context.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { oneLine } from '../render/paint.ts';
import { renderTable } from '../render/table.ts';

interface ForensicHosts {
  readonly hosts: readonly {
    readonly host_id: string;
    readonly name: string;
    readonly service: string;
    readonly zone: string;
    readonly expires_at?: string;
    readonly expired: boolean;
  }[];
  readonly complete: boolean;
  readonly problems: readonly { readonly service: string; readonly message: string }[];
}

/** Lists the hosts that are kept for examination. A partial list is shown, said to be one, and a failure. */
export async function forensics(
  options: { readonly service?: string; readonly output: 'table' | 'json' },
  context: Context,
): Promise<ExitCode> {
  const query =
    options.service === undefined ? '' : `?${new URLSearchParams({ service: options.service }).toString()}`;
  const client = await context.connect();
  const found = await client.request<ForensicHosts>('GET', `/v1/forensics${query}`);
  const { terminal } = context;
  if (options.output === 'json') printJson(terminal, found);
  else if (found.hosts.length === 0) terminal.err('no host is kept for examination\n');
  else {
    const rows = found.hosts.map((host) =>
      [
        host.service,
        host.name,
        host.host_id,
        host.zone,
        `${host.expires_at ?? 'never'}${host.expired ? ' (expired)' : ''}`,
      ].map(oneLine),
    );
    print(terminal, renderTable(['SERVICE', 'NAME', 'ID', 'ZONE', 'KEPT UNTIL'], rows));
  }
  for (const { service, message } of found.problems)
    terminal.err(`incomplete: ${oneLine(`${service}: ${message}`)}\n`);
  return found.complete ? EXIT.ok : EXIT.failed;
}

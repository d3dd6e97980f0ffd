import { userInfo } from 'node:os';
import type { RolloutView } from '@lazarus/core/config';
import { print, printJson } from '../context.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { oneLine } from '../render/paint.ts';
import { renderTable } from '../render/table.ts';

type Output = 'table' | 'json';

/** Options of `rollout`. */
export interface RolloutOptions {
  readonly action: 'stop' | 'resume' | 'roll_back';
  readonly reason: string;
  readonly author?: string;
  readonly output: Output;
}

interface Answer {
  readonly rollouts: readonly RolloutView[];
}

/** Lists edits of profiles that are on their way. */
export async function listRollouts(
  { output }: { readonly output: Output },
  context: Context,
): Promise<ExitCode> {
  const client = await context.connect();
  return show(await client.request<Answer>('GET', '/v1/rollouts'), output, context);
}

/** Stops, resumes or rolls back the rollout of a profile. */
export async function changeRollout(
  profile: string,
  { action, reason, author, output }: RolloutOptions,
  context: Context,
): Promise<ExitCode> {
  const client = await context.connect();
  const by = author ?? context.terminal.env.LAZARUS_AUTHOR ?? userInfo().username;
  const path = `/v1/rollouts/${encodeURIComponent(profile)}`;
  return show(await client.request<Answer>('POST', path, { action, author: by, reason }), output, context);
}

function show({ rollouts }: Answer, output: Output, { terminal }: Context): ExitCode {
  if (output === 'json') printJson(terminal, rollouts);
  else if (rollouts.length === 0) terminal.err('every profile has reached all its services\n');
  else {
    const rows = rollouts.map(({ profile, status, wave, waves, services, outcomes, since, because }) =>
      [
        profile,
        status.replaceAll('_', ' '),
        `${wave} of ${waves}`,
        `${services.reached} of ${services.total}`,
        `${outcomes.failed} of ${outcomes.total}`,
        since.replace(/\.\d+Z$/, 'Z'),
        because,
      ].map(oneLine),
    );
    print(
      terminal,
      renderTable(['PROFILE', 'STATUS', 'WAVE', 'SERVICES', 'FAILED', 'SINCE', 'BECAUSE'], rows),
    );
  }
  return EXIT.ok;
}

import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { lazarus } from './node-server.ts';

/** What bash would offer after these words. */
async function completions(...words: readonly string[]): Promise<readonly string[]> {
  const { out } = await lazarus(['completion', 'bash']);
  const line = ['lazarus', ...words].map((word) => `'${word}'`).join(' ');
  const script = `${out}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length}; _lazarus; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
}

describe('lazarus completion', () => {
  it('offers commands, subcommands, options and their values in a real bash', async () => {
    expect(await completions('ex')).toEqual(['explain']);
    expect(await completions('runs', '')).toEqual(expect.arrayContaining(['list', 'get', '--help']));
    expect(await completions('decisions', '--fo')).toEqual(['--follow']);
    expect(await completions('decisions', '--kind', '')).toEqual([
      'remediate',
      'escalate',
      'notify_only',
      'suppress',
    ]);
    expect(await completions('completion', 'z')).toEqual(['zsh']);
    expect(await completions('emit', '--ur')).toEqual(['--url']);
  });

  it('describes every command to fish and zsh', async () => {
    const fish = (await lazarus(['completion', 'fish'])).out;
    expect(fish).toContain("-a explain -d 'say why Lazarus did or did not act on an event'");
    expect(fish).toContain(
      "complete -c lazarus -n '__fish_seen_subcommand_from decisions' -l kind -x -a 'remediate escalate notify_only suppress'",
    );
    expect((await lazarus(['completion', 'zsh'])).out).toMatch(/^#compdef lazarus\n/);
  });

  it('refuses a shell that it does not know', async () => {
    expect(await lazarus(['completion', 'tcsh'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('bash, zsh, fish') as string,
    });
  });
});

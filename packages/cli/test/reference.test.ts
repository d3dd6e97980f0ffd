import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { EXIT_MEANINGS } from '../src/index.ts';
import { allCommands, createProgram } from '../src/program.ts';

const silent = {
  out: () => undefined,
  err: () => undefined,
  readInput: async () => '',
  env: {},
  color: false,
  now: () => 0,
  newId: () => 'id',
  signal: new AbortController().signal,
};

/** The help of one command as it is printed, examples included. */
function helpOf(command: ReturnType<typeof createProgram>): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), writeErr: (part) => (text += part) });
  command.outputHelp();
  return text.trimEnd();
}

function render(): string {
  const program = createProgram({ terminal: silent, end: () => undefined });
  const sections = allCommands(program).flatMap((command) => {
    const name = [command.parent?.parent?.name(), command.parent?.name(), command.name()]
      .filter(Boolean)
      .join(' ');
    return [`## ${name}`, '', '```text', helpOf(command), '```', ''];
  });
  return [
    '# The lazarus command',
    '',
    '<!-- Generated from `--help`. Do not edit: run `npx vitest run packages/cli -u`. -->',
    '',
    'Data goes to standard output, everything else to standard error. Colors appear on a terminal only and never with `NO_COLOR`. A stack trace is a bug.',
    '',
    '| exit code | meaning |',
    '| --- | --- |',
    ...EXIT_MEANINGS.map(([code, meaning]) => `| ${code} | ${meaning} |`),
    '',
    ...sections,
  ].join('\n');
}

describe('docs/reference/cli.md', () => {
  it('says what --help says', async () => {
    const text = await format(render(), { parser: 'markdown', printWidth: 110 });
    await expect(text).toMatchFileSnapshot('../../../docs/reference/cli.md');
  });
});

describe('every command', () => {
  it('has a summary, and every one that does something has an example that names it', () => {
    const program = createProgram({ terminal: silent, end: () => undefined });
    for (const command of allCommands(program)) {
      expect(command.description(), command.name()).not.toBe('');
      if (command.commands.length === 0)
        expect(helpOf(command), command.name()).toMatch(new RegExp(`\\$ .*lazarus .*${command.name()}`));
    }
  });
});

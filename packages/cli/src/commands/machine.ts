import { Argument } from 'commander';
import type { Command } from 'commander';
import { defineCommand, outputOption } from './command.ts';
import type { Cli } from './command.ts';

/** `lazarus doctor`. */
export function doctorCommand(cli: Cli): Command {
  return defineCommand<{ readonly output: 'text' | 'json' }>(cli, {
    usage: 'doctor',
    summary: 'look for what is wrong with this machine and the node',
    options: [outputOption('text', 'json')],
    examples: [['lazarus doctor --url http://node-a.internal:7400', 'look at another node']],
    run: async (options, context) => (await import('../verbs/doctor.ts')).doctor(options, context),
  });
}

/** `lazarus completion`. It describes the program it belongs to. */
export function completionCommand(cli: Cli, program: () => Command): Command {
  const command = defineCommand(cli, {
    usage: 'completion',
    summary: 'print a completion script for a shell',
    options: [],
    examples: [
      ['eval "$(lazarus completion bash)"', 'bash, in ~/.bashrc'],
      ['lazarus completion zsh > "${fpath[1]}/_lazarus"', 'zsh'],
      ['lazarus completion fish > ~/.config/fish/completions/lazarus.fish', 'fish'],
    ],
    run: async (_options, { terminal }, [shell = '']) =>
      (await import('../verbs/completion.ts')).completion(shell, program(), terminal),
  });
  return command.addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']));
}

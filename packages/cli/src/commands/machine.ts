import { Argument, Option } from 'commander';
import type { Command } from 'commander';
import type { DevCertsOptions } from '../verbs/dev-certs.ts';
import { countOption, defineCommand, outputOption } from './command.ts';
import type { Cli } from './command.ts';

/** Longest validity of a certificate, days: what browsers and libraries accept of any authority. */
const MAX_DAYS = 825;

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

/** `lazarus dev-certs`. It needs no node. */
export function devCertsCommand(cli: Cli): Command {
  return defineCommand<DevCertsOptions>(cli, {
    usage: 'dev-certs',
    summary: 'make certificates for the nodes of a laboratory',
    description:
      'Makes an authority and a certificate for each node, with which nodes prove to each other who they are. Keys can be read by their owner only; the key of the authority is not kept, so that a further node means new certificates for all. Without --force nothing is overwritten.',
    options: [
      new Option('--out <folder>', 'where they are written').default('certs'),
      new Option('--nodes <ids>', 'ids of the nodes, with commas between them')
        .default(['a', 'b', 'c'], 'a,b,c')
        .argParser((text) => text.split(',').map((id) => id.trim())),
      countOption('--days <number>', 'how long they are valid', 30, MAX_DAYS),
      new Option('--force', 'replace what is there'),
    ],
    examples: [
      ['lazarus dev-certs', 'for nodes a, b and c, into the folder certs'],
      ['lazarus dev-certs --out lab --nodes n1,n2,n3,n4,n5 --days 90', 'for five nodes'],
    ],
    run: async (options, context) => (await import('../verbs/dev-certs.ts')).devCerts(options, context),
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

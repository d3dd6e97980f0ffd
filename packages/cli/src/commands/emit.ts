import { Option } from 'commander';
import type { Command } from 'commander';
import type { EmitOptions } from '../verbs/emit.ts';
import { defineCommand, eventOptions, outputOption } from './command.ts';
import type { Cli } from './command.ts';

/** `lazarus emit`. */
export function emitCommand(cli: Cli): Command {
  return defineCommand<EmitOptions>(cli, {
    usage: 'emit',
    summary: 'deposit an event in the stream',
    description:
      'Deposits one event in the stream of the node and prints its id. The event comes from flags, a file, standard input or the environment of a Nagios event handler; id and time are made up when nobody gave them.',
    options: [
      ...eventOptions(),
      new Option('-f, --file <path>', 'read the event from a JSON file, - for standard input; flags win'),
      new Option('--nagios', 'read the event from the NAGIOS_* variables of an event handler').conflicts(
        'file',
      ),
      new Option('--spool <dir>', 'keep the event in this folder while the node cannot be reached').env(
        'LAZARUS_SPOOL',
      ),
      new Option('--flush', 'send what is in the spool instead of a new event'),
      new Option('--dry-run', 'print the event and send nothing'),
      outputOption('id', 'json'),
    ],
    examples: [
      [
        'lazarus emit --type HealthcheckDown --service web --host web-1 --region us-east-1 --environment prod',
        'a host is down',
      ],
      ['lazarus emit --file event.json', 'the same from a file'],
      ['lazarus emit --nagios --spool /var/spool/lazarus', 'as a Nagios event handler'],
      ['lazarus emit --flush --spool /var/spool/lazarus', 'send what had to wait, from cron'],
    ],
    run: async (options, context) => (await import('../verbs/emit.ts')).emit(options, context),
  });
}

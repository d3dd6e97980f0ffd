import { Option } from 'commander';
import type { Command } from 'commander';
import type { RolloutOptions } from '../verbs/rollouts.ts';
import { defineCommand, outputOption } from './command.ts';
import type { Cli } from './command.ts';

/** `lazarus rollouts`. */
export function rolloutsCommand(cli: Cli): Command {
  return defineCommand<{ readonly output: 'table' | 'json' }>(cli, {
    usage: 'rollouts',
    summary: 'list edits of profiles that have not reached all their services yet',
    options: [outputOption('table', 'json')],
    examples: [['lazarus rollouts', 'which wave is it, and does it go well?']],
    run: async (options, context) => (await import('../verbs/rollouts.ts')).listRollouts(options, context),
  });
}

/** `lazarus rollout`. */
export function rolloutCommand(cli: Cli): Command {
  return defineCommand<RolloutOptions>(cli, {
    usage: 'rollout <profile>',
    summary: 'stop, resume or roll back the rollout of a profile',
    description:
      'A rollout that stopped by itself goes on after resume, and counts afresh. After roll_back every service has what it had before the edit; the next edit begins a new rollout.',
    options: [
      new Option('--action <what>', 'what to do')
        .choices(['stop', 'resume', 'roll_back'])
        .makeOptionMandatory(),
      new Option('--reason <text>', 'why, for everybody who asks').makeOptionMandatory(),
      new Option('--author <name>', 'who (default: the user of this machine)').env('LAZARUS_AUTHOR'),
      outputOption('table', 'json'),
    ],
    examples: [
      [
        'lazarus rollout stateless --action roll_back --reason "too many failed replacements"',
        'take an edit back',
      ],
    ],
    run: async (options, context, [profile = '']) =>
      (await import('../verbs/rollouts.ts')).changeRollout(profile, options, context),
  });
}

import { Option } from 'commander';
import type { Command } from 'commander';
import type { PauseOptions, ResumeOptions } from '../verbs/pauses.ts';
import type { PlanOptions } from '../verbs/plan.ts';
import { defineCommand, eventOptions, outputOption } from './command.ts';
import type { Cli } from './command.ts';

/** `lazarus plan`. */
export function planCommand(cli: Cli): Command {
  return defineCommand<PlanOptions>(cli, {
    usage: 'plan',
    summary: 'say what would be decided about an event now, with no effect',
    description:
      'Walks the same ladder as a received event, hold-down and ballot included, and changes nothing; then says what the run would do, step by step, also when the rule is in mode notify or off, or a gate stops the event. The event itself is not counted: one that would be the first above a limit of failing hosts or services passes here and is stopped in earnest. Exit code 3: Lazarus would act. Exit code 4: a gate stops the event.',
    options: [
      new Option('-e, --event <path>', 'read the event from a JSON file, - for standard input; flags win'),
      ...eventOptions(),
      new Option('--evidence', 'also print what each gate saw, as JSON'),
      outputOption('text', 'json'),
    ],
    examples: [
      ['lazarus plan --event event.json', 'would this event lead to a replacement?'],
      [
        'lazarus plan --type HealthcheckDown --service web --host web-1 --region us-east-1 --environment prod',
        'the same from flags',
      ],
    ],
    run: async (options, context) => (await import('../verbs/plan.ts')).plan(options, context),
  });
}

const scopeOptions = () => [
  new Option('--region <name>', 'only this region'),
  new Option('--service <name>', 'only this service'),
];
const personOptions = () => [
  new Option('--reason <text>', 'why, for everybody who asks').makeOptionMandatory(),
  new Option('--author <name>', 'who (default: the user of this machine)').env('LAZARUS_AUTHOR'),
];

/** `lazarus pause`. */
export function pauseCommand(cli: Cli): Command {
  return defineCommand<PauseOptions>(cli, {
    usage: 'pause',
    summary: 'stop acting for a while: everything, a region or a service',
    description:
      'While a pause lasts events are escalated and never replayed. It takes effect on all nodes within 2 s and ends by itself.',
    options: [
      ...scopeOptions(),
      new Option('--for <duration>', 'how long, for example 30m or 2h; at most 30d').makeOptionMandatory(),
      ...personOptions(),
      outputOption('text', 'json'),
    ],
    examples: [
      ['lazarus pause --for 2h --reason "network maintenance"', 'stop everything'],
      ['lazarus pause --service web --for 30m --reason "release 42"', 'stop one service'],
    ],
    run: async (options, context) => (await import('../verbs/pauses.ts')).pause(options, context),
  });
}

/** `lazarus resume`. */
export function resumeCommand(cli: Cli): Command {
  return defineCommand<ResumeOptions>(cli, {
    usage: 'resume',
    summary: 'end a pause before it ends by itself',
    description:
      'Ends the pauses of exactly this scope: without region and service the pause of everything, and no other.',
    options: [...scopeOptions(), ...personOptions(), outputOption('text', 'json')],
    examples: [['lazarus resume --service web --reason "release 42 is out"', 'act on one service again']],
    run: async (options, context) => (await import('../verbs/pauses.ts')).resume(options, context),
  });
}

/** `lazarus pauses`. */
export function pausesCommand(cli: Cli): Command {
  return defineCommand<{ readonly output: 'table' | 'json' }>(cli, {
    usage: 'pauses',
    summary: 'list the pauses in force',
    options: [outputOption('table', 'json')],
    examples: [['lazarus pauses', 'who stopped what, and until when']],
    run: async (options, context) => (await import('../verbs/pauses.ts')).listPauses(options, context),
  });
}

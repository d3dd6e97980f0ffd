import { Command, Option } from 'commander';
import type { DecisionsOptions } from '../verbs/decisions.ts';
import type { ExplainOptions } from '../verbs/explain.ts';
import type { ListRunsOptions } from '../verbs/runs.ts';
import { countOption, defineCommand, outputOption } from './command.ts';
import type { Cli } from './command.ts';

const serviceOption = () => new Option('--service <name>', 'only this service');
const evidenceOption = () => new Option('--evidence', 'also print what each gate saw, as JSON');

/** `lazarus explain`. */
export function explainCommand(cli: Cli): Command {
  return defineCommand<ExplainOptions>(cli, {
    usage: 'explain <id>',
    summary: 'say why Lazarus did or did not act on an event',
    description:
      'Prints the life of one event: every gate with its reason, how each node voted, also too late, the gates that were not reached, the page, the nearest change that would have flipped the outcome, and the steps of the run; of a rule in mode notify or off, what the run would have done. The id is an event id, a decision id or a unique prefix of at least 6 characters.',
    options: [evidenceOption(), outputOption('text', 'json')],
    examples: [
      ['lazarus explain nagios/web-1/17', 'why an event ended as it did'],
      ['lazarus explain 3f9a1c -o json', 'the same as data, found by a prefix'],
    ],
    run: async (options, context, [id = '']) =>
      (await import('../verbs/explain.ts')).explain(id, options, context),
  });
}

/** `lazarus decisions`. */
export function decisionsCommand(cli: Cli): Command {
  return defineCommand<DecisionsOptions>(cli, {
    usage: 'decisions',
    summary: 'list decisions, newest first, or follow them',
    options: [
      serviceOption(),
      new Option('--host <name>', 'only this host'),
      new Option('--kind <kind>', 'only this kind').choices([
        'remediate',
        'escalate',
        'notify_only',
        'suppress',
      ]),
      countOption('-n, --limit <count>', 'how many', 20, 1000),
      new Option('--follow', 'go on with what is decided from now on'),
      outputOption('table', 'wide', 'json', 'jsonl'),
    ],
    examples: [
      ['lazarus decisions --kind escalate', 'the last 20 that woke somebody'],
      ['lazarus decisions --service web --follow', 'watch one service'],
      ['lazarus decisions -o jsonl --limit 1000', 'for a program'],
    ],
    run: async (options, context) => (await import('../verbs/decisions.ts')).decisions(options, context),
  });
}

/** `lazarus runs list` and `lazarus runs get`. */
export function runsCommand(cli: Cli): Command {
  const list = defineCommand<ListRunsOptions>(cli, {
    usage: 'list',
    summary: 'list runs, newest first',
    options: [
      serviceOption(),
      new Option('--active', 'only runs that have not ended'),
      countOption('-n, --limit <count>', 'how many', 20, 1000),
      outputOption('table', 'json', 'jsonl'),
    ],
    examples: [['lazarus runs list --active', 'what is being repaired now']],
    run: async (options, context) => (await import('../verbs/runs.ts')).listRuns(options, context),
  });
  const get = defineCommand<{ readonly output: 'text' | 'json' }>(cli, {
    usage: 'get <id>',
    summary: 'print one run with its steps',
    options: [outputOption('text', 'json')],
    examples: [['lazarus runs get 3f9a1c', 'the steps of a run, found by a prefix of its id']],
    run: async (options, context, [id = '']) =>
      (await import('../verbs/runs.ts')).getRun(id, options, context),
  });
  return new Command('runs')
    .description('list runs, or print one')
    .summary('list runs, or print one')
    .addCommand(list)
    .addCommand(get);
}

/** `lazarus forensics`. */
export function forensicsCommand(cli: Cli): Command {
  return defineCommand<{ readonly service?: string; readonly output: 'table' | 'json' }>(cli, {
    usage: 'forensics',
    summary: 'list hosts that are kept for examination',
    options: [serviceOption(), outputOption('table', 'json')],
    examples: [['lazarus forensics --service web', 'what is left of the failed hosts of one service']],
    run: async (options, context) => (await import('../verbs/forensics.ts')).forensics(options, context),
  });
}

import { Command, Option } from 'commander';
import type { GraphFormat } from '../render/workflow.ts';
import type { ValidateOptions } from '../verbs/validate.ts';
import type { DiffOptions } from '../verbs/diff.ts';
import { defineCommand, outputOption, pluginsOption } from './command.ts';
import type { Cli } from './command.ts';

/** `lazarus validate`. It needs no node. */
export function validateCommand(cli: Cli): Command {
  return defineCommand<ValidateOptions>(cli, {
    usage: 'validate [paths...]',
    summary: 'check rules, profiles, services, workflows and settings, without a node',
    description:
      'Checks documents as a node would that loads them together, and prints every problem with its place. Without paths the folder config is checked. Exit code 1: only warnings. Exit code 2: a node would refuse them.',
    options: [pluginsOption(), outputOption('text', 'json', 'github', 'sarif')],
    examples: [
      ['lazarus validate config', 'a whole configuration'],
      ['lazarus validate rules/host-down.yaml workflows/restart.yaml', 'some documents'],
      ['lazarus validate config -o github', 'in a workflow of GitHub Actions'],
      [
        'lazarus validate config --plugins ./lazarus.plugins.ts',
        'with actions and preconditions of your own',
      ],
    ],
    run: async (options, context, paths) =>
      (await import('../verbs/validate.ts')).validate(
        paths.length === 0 ? ['config'] : paths,
        options,
        context,
      ),
  });
}

/** `lazarus diff`. It needs no node. */
export function diffCommand(cli: Cli): Command {
  return defineCommand<DiffOptions>(cli, {
    usage: 'diff <before> <after>',
    summary: 'say what a change of the configuration changes',
    description:
      'Compares two folders of documents by what they mean: the effective rules of every service, with each value that differs and where it comes from, and the recorded events that would be answered otherwise. Exit code 1: they differ.',
    options: [
      new Option(
        '--events <file>',
        'recorded events or decisions, one JSON value a line, - for standard input',
      ),
      pluginsOption(),
      outputOption('text', 'json'),
    ],
    examples: [
      ['lazarus diff config new-config', 'which services a change reaches'],
      [
        'lazarus decisions -o jsonl -n 1000 | lazarus diff config new-config --events -',
        'also what it would have changed for the last 1000 events',
      ],
    ],
    run: async (options, context, [before = '', after = '']) =>
      (await import('../verbs/diff.ts')).diff([before, after], options, context),
  });
}

/** `lazarus workflow graph`. It needs no node. */
export function workflowCommand(cli: Cli): Command {
  const graph = defineCommand<{ readonly output: GraphFormat; readonly plugins: readonly string[] }>(cli, {
    usage: 'graph <file>',
    summary: 'draw a workflow',
    description: 'Draws a workflow document, or a workflow that comes with Lazarus, by its name.',
    options: [pluginsOption(), outputOption('text', 'mermaid', 'dot')],
    examples: [
      [
        'lazarus workflow graph default.replace_host',
        'the steps of the main job, in the order in which they start',
      ],
      ['lazarus workflow graph restart.yaml -o mermaid', 'for a Markdown document'],
    ],
    run: async (options, context, [file = '']) =>
      (await import('../verbs/workflow-graph.ts')).workflowGraph(file, options, context),
  });
  return new Command('workflow')
    .description('look at workflows')
    .summary('look at workflows')
    .addCommand(graph);
}

import { Option } from 'commander';
import type { Command } from 'commander';
import type { TestOptions } from '../runbook-tests/test-options.ts';
import type { RecordOptions } from '../verbs/test-record.ts';
import {
  defineCommand,
  outputOption,
  patternOption,
  percentOption,
  pluginsOption,
  seedOption,
} from './command.ts';
import type { Cli } from './command.ts';

/** `lazarus test` and `lazarus test record`. Only the second one may need a node. */
export function testCommand(cli: Cli): Command {
  return defineCommand<TestOptions>(cli, {
    usage: 'test [paths...]',
    summary: 'run the tests of rules and runbooks, without a node',
    description:
      'Runs the tests in files named *.test.yaml (without paths: below this folder) in virtual time: rules with three nodes that vote, workflows against mocked actions. A path may end in :LINE; then only the test at that line runs. Exit code 1: a test failed, or the coverage is below --min. Exit code 2: no test was found, or a file is invalid.',
    options: [
      patternOption('--run <regexp>', 'run only the tests whose name matches'),
      new Option('--bail', 'stop at the first test that fails'),
      new Option('--coverage', 'say which ends of steps and of prechecks no test has seen'),
      percentOption('--min <percent>', 'fail when a workflow or a rule is covered less (implies --coverage)'),
      new Option('--watch', 'run again what a changed file touches, until Ctrl-C'),
      new Option('--update', 'write what happened over the expectations that did not hold'),
      seedOption('--seed <number>', 'seed of jitter, links and of which node takes an event (default: 1)'),
      pluginsOption(),
      outputOption('pretty', 'json', 'junit', 'tap'),
    ],
    examples: [
      ['lazarus test', 'every test below this folder'],
      ['lazarus test restart.test.yaml:14', 'the test at line 14'],
      ['lazarus test --watch --plugins ./lazarus.plugins.ts', 'while you write, with actions of your own'],
      ['lazarus test workflows --coverage --min 90 -o junit', 'in a pipeline'],
    ],
    run: async (options, context, paths) =>
      (await import('../verbs/test.ts')).test(paths.length === 0 ? ['.'] : paths, options, context),
  }).addCommand(recordCommand(cli));
}

/** `lazarus test record`. */
function recordCommand(cli: Cli): Command {
  return defineCommand<RecordOptions>(cli, {
    usage: 'record [rules...]',
    summary: 'make a test of a recorded decision, with secrets and names removed',
    description:
      'Reads a decision and its run from the node, or from a file, and writes a test that passes with the given rules (without any: ./config): the votes of every node, what each step answered, and what was decided. Hosts, ids, accounts and addresses get other names, the same everywhere; secrets are left out. What was changed is said on standard error. Exit code 1: with these rules it is decided otherwise, or it cannot be told from one event.',
    options: [
      new Option('--decision <id>', 'event id, decision id, or a unique prefix of at least 6 characters'),
      new Option(
        '--from <file>',
        'read decisions and runs from this file instead (lazarus decisions -o jsonl, lazarus runs get ID -o json), - for standard input',
      ),
      new Option('--out <file>', 'file to write (default: recorded.test.yaml)').default(
        'recorded.test.yaml',
        'recorded.test.yaml',
      ),
      new Option('--force', 'write over an existing file'),
      pluginsOption(),
    ],
    examples: [
      ['lazarus test record --decision 3f9a1c config', 'the decision 3f9a1c, under the rules in config'],
      [
        'lazarus decisions -o jsonl | lazarus test record --from - --decision 3f9a1c --out incident.test.yaml',
        'what somebody has saved',
      ],
    ],
    run: async (options, context, rules) =>
      (await import('../verbs/test-record.ts')).recordTest(
        rules.length === 0 ? ['config'] : rules,
        options,
        context,
      ),
  });
}

import { Command, Option } from 'commander';
import { durationOption } from './commands/command.ts';
import type { Cli } from './commands/command.ts';
import { pauseCommand, pausesCommand, planCommand, resumeCommand } from './commands/control.ts';
import { rolloutCommand, rolloutsCommand } from './commands/rollouts.ts';
import { diffCommand, validateCommand, workflowCommand } from './commands/documents.ts';
import { emitCommand } from './commands/emit.ts';
import { completionCommand, devCertsCommand, doctorCommand } from './commands/machine.ts';
import { decisionsCommand, explainCommand, forensicsCommand, runsCommand } from './commands/read.ts';
import { testCommand } from './commands/test.ts';
import { EXIT_MEANINGS } from './exit-code.ts';
import { packageVersion } from './package-version.ts';

/** Where a node listens when nobody says otherwise. */
export const DEFAULT_URL = 'http://127.0.0.1:7400';

/** The whole command line, declared and not yet run. */
export function createProgram(cli: Cli): Command {
  const program: Command = new Command('lazarus')
    .description(
      'Talk to a node of Lazarus: emit events, explain decisions, pause, plan; validate and test documents.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .addOption(new Option('--url <url>', 'address of the node').env('LAZARUS_URL').default(DEFAULT_URL))
    .addOption(
      new Option('--token-file <path>', 'file with the token of the node (or LAZARUS_TOKEN)').env(
        'LAZARUS_TOKEN_FILE',
      ),
    )
    .addOption(
      durationOption(
        '--timeout <duration>',
        'longest wait for an answer (default: 5s for emit, 60s for plan, else 10s)',
      ),
    )
    .addHelpText('after', exitCodesText())
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: true });
  const commands = [
    emitCommand(cli),
    explainCommand(cli),
    decisionsCommand(cli),
    runsCommand(cli),
    planCommand(cli),
    pauseCommand(cli),
    resumeCommand(cli),
    rolloutsCommand(cli),
    rolloutCommand(cli),
    pausesCommand(cli),
    forensicsCommand(cli),
    validateCommand(cli),
    testCommand(cli),
    diffCommand(cli),
    workflowCommand(cli),
    doctorCommand(cli),
    devCertsCommand(cli),
    completionCommand(cli, () => program),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of allCommands(program)) prepare(command, cli);
  return program;
}

/** A program and the commands in it, at any depth. */
export function allCommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

/** What has to be said to each command, because commands made apart do not inherit it. */
function prepare(command: Command, { terminal }: Cli): void {
  command
    .showHelpAfterError(`  See ${pathOf(command)} --help.`)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, helpWidth: 100 })
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'lazarus: ')),
    });
}

/** `lazarus runs get` of the command `get`. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function exitCodesText(): string {
  const lines = EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`);
  return ['', 'Exit codes:', ...lines].join('\n');
}

import { Command, InvalidArgumentError, Option } from 'commander';
import { createContext } from '../context.ts';
import type { Context, GlobalOptions } from '../context.ts';
import type { ExitCode } from '../exit-code.ts';
import type { Terminal } from '../terminal.ts';

/** What declares a command needs: the terminal it will run in, and where its exit code goes. */
export interface Cli {
  readonly terminal: Terminal;
  readonly end: (code: ExitCode) => void;
}

/** The work of a command: the arguments it was given, its options, its context. */
type Verb<O> = (options: O, context: Context, operands: readonly string[]) => Promise<ExitCode>;

/**
 * A command with its examples. The work is imported when the command runs, so that starting one does not load the others.
 */
export function defineCommand<O>(
  cli: Cli,
  definition: {
    readonly usage: string;
    readonly summary: string;
    readonly description?: string;
    readonly examples: readonly (readonly [string, string])[];
    readonly options: readonly Option[];
    readonly run: Verb<O>;
  },
): Command {
  const command = new Command().command(definition.usage).summary(definition.summary);
  command.description(definition.description ?? definition.summary);
  for (const option of definition.options) command.addOption(option);
  command.addHelpText('after', examplesText(definition.examples));
  return command.action(async () => {
    const options = command.optsWithGlobals<O & GlobalOptions>();
    cli.end(await definition.run(options, createContext(cli.terminal, options), command.args));
  });
}

function examplesText(examples: readonly (readonly [string, string])[]): string {
  return ['', 'Examples:', ...examples.flatMap(([line, what]) => [`  # ${what}`, `  $ ${line}`])].join('\n');
}

/** `-o, --output` with its formats; the first is the default. */
export function outputOption(...formats: readonly [string, ...string[]]): Option {
  return new Option('-o, --output <format>', 'how to print').choices(formats).default(formats[0]);
}

/** An option that takes a whole number from 1 to `max`. */
export function countOption(flags: string, description: string, initial: number, max: number): Option {
  return new Option(flags, description).default(initial).argParser((text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= 1 && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${max}.`);
  });
}

/** An option that takes a whole number from 0. */
export function seedOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text)) return value;
    throw new InvalidArgumentError('Expected a whole number of at most 9 digits.');
  });
}

/** `--plugins`, for commands that read documents: what a node has under `plugins` in its settings. */
export function pluginsOption(): Option {
  return new Option(
    '--plugins <module>',
    'file or package that exports actions, preconditions or eventTypes; may be repeated',
  )
    .default([], 'none')
    .argParser((file: string, previous: readonly string[]) => [...previous, file]);
}

/** An option that takes a percentage, as a part of 1. */
export function percentOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= 0 && value <= 100) return value / 100;
    throw new InvalidArgumentError('Expected a number from 0 to 100.');
  });
}

/** An option that takes a regular expression. */
export function patternOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    try {
      return new RegExp(text, 'u');
    } catch {
      throw new InvalidArgumentError('Expected a regular expression.');
    }
  });
}

/** An option that takes a duration such as `5s`, in milliseconds. */
export function durationOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const parts = /^(?<amount>\d{1,6})(?<unit>ms|s|m)$/.exec(text)?.groups;
    if (parts === undefined) throw new InvalidArgumentError('Expected a duration such as 500ms, 5s or 1m.');
    return Number(parts.amount) * { ms: 1, s: 1_000, m: 60_000 }[parts.unit as 'ms' | 's' | 'm'];
  });
}

/** The flags that describe an event. */
export function eventOptions(): readonly Option[] {
  return [
    new Option('--type <type>', 'event type, for example HealthcheckDown'),
    new Option('--service <name>', 'service the event is about'),
    new Option('--host <name>', 'id or name of the host; without it the event is about the service'),
    new Option('--region <name>', 'region (default: LAZARUS_REGION)'),
    new Option('--environment <name>', 'environment, for example prod (default: LAZARUS_ENVIRONMENT)'),
    new Option('--account <id>', 'account at the provider'),
    new Option('--source <name>', 'who says so (default: cli)'),
    new Option('--incident-key <key>', 'key of the page that belongs to the event'),
    new Option('--summary <text>', 'one sentence for people'),
    new Option('--attribute <name=value...>', 'attribute of the event; name:=json for anything but text'),
    new Option('--id <id>', 'id, unique for its source (default: a new one)'),
    new Option('--time <time>', 'when it happened, ISO 8601 (default: now)'),
  ];
}

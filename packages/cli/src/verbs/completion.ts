import type { Command } from 'commander';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import type { Terminal } from '../terminal.ts';

/** Prints the completion script of a shell, made from the commands as they are declared. */
export async function completion(shell: string, program: Command, terminal: Terminal): Promise<ExitCode> {
  const words = describe(program);
  terminal.out(shell === 'fish' ? fishScript(words) : shell === 'zsh' ? zshScript(words) : bashScript(words));
  return EXIT.ok;
}

/** What may follow one command. */
interface Words {
  /** `` for the program, `runs`, `runs list`. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly {
    readonly long: string;
    readonly description: string;
    readonly choices: readonly string[];
  }[];
  /** Values of the first argument. */
  readonly choices: readonly string[];
}

function describe(program: Command): readonly Words[] {
  const globals = optionsOf(program);
  const visit = (command: Command, path: readonly string[]): readonly Words[] => [
    {
      path: path.join(' '),
      commands: command.commands.map((child) => ({ name: child.name(), summary: child.summary() })),
      options: command === program ? globals : [...optionsOf(command), ...globals],
      choices: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
    },
    ...command.commands.flatMap((child) => visit(child, [...path, child.name()])),
  ];
  return visit(program, []);
}

function optionsOf(command: Command): Words['options'] {
  return command.options.flatMap((option) =>
    typeof option.long !== 'string'
      ? []
      : [{ long: option.long, description: option.description, choices: option.argChoices ?? [] }],
  );
}

const functionBody = (words: readonly Words[], line: (entry: Words) => string): string =>
  words.map(line).join('\n');

function allWords({ commands, options, choices }: Words): string {
  return [...commands.map(({ name }) => name), ...choices, ...options.map(({ long }) => long), '--help'].join(
    ' ',
  );
}

/** Walks the words before the cursor as far as they name commands, then offers what may follow. */
function bashScript(words: readonly Words[]): string {
  const paths = words.map(({ path }) => `'${path}'`).join('|');
  const cases = functionBody(words, (entry) => `    '${entry.path}') words='${allWords(entry)}' ;;`);
  const values = [...new Map(words.flatMap(({ options }) => options).map((option) => [option.long, option]))]
    .filter(([, { choices }]) => choices.length > 0)
    .flatMap(([long]) => [long]);
  const choices = words.flatMap(({ path, options }) =>
    options
      .filter(({ long, choices: some }) => some.length > 0 && values.includes(long))
      .map(({ long, choices: some }) => `    '${path} ${long}') words='${some.join(' ')}' ;;`),
  );
  return `# bash completion for lazarus
_lazarus() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path='' next words='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    next="\${path:+$path }\${COMP_WORDS[index]}"
    case "$next" in ${paths}) path="$next" ;; esac
  done
  case "$path" in
${cases}
  esac
  case "$path $previous" in
${choices.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _lazarus lazarus
`;
}

/** zsh runs the bash function through its own compatibility layer. */
function zshScript(words: readonly Words[]): string {
  return `#compdef lazarus
autoload -Uz bashcompinit && bashcompinit
${bashScript(words)}`;
}

function fishScript(words: readonly Words[]): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = words.flatMap(({ path, commands, options, choices }) => {
    const condition = fishCondition(
      path,
      commands.map(({ name }) => name),
    );
    return [
      ...commands.map(
        ({ name, summary }) =>
          `complete -c lazarus -f -n ${quote(condition)} -a ${name} -d ${quote(summary)}`,
      ),
      ...choices.map((choice) => `complete -c lazarus -f -n ${quote(condition)} -a ${choice}`),
      ...options.map(({ long, description, choices: values }) => {
        const given = values.length === 0 ? '' : ` -x -a ${quote(values.join(' '))}`;
        return `complete -c lazarus -n ${quote(condition)} -l ${long.slice(2)}${given} -d ${quote(description)}`;
      }),
    ];
  });
  return ['# fish completion for lazarus', ...lines, ''].join('\n');
}

function fishCondition(path: string, children: readonly string[]): string {
  const seen = path
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => `__fish_seen_subcommand_from ${word}`);
  const notYet = children.length === 0 ? [] : [`not __fish_seen_subcommand_from ${children.join(' ')}`];
  return [...seen, ...notYet].join('; and ') || 'true';
}

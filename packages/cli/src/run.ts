import { ConfigurationError } from '@lazarus/core';
import { CommanderError } from 'commander';
import { CliFailure } from './cli-failure.ts';
import { EXIT } from './exit-code.ts';
import type { ExitCode } from './exit-code.ts';
import { createProgram } from './program.ts';
import type { Terminal } from './terminal.ts';

/**
 * Runs one command line and returns its exit code. Never throws: what goes wrong becomes one line for a person.
 *
 * @param words - The command line after the name of the program.
 */
export async function run(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = createProgram({ terminal, end: (ended) => (code = ended) });
  try {
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    return explainFailure(error, terminal);
  }
}

function explainFailure(error: unknown, terminal: Terminal): ExitCode {
  if (error instanceof CommanderError) {
    // Commander has printed help, version or the mistake already. Help that nobody asked for is a mistake, too.
    return error.exitCode === 0 ? EXIT.ok : EXIT.invalid;
  }
  if (error instanceof CliFailure) {
    terminal.err([`lazarus: ${error.message}`, ...error.lines.map((line) => `  ${line}`), ''].join('\n'));
    return error.exitCode;
  }
  if (error instanceof ConfigurationError) {
    terminal.err(`lazarus: ${error.message}\n`);
    return EXIT.invalid;
  }
  if (terminal.signal.aborted) return EXIT.interrupted;
  terminal.err(`lazarus: ${error instanceof Error ? error.message : String(error)}\n`);
  return EXIT.failed;
}

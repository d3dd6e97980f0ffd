import type { ExitCode } from './exit-code.ts';

/** A command that cannot go on, with what to tell the person and how the process ends. Never shown with a stack. */
export class CliFailure extends Error {
  readonly exitCode: ExitCode;
  readonly lines: readonly string[];

  constructor(exitCode: ExitCode, message: string, lines: readonly string[] = []) {
    super(message);
    this.name = 'CliFailure';
    this.exitCode = exitCode;
    this.lines = lines;
  }
}

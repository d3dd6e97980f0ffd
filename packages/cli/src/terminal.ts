/** Everything a command knows of the outside world, so that it can be run in a test. */
export interface Terminal {
  /** Data, on standard output. */
  out(text: string): void;
  /** Everything else, on standard error. */
  err(text: string): void;
  /** All of standard input, as text. */
  readInput(): Promise<string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether standard output may be colored. */
  readonly color: boolean;
  /** Whether a person looks at standard output, so that it may be cleared. @defaultValue false */
  readonly isTty?: boolean;
  /** Wall time, milliseconds. */
  now(): number;
  newId(): string;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Colors are for people: never in a pipe, never with NO_COLOR, always with FORCE_COLOR. */
export function wantsColor(env: Terminal['env'], isTty: boolean): boolean {
  if ((env.NO_COLOR ?? '') !== '') return false;
  if ((env.FORCE_COLOR ?? '') !== '' && env.FORCE_COLOR !== '0') return true;
  return isTty && env.TERM !== 'dumb';
}

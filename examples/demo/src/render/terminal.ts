import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Prints readable lines; colors only on a terminal that wants them. */
export interface Terminal {
  readonly color: boolean;
  line(text?: string): void;
  paint(format: Format, text: string): string;
  /** A line with the seconds since `startedMs` in front. */
  timed(startedMs: number, who: string, text: string): void;
}

/** Creates a {@link Terminal} on a stream. */
export function createTerminal(
  stream: NodeJS.WriteStream,
  environment: NodeJS.ProcessEnv = process.env,
): Terminal {
  const color = stream.isTTY && environment['NO_COLOR'] === undefined;
  const paint = (format: Format, text: string): string =>
    color ? styleText(format, text, { validateStream: false }) : text;
  return {
    color,
    paint,
    line: (text = '') => void stream.write(`${text}\n`),
    timed(startedMs, who, text) {
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(5);
      stream.write(`${paint('dim', `${seconds} s`)}  ${who.padEnd(10)} ${text}\n`);
    },
  };
}

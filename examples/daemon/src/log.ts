import type { Logger } from '@lazarus/core/ports';

/** One JSON line per entry on standard error; standard output is for what a program reads. */
export function createJsonLogger(write: (line: string) => void): Logger {
  const at =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
      write(`${JSON.stringify({ at: new Date().toISOString(), level, message, ...fields })}\n`);
  return { debug: () => undefined, info: at('info'), warn: at('warn'), error: at('error') };
}

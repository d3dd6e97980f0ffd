import { PortError } from '@lazarus/core';

/** A file that cannot be read, with what names it. */
export function unreadable(what: string, file: string, error: unknown): PortError {
  const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
  const why = code === 'ENOENT' ? 'there is no such file' : code;
  return new PortError({
    code: 'LZ_CONFIG_UNREADABLE',
    message: `${what} cannot be read: ${file}: ${why}`,
    retryable: false,
    cause: error,
  });
}

import { isLazarusError, PortError } from '@lazarus/core';

/** Primary result codes of SQLite that mean damage of the file itself: CORRUPT and NOTADB. */
const DAMAGED = new Set([11, 26]);

/** Codes that may pass by themselves: BUSY, LOCKED, IOERR, FULL. */
const PASSING = new Set([5, 6, 10, 13]);

function resultCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

/**
 * Turns a failure of SQLite into the port's error: a damaged file is `LZ_AUDIT_CORRUPT`, everything else (disk full,
 * read-only, locked, closed) is `LZ_AUDIT_UNAVAILABLE`.
 */
export function toAuditError(error: unknown, file: string): PortError {
  if (isLazarusError(error) && error instanceof PortError) return error;
  const code = resultCode(error);
  const text = error instanceof Error ? error.message : String(error);
  if (code !== undefined && DAMAGED.has(code)) {
    return new PortError({
      code: 'LZ_AUDIT_CORRUPT',
      message: `audit log ${file} is damaged (${text}): keep the file for examination and start with a fresh one`,
      details: { file },
      retryable: false,
      cause: error,
    });
  }
  return new PortError({
    code: 'LZ_AUDIT_UNAVAILABLE',
    message: `audit log ${file} cannot be used (${text}): check disk space and permissions`,
    details: { file },
    retryable: code !== undefined && PASSING.has(code),
    cause: error,
  });
}

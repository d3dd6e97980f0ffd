/** What went wrong at the machine, in words; codes that people rarely meet stay as they are. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
  ECONNREFUSED: 'nothing listens there (ECONNREFUSED)',
  ECONNRESET: 'the connection was cut (ECONNRESET)',
  ENOTFOUND: 'no name server knows this host (ENOTFOUND)',
  EHOSTUNREACH: 'no route leads there (EHOSTUNREACH)',
  ETIMEDOUT: 'nobody answered (ETIMEDOUT)',
};

/** Why a file could not be read, or a node not be reached. */
export function systemReason(error: unknown): string {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  return (code === undefined ? undefined : (REASONS[code] ?? code)) ?? message ?? 'unknown reason';
}

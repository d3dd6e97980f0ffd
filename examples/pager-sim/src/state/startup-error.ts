/** The pager cannot start; the message says what happened, to which thing, and what to do. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}

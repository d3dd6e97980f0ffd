/**
 * Lets everything run that is already due: resolves after the promise jobs that exist now, and those that they cause,
 * are done.
 */
export function turnOfTheEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

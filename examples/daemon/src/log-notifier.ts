import type { Logger, Notifier } from '@lazarus/core/ports';

/** Notifications as log lines, until a channel is configured. */
export function createLogNotifier(log: Logger): Notifier {
  return {
    send: (notification) => Promise.resolve(log.info('notification', { ...notification })),
  };
}

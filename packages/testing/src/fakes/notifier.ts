import { PortError } from '@lazarus/core';
import type { Notification, Notifier } from '@lazarus/core/ports';

/** A notifier that keeps what was sent. */
export interface FakeNotifier extends Notifier {
  readonly sent: readonly Notification[];
  /** From now on every call fails with `LZ_NOTIFY_FAILED`; `undefined` heals it. */
  fail(reason: string | undefined): void;
}

/** Creates a {@link FakeNotifier}. */
export function createFakeNotifier(): FakeNotifier {
  const sent: Notification[] = [];
  let failure: string | undefined;
  return {
    sent,
    fail: (reason) => {
      failure = reason;
    },
    send: async (notification, options) => {
      options?.signal?.throwIfAborted();
      if (failure !== undefined)
        throw new PortError({ code: 'LZ_NOTIFY_FAILED', message: failure, retryable: true });
      sent.push(notification);
    },
  };
}

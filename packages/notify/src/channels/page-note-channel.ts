import type { Notification } from '@lazarus/core/ports';

import type { Channel } from '../channel.ts';

/** What {@link createPageNoteChannel} needs. */
export interface PageNotePorts {
  /** Writes a note to the page, as `annotate` of a pager does. */
  readonly annotate: (call: {
    readonly incidentKey: string;
    readonly note: string;
    readonly signal: AbortSignal;
  }) => Promise<void>;
  /** Finds the page of a notification, for example in the audit log; `undefined` when there is none. */
  readonly incidentKeyOf: (notification: Notification) => Promise<string | undefined>;
}

/** Makes a channel that writes to the page itself, where whoever is woken looks first. */
export function createPageNoteChannel(ports: PageNotePorts): Channel {
  return {
    deliver: async ({ notification, subject, body }, _target, { signal }) => {
      const incidentKey = await ports.incidentKeyOf(notification);
      if (incidentKey !== undefined)
        await ports.annotate({ incidentKey, note: `${subject}\n${body}`, signal });
    },
  };
}

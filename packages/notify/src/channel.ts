import type { Notification } from '@lazarus/core/ports';

/** A notification in words, ready to be sent. */
export interface Message {
  readonly notification: Notification;
  /** One line without control characters. */
  readonly subject: string;
  /** Plain text. */
  readonly body: string;
  /** Where to read more, when there is a console. */
  readonly link?: string;
}

/** A way to reach people. */
export interface Channel {
  /**
   * Delivers one message to one target (`#orchestration`, `team@example.com`); what a target is depends on the channel.
   *
   * @throws PortError `LZ_NOTIFY_FAILED`.
   */
  deliver(message: Message, target: string, options: { readonly signal: AbortSignal }): Promise<void>;
  /** Ends open connections. */
  close?(): Promise<void>;
}

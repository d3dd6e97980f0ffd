/** Critical steps about which people are told. */
export type NotificationKind =
  'acknowledged' | 'resolved' | 'escalated' | 'notify_only' | 'would_have_remediated' | 'alarm';

/** One message about one decision. */
export interface Notification {
  readonly kind: NotificationKind;
  /** Where it goes: the rule's or the team's notification group. */
  readonly group: string;
  readonly service: string;
  readonly decisionId?: string;
  readonly eventId?: string;
  /** Plain text, one line. */
  readonly text: string;
}

/** Tells people. A failed notification never stops a remediation and never blocks a page. */
export interface Notifier {
  /** @throws PortError `LZ_NOTIFY_FAILED`. */
  send(notification: Notification, options?: { readonly signal?: AbortSignal }): Promise<void>;
}

/** Tells teams what was decided: routing, templates and channels. */
export type { Channel, Message } from './channel.ts';
export { createConsoleChannel } from './channels/console-channel.ts';
export { createEmailChannel, EmailChannelOptions } from './channels/email-channel.ts';
export { createPageNoteChannel, type PageNotePorts } from './channels/page-note-channel.ts';
export { createSlackChannel, SlackChannelOptions } from './channels/slack-channel.ts';
export { createWebhookChannel, WebhookChannelOptions } from './channels/webhook-channel.ts';
export {
  type ChannelNotifier,
  createNotifier,
  NotifierOptions,
  type NotifierOptionsInput,
  type NotifierPorts,
} from './notifier.ts';
export { Destination, Route } from './routing.ts';
export { DEFAULT_TEMPLATES, type Template } from './templates.ts';

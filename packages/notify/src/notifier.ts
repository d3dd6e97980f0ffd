import type { Clock, Logger, Meter, Notification, Notifier } from '@lazarus/core/ports';

import { ConfigurationError, describeError, PortError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import { withTimeout } from '@lazarus/core/time';
import { z } from 'zod';

import type { Channel, Message } from './channel.ts';
import { chooseDestinations, Destination, NOTIFICATION_KINDS, Route } from './routing.ts';
import { CALM, limitStorm, type StormState } from './storm-limit.ts';
import { checkTemplates, DEFAULT_TEMPLATES, renderMessage } from './templates.ts';

const TemplateOptions = z.strictObject({
  subject: z.string().min(1).max(500),
  body: z.string().min(1).max(20_000),
});

/** Options of {@link createNotifier}. */
export const NotifierOptions = z.strictObject({
  /** Routes from notification groups to channels; every matching one counts. */
  routes: z.array(Route).readonly().default([]),
  /** Where goes what no route wants. */
  fallback: z.array(Destination).readonly().default([]),
  /** Words by kind, in place of the built-in ones. */
  templates: z.partialRecord(z.enum(NOTIFICATION_KINDS), TemplateOptions).default({}),
  /** Address of the console, for links. */
  consoleUrl: z.url().optional(),
  /** Longest time of one delivery, milliseconds. */
  timeoutMs: z.int().min(10).max(60_000).default(5000),
  /** Most messages to one target in a window. */
  storm: z
    .strictObject({
      maxPerWindow: z.int().min(1).max(10_000).default(30),
      windowMs: z.int().min(1000).max(3_600_000).default(60_000),
    })
    .prefault({}),
});

/** Options as a caller writes them. */
export type NotifierOptionsInput = z.input<typeof NotifierOptions>;

/** Ports of {@link createNotifier}. */
export interface NotifierPorts {
  /** Channels by the names that routes use. */
  readonly channels: Readonly<Record<string, Channel>>;
  readonly clock: Clock;
  readonly logger?: Logger;
  readonly meter?: Meter;
}

/** Tells people over several channels. */
export interface ChannelNotifier extends Notifier {
  /** Ends the channels. */
  close(): Promise<void>;
}

function checkChannels(options: z.output<typeof NotifierOptions>, channels: NotifierPorts['channels']): void {
  const places = [
    ...options.routes.flatMap(({ to }, route) =>
      to.map((each, n) => [`routes.${route}.to.${n}`, each] as const),
    ),
    ...options.fallback.map((each, n) => [`fallback.${n}`, each] as const),
  ];
  const issues = places
    .filter(([, { channel }]) => !Object.hasOwn(channels, channel))
    .map(([path, { channel }]) => ({
      path: `${path}.channel`,
      message: `there is no channel "${channel}"`,
      hint: `channels are ${Object.keys(channels).join(', ') || 'none'}`,
    }));
  if (issues.length === 0) return;
  throw new ConfigurationError({
    code: 'LZ_OPTION_INVALID',
    summary: 'createNotifier: unknown channels',
    issues,
  });
}

/**
 * Makes the notifier. All destinations of a notification are tried at the same time, each within its own limit, so that
 * one that hangs delays nobody. What fails is logged and counted; `send` rejects only when nobody could be told.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID` for options, templates, or routes to channels that do not exist.
 * @example
 * ```ts
 * const notifier = createNotifier({
 *   channels: { console: createConsoleChannel({ write: (line) => process.stdout.write(line) }) },
 *   fallback: [{ channel: 'console' }],
 *   clock: createSystemClock(),
 * });
 * ```
 */
export function createNotifier(options: NotifierOptionsInput & NotifierPorts): ChannelNotifier {
  const { channels, clock, logger, meter, ...rest } = options;
  const settings = parseOptions('createNotifier', NotifierOptions, rest);
  checkChannels(settings, channels);
  const templates = { ...DEFAULT_TEMPLATES, ...settings.templates };
  checkTemplates(templates);
  const storms = new Map<string, StormState>();

  const admit = (to: Destination, message: Message): Message | undefined => {
    const key = JSON.stringify([to.channel, to.target]);
    const { state, verdict } = limitStorm(storms.get(key) ?? CALM, settings.storm, clock.monotonic());
    storms.set(key, state);
    if (!verdict.send) return undefined;
    if (verdict.heldBack === 0) return message;
    return {
      ...message,
      body: `${message.body}\n(${verdict.heldBack} messages before this one were held back)`,
    };
  };

  const deliver = async (
    to: Destination,
    message: Message,
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    const count = (outcome: string): void =>
      meter?.count('lazarus_notifications_total', { channel: to.channel, outcome });
    const admitted = admit(to, message);
    if (admitted === undefined) {
      count('held_back');
      return;
    }
    try {
      await withTimeout(clock, settings.timeoutMs, signal, async (abortSignal) => {
        await channels[to.channel]?.deliver(admitted, to.target, { signal: abortSignal });
      });
      count('delivered');
    } catch (error) {
      count('failed');
      logger?.warn('notification was not delivered', { channel: to.channel, error: describeError(error) });
      throw error;
    }
  };

  const send = async (notification: Notification, signal: AbortSignal | undefined): Promise<void> => {
    const destinations = chooseDestinations(notification, settings.routes, settings.fallback);
    const message = renderMessage(notification, templates[notification.kind], settings.consoleUrl);
    const outcomes = await Promise.allSettled(destinations.map((to) => deliver(to, message, signal)));
    signal?.throwIfAborted();
    if (outcomes.some(({ status }) => status === 'fulfilled')) return;
    const reasons = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [describeError(outcome.reason)] : [],
    );
    throw new PortError({
      code: 'LZ_NOTIFY_FAILED',
      message:
        reasons.length === 0
          ? `no route and no fallback for group ${notification.group}: nobody was told`
          : `nobody of group ${notification.group} could be told (${reasons.join('; ')})`,
      details: { group: notification.group },
      retryable: reasons.length > 0,
    });
  };

  return {
    send: async (notification, call) => send(notification, call?.signal),
    close: async () => {
      await Promise.allSettled(Object.values(channels).map(async (channel) => channel.close?.()));
    },
  };
}

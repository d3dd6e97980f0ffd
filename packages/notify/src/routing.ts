import type { Notification, NotificationKind } from '@lazarus/core/ports';

import { z } from 'zod';

/** Every kind of notification, for the schema of routes and templates. */
export const NOTIFICATION_KINDS = [
  'acknowledged',
  'resolved',
  'escalated',
  'notify_only',
  'would_have_remediated',
  'alarm',
] as const satisfies readonly NotificationKind[];

/** Where one message goes. */
export const Destination = z.strictObject({
  /** Name of a channel. */
  channel: z.string().min(1),
  /** Slack channel, address, or whatever the channel calls its targets. */
  target: z.string().max(1024).default(''),
});

/** A place to which a message goes. */
export type Destination = z.output<typeof Destination>;

/** One route. All conditions that are given must hold. */
export const Route = z.strictObject({
  /** Notification group, as the rules name it; `*` is every group. */
  group: z.string().min(1),
  /** Services; all when absent. */
  services: z.array(z.string().min(1)).min(1).readonly().optional(),
  /** Kinds; all when absent. */
  kinds: z.array(z.enum(NOTIFICATION_KINDS)).min(1).readonly().optional(),
  to: z.array(Destination).min(1).readonly(),
});

/** A route from groups to channels. */
export type Route = z.output<typeof Route>;

function applies(route: Route, { group, service, kind }: Notification): boolean {
  return (
    (route.group === '*' || route.group === group) &&
    (route.services?.includes(service) ?? true) &&
    (route.kinds?.includes(kind) ?? true)
  );
}

/**
 * Chooses where a notification goes: to everything that any matching route names, once each, else to the fallback. What
 * no route wants is not dropped in silence.
 */
export function chooseDestinations(
  notification: Notification,
  routes: readonly Route[],
  fallback: readonly Destination[],
): readonly Destination[] {
  const chosen = routes.filter((route) => applies(route, notification)).flatMap(({ to }) => to);
  const distinct = new Map(chosen.map((to) => [JSON.stringify([to.channel, to.target]), to]));
  return distinct.size > 0 ? [...distinct.values()] : fallback;
}

import type { Clock } from '@lazarus/core/ports';
import { createHmac } from 'node:crypto';

import { parseOptions } from '@lazarus/core/errors';
import { z } from 'zod';

import type { Channel } from '../channel.ts';
import { post } from '../post-json.ts';

/** Options of {@link createWebhookChannel}. */
export const WebhookChannelOptions = z.strictObject({
  /** Where to post; a route's target replaces it. */
  url: z.url({ protocol: /^https?$/ }),
  /** Further headers, for example an authorization. */
  headers: z.record(z.string(), z.string()).default({}),
  /** Key of the signature; without it messages are not signed. */
  secret: z.string().min(16).optional(),
});

/**
 * Makes a channel that posts JSON. With a secret, `x-lazarus-signature` is `v1=` and the hex HMAC-SHA256 of the header
 * `x-lazarus-timestamp` (seconds), a dot, and the body: check it and the age of the timestamp before believing it.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function createWebhookChannel(
  options: z.input<typeof WebhookChannelOptions> & { readonly clock: Clock },
): Channel {
  const { clock, ...rest } = options;
  const { url, headers, secret } = parseOptions('createWebhookChannel', WebhookChannelOptions, rest);
  const sign = (body: string): Record<string, string> => {
    if (secret === undefined) return {};
    const timestamp = String(Math.floor(clock.now() / 1000));
    const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
    return { 'x-lazarus-timestamp': timestamp, 'x-lazarus-signature': `v1=${signature}` };
  };
  return {
    deliver: async ({ notification, subject, link }, target, { signal }) => {
      const { kind, group, service, decisionId, eventId, text } = notification;
      const body = JSON.stringify({
        kind,
        group,
        service,
        decision_id: decisionId,
        event_id: eventId,
        subject,
        text,
        link,
        sent_at: new Date(clock.now()).toISOString(),
      });
      await post({
        to: 'the webhook',
        url: target === '' ? url : target,
        headers: { 'content-type': 'application/json', ...headers, ...sign(body) },
        body,
        signal,
      });
    },
  };
}

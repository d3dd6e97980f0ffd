import { parseOptions } from '@lazarus/core/errors';
import { z } from 'zod';

import type { Channel, Message } from '../channel.ts';
import { notifyError, post } from '../post-json.ts';

/** Options of {@link createSlackChannel}. */
export const SlackChannelOptions = z.strictObject({
  /** Bot token with the scope `chat:write`. */
  token: z.string().min(1),
  /** Channel for routes without a target. */
  channel: z.string().min(1).optional(),
  /** Web API. */
  endpoint: z.url({ protocol: /^https?$/ }).default('https://slack.com/api'),
});

/** Decisions whose thread is remembered; the oldest goes first. */
const MAX_THREADS = 1000;

const Answer = z.object({ ok: z.boolean(), error: z.string().optional(), ts: z.string().optional() });

/** Slack's own escapes: without them a service name could mention everybody. */
const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function toText({ subject, body, link }: Message): string {
  const lines = body.split('\n').filter((line) => line !== link);
  const text = `*${escape(subject)}*\n${escape(lines.join('\n'))}`;
  return link === undefined ? text : `${text}\n<${link}|open in the console>`;
}

/**
 * Makes a channel to Slack. Messages about one decision follow each other in one thread. A rate limit is not waited for.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 * @remarks Source: Slack Web API, `chat.postMessage`; it answers 200 with `ok: false` for failures.
 */
export function createSlackChannel(options: z.input<typeof SlackChannelOptions>): Channel {
  const {
    token,
    channel: usual,
    endpoint,
  } = parseOptions('createSlackChannel', SlackChannelOptions, options);
  const threads = new Map<string, string>();
  const remember = (key: string | undefined, ts: string | undefined): void => {
    if (key === undefined || ts === undefined || threads.has(key)) return;
    const oldest = threads.size >= MAX_THREADS ? threads.keys().next().value : undefined;
    if (oldest !== undefined) threads.delete(oldest);
    threads.set(key, ts);
  };
  return {
    deliver: async (message, target, { signal }) => {
      const channel = target === '' ? usual : target;
      if (channel === undefined) throw notifyError('Slack: the route names no channel', { retryable: false });
      const { decisionId } = message.notification;
      const thread = decisionId === undefined ? undefined : `${channel}/${decisionId}`;
      const threadTs = thread === undefined ? undefined : threads.get(thread);
      const { text } = await post({
        to: 'Slack',
        url: `${endpoint.replace(/\/$/, '')}/chat.postMessage`,
        headers: { 'content-type': 'application/json; charset=utf-8', authorization: `Bearer ${token}` },
        body: JSON.stringify({ channel, text: toText(message), thread_ts: threadTs, unfurl_links: false }),
        signal,
      });
      const answer = readAnswer(text);
      if (!answer.ok) {
        const reason = answer.error ?? 'unknown error';
        throw notifyError(`Slack refused the message (${reason})`, {
          retryable: /ratelimited|internal_error/.test(reason),
        });
      }
      remember(thread, answer.ts);
    },
  };
}

function readAnswer(text: string): z.output<typeof Answer> {
  try {
    return Answer.parse(JSON.parse(text));
  } catch (error) {
    throw notifyError('Slack answered something that is not its API', { retryable: true, cause: error });
  }
}

import type { Transporter } from 'nodemailer';

import { ConfigurationError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import { createHash } from 'node:crypto';
import { z } from 'zod';

import type { Channel, Message } from '../channel.ts';
import { notifyError } from '../post-json.ts';

/** Options of {@link createEmailChannel}. */
export const EmailChannelOptions = z.strictObject({
  host: z.string().min(1),
  port: z.int().min(1).max(65_535).default(587),
  /** TLS from the first byte; otherwise STARTTLS is used. */
  secure: z.boolean().default(false),
  /** Refuses to send without TLS. Switch off only for a relay on this machine. */
  requireTls: z.boolean().default(true),
  user: z.string().min(1).optional(),
  password: z.string().min(1).optional(),
  /** Address of the sender. */
  from: z.email(),
  /** Recipients for routes without a target, separated by commas. */
  to: z.string().min(1).optional(),
  /** Longest wait for the server in each stage, milliseconds. */
  socketTimeoutMs: z.int().min(10).max(60_000).default(5000),
});

const Recipients = z.array(z.email()).min(1);

async function openTransport(settings: z.output<typeof EmailChannelOptions>): Promise<Transporter> {
  const nodemailer = await import('nodemailer').catch((error: unknown) => {
    throw new ConfigurationError({
      code: 'LZ_PORT_MISSING',
      summary: 'nodemailer is not installed',
      issues: [
        {
          path: 'nodemailer',
          message: 'is an optional peer of @lazarus/notify',
          hint: 'npm install nodemailer',
        },
      ],
      cause: error,
    });
  });
  const { host, port, secure, requireTls, user, password, socketTimeoutMs } = settings;
  return nodemailer.createTransport({
    host,
    port,
    secure,
    requireTLS: requireTls && !secure,
    ignoreTLS: !requireTls && !secure,
    ...(user !== undefined && password !== undefined ? { auth: { user, pass: password } } : {}),
    connectionTimeout: socketTimeoutMs,
    greetingTimeout: socketTimeoutMs,
    socketTimeout: socketTimeoutMs,
    // Text comes from events: it must never make the mailer read a file or a URL.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** Ids that put the messages about one decision into one thread, and make a repeated one recognizable. */
function threadHeaders(
  { notification }: Message,
  from: string,
): { messageId?: string; inReplyTo?: string; references?: string } {
  const { decisionId, eventId, kind, text } = notification;
  const about = decisionId ?? eventId;
  if (about === undefined) return {};
  const domain = from.split('@')[1] ?? 'lazarus.invalid';
  const id = (part: string): string =>
    `<${createHash('sha256').update(part).digest('hex').slice(0, 32)}@${domain}>`;
  const root = id(about);
  return { messageId: id(`${about}/${kind}/${text}`), inReplyTo: root, references: root };
}

/**
 * Makes a channel to a mail server.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`; at the first message `LZ_PORT_MISSING` when `nodemailer` is missing.
 */
export function createEmailChannel(options: z.input<typeof EmailChannelOptions>): Channel {
  const settings = parseOptions('createEmailChannel', EmailChannelOptions, options);
  let transport: Promise<Transporter> | undefined;
  return {
    deliver: async (message, target) => {
      const to = (target === '' ? (settings.to ?? '') : target).split(',').map((address) => address.trim());
      const recipients = Recipients.safeParse(to);
      if (!recipients.success)
        throw notifyError('mail: the route names no valid address', { retryable: false });
      const mailer = await (transport ??= openTransport(settings));
      try {
        await mailer.sendMail({
          from: settings.from,
          to: recipients.data,
          subject: message.subject,
          text: message.body,
          // Keeps holiday replies away.
          headers: { 'auto-submitted': 'auto-generated' },
          ...threadHeaders(message, settings.from),
        });
      } catch (error) {
        const { code, responseCode } = error as { readonly code?: string; readonly responseCode?: number };
        const retryable = responseCode === undefined || responseCode < 500;
        throw notifyError(`the mail server failed (${responseCode ?? code ?? 'unknown error'})`, {
          retryable,
          cause: error,
        });
      }
    },
    close: async () => {
      const opened = await transport?.catch(() => undefined);
      opened?.close();
    },
  };
}

import type { Issue } from '@lazarus/core';
import type { Notification, NotificationKind } from '@lazarus/core/ports';

import { ConfigurationError } from '@lazarus/core';

import type { Message } from './channel.ts';

/** Words of one kind of notification; `{name}` stands for a value. */
export interface Template {
  readonly subject: string;
  readonly body: string;
}

/** Values that a template may name. */
const PLACEHOLDERS = ['kind', 'group', 'service', 'decision_id', 'event_id', 'text', 'link'] as const;
type Placeholder = (typeof PLACEHOLDERS)[number];

const BODY = '{text}\nservice: {service}\ndecision: {decision_id}\nevent: {event_id}\n{link}';

/** The words that are used when nothing else is given. */
export const DEFAULT_TEMPLATES: Readonly<Record<NotificationKind, Template>> = {
  acknowledged: { subject: '[{service}] Lazarus took the page', body: BODY },
  resolved: { subject: '[{service}] repaired', body: BODY },
  escalated: { subject: '[{service}] a human is needed', body: BODY },
  notify_only: { subject: '[{service}] for your information', body: BODY },
  would_have_remediated: { subject: '[{service}] would have been repaired (mode notify)', body: BODY },
  alarm: { subject: '[{service}] Lazarus itself needs help', body: BODY },
};

const NAME = /\{([^{}]*)\}/g;

function fill(template: string, values: Readonly<Record<Placeholder, string>>): string {
  return template.replaceAll(NAME, (whole, name: string) =>
    Object.hasOwn(values, name) ? values[name as Placeholder] : whole,
  );
}

const oneLine = (text: string): string => text.replaceAll(/\p{Cc}+/gu, ' ').trim();

/** Takes out the lines whose only value is missing, so that nobody reads "event: ". */
function withoutEmptyLines(text: string): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\w[\w ]*:\s*$/.test(line))
    .join('\n');
}

/**
 * Puts a notification into words.
 *
 * @param consoleUrl - Address of the console; with it a message links to the decision.
 */
export function renderMessage(
  notification: Notification,
  template: Template,
  consoleUrl: string | undefined,
): Message {
  const { kind, group, service, decisionId, eventId, text } = notification;
  const subjectOf = decisionId ?? eventId;
  const link =
    consoleUrl === undefined || subjectOf === undefined
      ? undefined
      : `${consoleUrl.replace(/\/$/, '')}/decisions/${encodeURIComponent(subjectOf)}`;
  const values = {
    kind,
    group,
    service,
    decision_id: decisionId ?? '',
    event_id: eventId ?? '',
    text,
    link: link ?? '',
  };
  return {
    notification,
    // A value with a line break must not become a second mail header.
    subject: oneLine(fill(template.subject, values)).slice(0, 250),
    body: withoutEmptyLines(fill(template.body, values)),
    ...(link === undefined ? {} : { link }),
  };
}

/** @throws ConfigurationError `LZ_OPTION_INVALID` when a template names a value that does not exist. */
export function checkTemplates(templates: Readonly<Record<string, Template>>): void {
  const issues = Object.entries(templates).flatMap(([kind, template]) =>
    (['subject', 'body'] as const).flatMap((part): readonly Issue[] =>
      [...template[part].matchAll(NAME)]
        .filter(([, name]) => !PLACEHOLDERS.includes(name as Placeholder))
        .map(([whole]) => ({
          path: `templates.${kind}.${part}`,
          message: `${whole} is not a value of a notification`,
          hint: `use one of ${PLACEHOLDERS.map((name) => `{${name}}`).join(', ')}`,
        })),
    ),
  );
  if (issues.length === 0) return;
  throw new ConfigurationError({ code: 'LZ_OPTION_INVALID', summary: 'a template cannot be used', issues });
}

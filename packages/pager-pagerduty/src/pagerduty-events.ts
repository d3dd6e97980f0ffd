import type { Clock, Random } from '@lazarus/core/ports';

import { parseOptions } from '@lazarus/core/errors';
import { z } from 'zod';

import { createHttpClient } from './http-client.ts';
import { PagerDutyEventsOptions, type PagerDutyEventsOptionsInput } from './options.ts';

/** A page to open. */
export interface PageTrigger {
  /** Correlates with the event: at most 255 characters. Opening an open page again only counts it. */
  readonly incidentKey: string;
  /** One line for people; what exceeds 1 024 characters is cut off. */
  readonly summary: string;
  /** Where it was seen: host, sensor. */
  readonly source: string;
  readonly severity?: 'critical' | 'error' | 'warning' | 'info';
  /** ISO time. */
  readonly timestamp?: string;
  readonly component?: string;
  readonly group?: string;
  readonly class?: string;
  readonly customDetails?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
}

/** The side of the pager service that sensors use. They open pages; only Lazarus and people end them. */
export interface PagerDutyEvents {
  /**
   * Opens a page.
   *
   * @throws ConfigurationError `LZ_OPTION_INVALID` for a key or summary that the service would refuse.
   * @throws PortError `LZ_PAGER_UNAVAILABLE`.
   */
  trigger(page: PageTrigger): Promise<void>;
}

const Trigger = z.looseObject({
  incidentKey: z.string().min(1).max(255),
  summary: z.string().min(1),
  source: z.string().min(1),
});

/**
 * Makes the client of PagerDuty's Events API v2.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 * @remarks Source: PagerDuty Events API v2, "Send an alert event".
 */
export function createPagerDutyEvents(
  options: PagerDutyEventsOptionsInput & { readonly clock: Clock; readonly random: Random },
): PagerDutyEvents {
  const { clock, random, ...rest } = options;
  const settings = parseOptions('createPagerDutyEvents', PagerDutyEventsOptions, rest);
  const send = createHttpClient(settings, { clock, random });
  return {
    trigger: async ({ incidentKey, customDetails, signal, ...page }) => {
      parseOptions('trigger', Trigger, { incidentKey, ...page });
      const payload = { severity: 'critical', ...page, summary: page.summary.slice(0, 1024) };
      await send({
        method: 'POST',
        url: `${settings.endpoint.replace(/\/$/, '')}/v2/enqueue`,
        headers: {},
        body: {
          routing_key: settings.routingKey,
          event_action: 'trigger',
          dedup_key: incidentKey,
          payload: customDetails === undefined ? payload : { ...payload, custom_details: customDetails },
        },
        // A repeated trigger with the same key makes no second page.
        isRepeatable: true,
        signal,
      });
    },
  };
}

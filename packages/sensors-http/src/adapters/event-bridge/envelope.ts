import { z } from 'zod';
import { EntityDefaults } from '../draft-event.ts';

/** Options of {@link eventBridgeToEvents}. */
export const EventBridgeOptions = EntityDefaults.omit({ region: true, account: true });

/** Tells what an instance belongs to: AWS names the instance alone. Pure; for example a look into the last listing. */
export type EntityOf = (instance: {
  readonly instanceId: string;
  readonly account: string;
  readonly region: string;
}) => { readonly service: string; readonly environment: string } | undefined;

/** How to map, resolved. */
export interface EventBridgeSettings extends z.output<typeof EventBridgeOptions> {
  readonly entityOf?: EntityOf | undefined;
}

/**
 * Why a message deposits nothing. `not_mapped`: nothing here makes an event of it; `not_a_failure`: an instance starts;
 * `closed`: the announcement no longer holds; `public`: it is about a region, not about an instance.
 */
export type EventBridgeIgnored = 'not_mapped' | 'not_a_failure' | 'closed' | 'public';

const text = z.string().min(1);

/** Shape of the envelope. */
export const EnvelopeSchema = z.looseObject({
  id: text,
  'detail-type': text,
  source: text,
  account: text,
  time: text,
  region: text,
  detail: z.record(z.string(), z.unknown()),
});

/** The envelope of every message of EventBridge. */
export type EventBridgeEnvelope = z.output<typeof EnvelopeSchema>;

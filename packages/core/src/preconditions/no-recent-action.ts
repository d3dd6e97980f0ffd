import { z } from 'zod';
import { DurationSchema, formatDuration } from '../documents/duration.ts';
import { definePrecondition } from './define-precondition.ts';
import { peersOf, readInventory } from './inventory.ts';

/**
 * The service has been quiet: no other host of it is being launched or removed, and none was launched within the given
 * time. It looks at the provider, so it also sees what people and other tools did.
 */
export const noRecentAction = definePrecondition({
  name: 'NoRecentAction',
  summary: 'No other host of the service was replaced just now.',
  params: z.strictObject({
    /** Time since the last launch in the service. */
    quiet: DurationSchema.prefault('30m').describe('Shortest time since the last launch, for example 30m'),
  }),
  mainParam: 'quiet',
  check: async (context) => {
    const read = await readInventory(context);
    if (!read.ok) return read.verdict;
    const { inventory } = read;
    const peers = peersOf(inventory);
    const inFlight = peers.filter(
      (host) => inventory.launching.includes(host) || inventory.removing.includes(host),
    );
    const { quiet } = context.params;
    const recent = peers.filter((host) => !(context.clock.now() - host.incarnation.launchedAtMs >= quiet));
    const evidence = { in_flight: inFlight.length, launched_recently: recent.length, quiet_ms: quiet };
    const [moving] = inFlight;
    if (moving !== undefined)
      return {
        verdict: 'fail',
        reason: `${moving.name} is being ${moving.lifecycle === 'removing' ? 'removed' : 'launched'}`,
        evidence,
      };
    const [newest] = recent;
    if (newest === undefined) return { verdict: 'pass', evidence };
    return {
      verdict: 'fail',
      reason: `${newest.name} was launched less than ${formatDuration(quiet)} ago`,
      evidence,
    };
  },
});

import { defineScript } from './script.ts';

/** Says that what was known before this epoch has been added. `ARGV[4]` of what: windows, budgets or pauses. */
export const MARK_KNOWN = defineScript(`
redis.call('HSET', KEYS[1], ARGV[4], epoch)
return {'known', now}
`);

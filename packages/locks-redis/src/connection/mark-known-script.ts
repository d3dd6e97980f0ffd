import { defineScript, RECORD } from './script.ts';

/** Says that what was known before this epoch has been added. `ARGV[4]` of what: windows, budgets or pauses. */
export const MARK_KNOWN = defineScript(`${RECORD}
local identity = string.match(ARGV[1], '^[^|]*')
local function flag(name, known) return ARGV[4] == name and '1' or known end
redis.call('SET', KEYS[1], table.concat({ identity, epoch, string.format('%.0f', trusted_from),
  flag('windows', known_windows), flag('budgets', known_budgets), flag('pauses', known_pauses) }, '|'))
return {'known', now}
`);

/**
 * How far the edits of profiles are, over one hash: `=` and the name of a profile -> `<epoch>|<record as JSON>`, and `#` ->
 * the epoch of the store in which the nodes added what they know. It has no TTL.
 *
 * S15: a record is replaced only by the one that follows it.
 */
import { defineScript, RECORD } from '../connection/script.ts';

const READ = `${RECORD}
local function epoch_of(text) return tonumber(string.match(text or '', '^(%d+)|')) or 0 end
local function is_known() return redis.call('HGET', KEYS[2], '#') == epoch and now >= trusted_from end
local function unknown() return {'unknown', now, math.max(0, trusted_from - now)} end
`;

/** Every record as JSON. */
export const LOAD_ROLLOUTS = defineScript(`${READ}
if not is_known() then return unknown() end
local reply = {'records', now}
local stored = redis.call('HGETALL', KEYS[2])
for at = 1, #stored, 2 do
  if stored[at] ~= '#' then reply[#reply + 1] = string.match(stored[at + 1], '^%d+|(.*)$') or '' end
end
return reply
`);

/** `ARGV[4]` field, `[5]` epoch of the record, `[6]` the record as JSON. Answers `saved`, or `behind` for a late one. */
export const SAVE_ROLLOUT = defineScript(`${READ}
if not is_known() then return unknown() end
if tonumber(ARGV[5]) ~= epoch_of(redis.call('HGET', KEYS[2], ARGV[4])) + 1 then return {'behind', now} end
redis.call('HSET', KEYS[2], ARGV[4], ARGV[5] .. '|' .. ARGV[6])
return {'saved', now}
`);

/** Adds a record that a node knows, unless the store has a later one. Arguments as above. */
export const ADD_ROLLOUT = defineScript(`${READ}
if tonumber(ARGV[5]) > epoch_of(redis.call('HGET', KEYS[2], ARGV[4])) then
  redis.call('HSET', KEYS[2], ARGV[4], ARGV[5] .. '|' .. ARGV[6])
end
return {'added', now}
`);

/** Says that a node has added what it knows. */
export const ROLLOUTS_KNOWN = defineScript(`${READ}
redis.call('HSET', KEYS[2], '#', epoch)
return {'known', now}
`);

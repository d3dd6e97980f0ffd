/**
 * The kill switch as scripts over one hash: id of the pause -> `{ until, pause }` as JSON. Ended pauses go at the next
 * change. It has no TTL.
 */
import { defineScript, RECORD } from '../connection/script.ts';

const READ = `
local function current()
  local list, stored = {}, redis.call('HGETALL', KEYS[2])
  for at = 1, #stored, 2 do
    local each = cjson.decode(stored[at + 1])
    if each.until_ms == -1 or each.until_ms > now then list[#list + 1] = { stored[at], each.pause } end
  end
  return list
end
local function tidy()
  local kept = current()
  if redis.call('HLEN', KEYS[2]) == #kept then return kept end
  local keep = {}
  for _, each in ipairs(kept) do keep[each[1]] = true end
  for _, id in ipairs(redis.call('HKEYS', KEYS[2])) do
    if not keep[id] then redis.call('HDEL', KEYS[2], id) end
  end
  return kept
end
`;

/** Every pause that has not ended, as JSON; the word says whether the store knows all of them. */
export const LIST = defineScript(`${RECORD}${READ}
local reply = {known_pauses == '1' and now >= trusted_from and 'known' or 'unknown', now}
for _, each in ipairs(current()) do reply[#reply + 1] = each[2] end
return reply
`);

/** `ARGV[4]` most pauses, then id and entry of each pause to set. Setting the same one twice changes nothing. */
export const SET = defineScript(`${READ}
local kept = tidy()
for at = 5, #ARGV, 2 do
  if redis.call('HEXISTS', KEYS[2], ARGV[at]) == 0 then
    if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[4]) then return {'full', now} end
    redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
  end
end
return {'set', now}
`);

/** Ends the pauses with exactly this scope: `ARGV[4]` region and `[5]` service as JSON, `null` when absent. */
export const CLEAR = defineScript(`${READ}
local function part(text)
  if text == 'null' then return nil end
  return cjson.decode('[' .. text .. ']')[1]
end
local region, service = part(ARGV[4]), part(ARGV[5])
local cleared = 0
for _, each in ipairs(tidy()) do
  local scope = cjson.decode(each[2]).scope
  if scope.region == region and scope.service == service then
    redis.call('HDEL', KEYS[2], each[1])
    cleared = cleared + 1
  end
end
return {'cleared', now, cleared}
`);

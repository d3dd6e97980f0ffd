/**
 * The blast-radius budget of core as scripts over one hash: decision id -> reservation as JSON. It has no TTL.
 *
 * S6: no step ever leaves more reservations than a bound allows.
 */
import { defineScript, RECORD } from '../connection/script.ts';

const READ = `${RECORD}
local is_known = known_budgets == '1' and now >= trusted_from
local function read(text)
  local ok, value = pcall(cjson.decode, text)
  return ok and value or nil
end
local function in_flight(each) return each.settled == nil end
local function counts_in(each, zone)
  if each.zone == zone then return true end
  for _, other in ipairs(each.otherZones or {}) do if other == zone then return true end end
  return false
end
`;

/**
 * `ARGV[4]` decision id, `[5]` the charge and `[6]` the bounds as JSON, `[7]` a name for this very call, or empty when it
 * only asks. Answers `granted inFlight perHour`, `spent scope bound used max`, or `unknown` with the wait.
 */
export const RESERVE = defineScript(`${READ}
if not is_known then return {'unknown', now, math.max(0, trusted_from - now)} end
local id, charge, bounds, call = ARGV[4], cjson.decode(ARGV[5]), cjson.decode(ARGV[6]), ARGV[7]
local all, own = {}, nil
local stored = redis.call('HGETALL', KEYS[2])
for at = 1, #stored, 2 do
  local each = read(stored[at + 1])
  -- What cannot be read counts as spent: refuse all until somebody looked.
  if each == nil then return {'unreadable', now, stored[at]} end
  if each.settled ~= nil and now - each.settled >= bounds.hourMs then
    redis.call('HDEL', KEYS[2], stored[at])
  elseif stored[at] == id then own = each
  else all[#all + 1] = each end
end
local function is_in(scope, each)
  if scope == 'account' then return each.account == charge.account end
  if each.region ~= charge.region then return false end
  if scope == 'zone' then return counts_in(each, charge.zone) end
  return scope == 'region' or each[scope] == charge[scope]
end
local SCOPES = { 'service', 'zone', 'account', 'region' }
local function count(scope, keep)
  local n = 0
  for _, each in ipairs(all) do if is_in(scope, each) and (keep == nil or keep(each)) then n = n + 1 end end
  return n
end
if own and in_flight(own) then
  charge = own
  all[#all + 1] = own
  if call ~= '' and own.call ~= nil then
    -- Asked for twice: no single call may give it back any more.
    own.call = nil
    redis.call('HSET', KEYS[2], id, cjson.encode(own))
  end
  return {'granted', now, count('service', in_flight), count('service')}
end
for _, scope in ipairs(SCOPES) do
  local used, max = count(scope, in_flight), bounds.maxInFlight[scope]
  if used >= max then return {'spent', now, scope, 'in_flight', used, max} end
end
local zones, used = {}, 0
local function enter(zone)
  if zones[zone] then return end
  zones[zone] = true
  used = used + 1
end
for _, each in ipairs(all) do
  if in_flight(each) and is_in('region', each) then
    enter(each.zone)
    for _, other in ipairs(each.otherZones or {}) do enter(other) end
  end
end
if not zones[charge.zone] and used >= bounds.maxZonesInFlight then
  return {'spent', now, 'region', 'zones_in_flight', used, bounds.maxZonesInFlight}
end
for _, scope in ipairs(SCOPES) do
  local used, max = count(scope), bounds.maxPerHour[scope]
  if used >= max then return {'spent', now, scope, 'per_hour', used, max} end
end
all[#all + 1] = charge
if call ~= '' then
  charge.call = call
  redis.call('HSET', KEYS[2], id, cjson.encode(charge))
end
return {'granted', now, count('service', in_flight), count('service')}
`);

/** Gives back what one call reserved, if nobody asked for it since. `ARGV[4]` decision id, `[5]` name of the call. */
export const UNDO = defineScript(`${READ}
local each = read(redis.call('HGET', KEYS[2], ARGV[4]) or '')
if each and in_flight(each) and each.call == ARGV[5] then redis.call('HDEL', KEYS[2], ARGV[4]) end
return {'undone', now}
`);

/** Whether a decision has a reservation in flight. What is there holds, also while the rest is unknown. */
export const HOLDS = defineScript(`${READ}
local each = read(redis.call('HGET', KEYS[2], ARGV[4]) or '')
return {each and in_flight(each) and 'held' or 'none', now}
`);

/** Counts a reservation in flight in one more zone: `ARGV[4]` decision id, `[5]` the zone. */
export const ALSO_IN = defineScript(`${READ}
local each = read(redis.call('HGET', KEYS[2], ARGV[4]) or '')
if not each and not is_known then return {'unknown', now, math.max(0, trusted_from - now)} end
if not each or not in_flight(each) then return {'none', now} end
if not counts_in(each, ARGV[5]) then
  each.otherZones = each.otherZones or {}
  table.insert(each.otherZones, ARGV[5])
  redis.call('HSET', KEYS[2], ARGV[4], cjson.encode(each))
end
return {'counted', now}
`);

/** Ends the in-flight part: `ARGV[4]` decision id, `[5]` 1 when there were effects. */
export const SETTLE = defineScript(`${READ}
local each = read(redis.call('HGET', KEYS[2], ARGV[4]) or '')
if not each and not is_known then return {'unknown', now, math.max(0, trusted_from - now)} end
if not each or not in_flight(each) then return {'none', now} end
if ARGV[5] == '1' then
  each.settled, each.call = now, nil
  redis.call('HSET', KEYS[2], ARGV[4], cjson.encode(each))
else
  redis.call('HDEL', KEYS[2], ARGV[4])
end
return {'settled', now}
`);

/**
 * Adds what a node's durable records know: decision id, charge as JSON, and how long ago it ended in milliseconds, or -1.
 * What ended by the record ends in the store, too; everything else that the store has stays as it is.
 */
export const ADD_RESERVATIONS = defineScript(`${READ}
for at = 4, #ARGV, 3 do
  local id, charge, age = ARGV[at], cjson.decode(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local own = read(redis.call('HGET', KEYS[2], id) or '')
  if own == nil or (in_flight(own) and age >= 0) then
    if age >= 0 then charge.settled = now - age end
    if own and charge.otherZones == nil then charge.otherZones = own.otherZones end
    redis.call('HSET', KEYS[2], id, cjson.encode(charge))
  end
end
return {'added', now}
`);

/** Everything in flight: decision id and reservation in turns. */
export const IN_FLIGHT = defineScript(`${READ}
local reply = {'in_flight', now}
local stored = redis.call('HGETALL', KEYS[2])
for at = 1, #stored, 2 do
  local each = read(stored[at + 1])
  if each and in_flight(each) then reply[#reply + 1] = stored[at + 1] end
end
return reply
`);

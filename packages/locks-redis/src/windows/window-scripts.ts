/**
 * Dedupe, unique entities, unique services and the breaker of a region in one script: the same steps as the state machines
 * of core, on the clock of the server, so that all nodes see one count.
 *
 * S7: counted before anything is decided, also while open; what does not fit makes its count uncountable (-1).
 * L5: the caps bound every structure; idle ones go by their TTL. The TTLs only tidy up: no answer depends on them.
 */
import { defineScript } from '../connection/script.ts';

/** Keys after the store record: the region's state, its services, entities per service, overflows, event ids (two generations). */
export const REGION_KEYS = ['state', 'services', 'sizes', 'over', 'ids', 'ids-before'] as const;

/** Arguments `ARGV[4]` to `ARGV[13]`. */
const REGION = `
local window = tonumber(ARGV[4])
local max_services, close_below, min_open = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local cap_services, cap_entities = tonumber(ARGV[8]), tonumber(ARGV[9])
local cap_per_service, cap_ids = tonumber(ARGV[10]), tonumber(ARGV[11])
local is_watched = ARGV[12] == '1'
local STATE, SERVICES, SIZES, OVER, IDS, IDS_BEFORE = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local TIDY = 60000

local found = redis.call('HMGET', STATE, 'last', 'phase', 'since', 'rotated', 'ids', 'stored', 'over', 'over_any')
-- The clock of a server can be set back, or that of a promoted one be behind: then time stands still.
local last = tonumber(found[1])
if last and last > now then now = last end
local phase, since = found[2] or 'unknown', tonumber(found[3]) or now
local rotated, ids = tonumber(found[4]) or now, tonumber(found[5]) or 0
local stored = tonumber(found[6]) or 0
local over, over_any = tonumber(found[7]) or 0, tonumber(found[8]) or 0
local changes = last and {} or {'phase', phase, 'since', since, 'rotated', rotated}
local function change(name, value)
  changes[#changes + 1] = name
  changes[#changes + 1] = value
end

local function see_id(id)
  local generations = math.floor((now - rotated) / window)
  if generations >= 1 or ids >= cap_ids then
    redis.call('UNLINK', IDS_BEFORE)
    if generations >= 2 then redis.call('UNLINK', IDS)
    elseif ids > 0 then redis.pcall('RENAME', IDS, IDS_BEFORE) end
    if generations < 1 then rotated = now else rotated = rotated + generations * window end
    ids = 0
    change('rotated', rotated)
    change('ids', ids)
  end
  if redis.call('SISMEMBER', IDS_BEFORE, id) == 1 or redis.call('SADD', IDS, id) == 0 then return false end
  ids = ids + 1
  if ids == 1 then redis.call('PEXPIRE', IDS, 2 * window + TIDY) end
  change('ids', ids)
  return true
end

local function forget_old_services()
  local oldest = redis.call('ZRANGE', SERVICES, 0, 0, 'WITHSCORES')
  if not oldest[2] or tonumber(oldest[2]) > now - window then return end
  local gone
  repeat
    gone = redis.call('ZRANGEBYSCORE', SERVICES, '-inf', now - window, 'LIMIT', 0, 500)
    if #gone > 0 then
      for _, size in ipairs(redis.call('HMGET', SIZES, unpack(gone))) do stored = stored - (tonumber(size) or 0) end
      redis.call('HDEL', SIZES, unpack(gone))
      redis.call('HDEL', OVER, unpack(gone))
      redis.call('ZREM', SERVICES, unpack(gone))
    end
  until #gone < 500
  change('stored', stored)
end

-- Sees a member of a bounded set; answers whether it fits, and how many there are.
local function see(key, member, at, cap)
  local added = redis.call('ZADD', key, 'GT', at, member)
  local count = redis.call('ZCARD', key)
  if added == 1 and count > cap then
    redis.call('ZREM', key, member)
    return false, count - 1
  end
  return true, count
end

local function resize(service, before, after)
  if before == after then return end
  redis.call('HSET', SIZES, service, after)
  stored = stored + after - before
  change('stored', stored)
end

local function mark_over(service)
  redis.call('HSET', OVER, service, now + window)
  over_any = now + window
  change('over_any', over_any)
end

-- Counts one entity of a service; answers the size of the service's set.
local function see_entity(key, service, entity, at)
  local before = tonumber(redis.call('HGET', SIZES, service)) or 0
  if stored >= cap_entities then
    mark_over(service)
    return
  end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  local fits, size = see(key, entity, at, cap_per_service)
  if not fits then mark_over(service) end
  redis.call('PEXPIRE', key, window + TIDY)
  resize(service, before, size)
  return size
end

local services
local function see_service(service, at)
  local fits
  fits, services = see(SERVICES, service, at, cap_services)
  if not fits then
    over = now + window
    change('over', over)
  end
  return fits
end
`;

const BREAKER = `
local failing = services
if over > now then services, failing = -1, math.huge end
local is_known = is_watched or (store[4] == epoch and now >= trusted_from)
local next_phase = phase
if not is_known then
  if phase == 'closed' then next_phase = 'unknown' end
elseif phase ~= 'open' then
  if failing > max_services then next_phase = 'open' else next_phase = 'closed' end
elseif failing < close_below and now - since >= min_open then
  next_phase = 'closed'
end
if next_phase ~= phase then
  phase, since = next_phase, now
  change('phase', phase)
  change('since', since)
end
`;

/**
 * Counts one event and answers in the same step; without an event id it only looks. Keys: {@link REGION_KEYS}, then the
 * entities of the service. `ARGV[13]` event id, `[14]` service, `[15]` entity.
 */
export const OBSERVE = defineScript(`${REGION}
local id, service, entity = ARGV[13], ARGV[14], ARGV[15]
local ENTITIES = KEYS[8]
local first, entities = 0, nil
forget_old_services()
if id ~= '' and see_id(id) then
  first = 1
  if see_service(service, now) then entities = see_entity(ENTITIES, service, entity, now) end
end
services = services or redis.call('ZCARD', SERVICES)
if not entities then
  local before = tonumber(redis.call('HGET', SIZES, service)) or 0
  entities = 0
  if before > 0 then
    redis.call('ZREMRANGEBYSCORE', ENTITIES, '-inf', now - window)
    entities = redis.call('ZCARD', ENTITIES)
    resize(service, before, entities)
  end
end
if over_any > now and (tonumber(redis.call('HGET', OVER, service)) or 0) > now then entities = -1 end
${BREAKER}
if first == 1 or #changes > 0 then
  change('last', now)
  redis.call('HSET', STATE, unpack(changes))
end
return {'seen', now, first, entities, services, phase, phase == 'closed' and 0 or now - since}
`);

/**
 * Adds what a node knows to a region: `ARGV[13]` the age of the breaker if it was open, or -1; then event id, service,
 * entity and age of each observation, whose entities' keys follow {@link REGION_KEYS} in the same order. Adding twice
 * changes nothing.
 */
export const ADD_HISTORY = defineScript(`${REGION}
forget_old_services()
local at = 0
for arg = 14, #ARGV, 4 do
  at = at + 1
  local id, service, entity, seen = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2], now - tonumber(ARGV[arg + 3])
  if seen > now - window and seen <= now then
    see_id(id)
    if see_service(service, seen) then see_entity(KEYS[7 + at], service, entity, seen) end
  end
end
local open_for = tonumber(ARGV[13])
if open_for >= 0 and phase ~= 'open' then
  phase, since = 'open', now - open_for
  change('phase', phase)
  change('since', since)
end
change('last', now)
redis.call('HSET', STATE, unpack(changes))
return {'added', now}
`);

/**
 * Dedupe, unique entities, unique services and the breaker of a region in one script: the same steps as the state machines
 * of core, on the clock of the server, so that all nodes see one count.
 *
 * The bounds are written into the script and the region's numbers are packed into one string, because on the server every
 * call and every argument costs about a microsecond.
 *
 * S7: counted before anything is decided, also while open; what does not fit makes its count uncountable (-1).
 * L5: the caps bound every structure; idle ones go by their TTL. The TTLs only tidy up: no answer depends on them.
 */
import type { MemoryWindowsOptions } from '@lazarus/core/memory';
import type { z } from 'zod';
import type { Script } from '../connection/script.ts';
import { defineScript, RECORD } from '../connection/script.ts';

/** Keys after the store record: the region's numbers, its services, event ids in two generations, and overflows. */
export const REGION_KEYS = ['state', 'services', 'ids', 'ids-before', 'over'] as const;

/** The scripts of one configuration. */
export interface WindowScripts {
  /**
   * Counts one event and answers in the same step; without an event id it only looks. Keys: {@link REGION_KEYS}, then the
   * entities of the service. `ARGV[4]` and `[5]` thresholds of the breaker, `[6]` 1 when the caller watched a whole window,
   * `[7]` event id, `[8]` service, `[9]` entity.
   */
  readonly observe: Script;
  /**
   * Adds what a node knows to a region. Keys: {@link REGION_KEYS}, then the entities of the services, one per observation.
   * `ARGV[4]` the age of the breaker if it was open, or -1; then event id, service, entity and age of each observation.
   * Adding twice changes nothing.
   */
  readonly addHistory: Script;
}

const REGION = `
local STATE, SERVICES, IDS, IDS_BEFORE, OVER = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local UNKNOWN, CLOSED, OPEN = 0, 1, 2
local FORMAT = 'ddddddddddd'

local packed = redis.call('GET', STATE)
local last, phase, since, rotated, ids, ids_before, stored, oldest, count, over, over_any
if packed then
  last, phase, since, rotated, ids, ids_before, stored, oldest, count, over, over_any = struct.unpack(FORMAT, packed)
  -- The clock of a server can be set back, or that of a promoted one be behind: then time stands still.
  if last > now then now = last end
else
  phase, since, rotated, ids, ids_before, stored, oldest, count, over, over_any = UNKNOWN, now, now, 0, 0, 0, now, 0, 0, 0
end
local function save()
  redis.call('SET', STATE, struct.pack(FORMAT, now, phase, since, rotated, ids, ids_before, stored, oldest, count, over, over_any))
end

-- Scores only grow, so the oldest one known is a bound below which nothing can be.
if count > 0 and oldest <= now - WINDOW then
  local prefix = string.sub(SERVICES, 1, -9)
  local gone
  repeat
    gone = redis.call('ZRANGEBYSCORE', SERVICES, '-inf', now - WINDOW, 'LIMIT', 0, 500)
    for _, service in ipairs(gone) do
      local key = prefix .. 'e:' .. service
      stored = stored - redis.call('ZCARD', key)
      redis.call('UNLINK', key)
    end
    if #gone > 0 then
      redis.call('HDEL', OVER, unpack(gone))
      count = count - redis.call('ZREM', SERVICES, unpack(gone))
    end
  until #gone < 500
  local first = redis.call('ZRANGE', SERVICES, 0, 0, 'WITHSCORES')
  oldest = tonumber(first[2]) or now
  -- Entities can have gone by their TTL only when their services went with all others.
  if count <= 0 or not first[2] then count, stored = 0, 0 end
end

local function see_id(id)
  local generations = math.floor((now - rotated) / WINDOW)
  if generations >= 1 or ids >= CAP_IDS then
    redis.call('UNLINK', IDS_BEFORE)
    ids_before = 0
    if generations >= 2 then redis.call('UNLINK', IDS)
    elseif ids > 0 then
      redis.pcall('RENAME', IDS, IDS_BEFORE)
      ids_before = ids
    end
    if generations < 1 then rotated = now else rotated = rotated + generations * WINDOW end
    ids = 0
  end
  if ids_before > 0 and redis.call('SISMEMBER', IDS_BEFORE, id) == 1 then return false end
  if redis.call('SADD', IDS, id) == 0 then return false end
  ids = ids + 1
  if ids == 1 then redis.call('PEXPIRE', IDS, 2 * WINDOW + 60000) end
  return true
end

local function see_service(service, at)
  if redis.call('ZADD', SERVICES, 'GT', at, service) == 1 then
    if count >= CAP_SERVICES then
      redis.call('ZREM', SERVICES, service)
      over = now + WINDOW
      return false
    end
    if count == 0 or at < oldest then oldest = at end
    count = count + 1
  end
  return true
end

local function mark_over(service)
  redis.call('HSET', OVER, service, now + WINDOW)
  redis.call('PEXPIRE', OVER, 2 * WINDOW)
  over_any = now + WINDOW
end

-- Counts one entity of a service; answers how many there are, or nothing when there is no room for any.
local function see_entity(key, service, entity, at)
  if stored >= CAP_ENTITIES then
    mark_over(service)
    return nil
  end
  local removed = redis.call('ZREMRANGEBYSCORE', key, '-inf', now - WINDOW)
  local added = redis.call('ZADD', key, 'GT', at, entity)
  local size = redis.call('ZCARD', key)
  if added == 1 and size > CAP_PER_SERVICE then
    redis.call('ZREM', key, entity)
    added, size = 0, size - 1
    mark_over(service)
  end
  redis.call('PEXPIRE', key, 2 * WINDOW)
  stored = stored + added - removed
  return size
end
`;

const OBSERVE = `${RECORD}${REGION}
local id, service = ARGV[7], ARGV[8]
local ENTITIES = KEYS[7]
local first, entities = 0, nil
if id ~= '' and see_id(id) then
  first = 1
  if see_service(service, now) then entities = see_entity(ENTITIES, service, ARGV[9], now) end
end
if not entities then
  local removed = redis.call('ZREMRANGEBYSCORE', ENTITIES, '-inf', now - WINDOW)
  stored = stored - removed
  entities = redis.call('ZCARD', ENTITIES)
end
if over_any > now and (tonumber(redis.call('HGET', OVER, service)) or 0) > now then entities = -1 end

local services, failing = count, count
if over > now then services, failing = -1, math.huge end
local max_services = tonumber(ARGV[4])
local is_known = ARGV[6] == '1' or (known_windows == '1' and now >= trusted_from)
local before = phase
if not is_known then
  if phase == CLOSED then phase = UNKNOWN end
elseif phase ~= OPEN then
  if failing > max_services then phase = OPEN else phase = CLOSED end
elseif failing < tonumber(ARGV[5]) and now - since >= MIN_OPEN then
  phase = CLOSED
end
if phase ~= before then since = now end
save()
local open_for = 0
if phase ~= CLOSED then open_for = now - since end
return {'seen', now, first, entities, services, phase, open_for}
`;

const ADD_HISTORY = `${REGION}
local at = 0
for arg = 5, #ARGV, 4 do
  at = at + 1
  local id, service, entity, seen = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2], now - ARGV[arg + 3]
  if seen > now - WINDOW and seen <= now then
    see_id(id)
    if see_service(service, seen) then see_entity(KEYS[6 + at], service, entity, seen) end
  end
end
local open_for = tonumber(ARGV[4])
if open_for >= 0 and phase ~= OPEN then phase, since = OPEN, now - open_for end
save()
return {'added', now}
`;

/** Writes the scripts for these bounds. */
export function windowScripts(bounds: z.output<typeof MemoryWindowsOptions>): WindowScripts {
  const constants = Object.entries({
    WINDOW: bounds.breaker.windowMs,
    MIN_OPEN: bounds.breaker.minOpenMs,
    CAP_SERVICES: bounds.maxStoredServices,
    CAP_ENTITIES: bounds.maxStoredEntities,
    CAP_PER_SERVICE: bounds.maxStoredEntitiesPerService,
    CAP_IDS: bounds.maxStoredEventIds,
  })
    .map(([name, value]) => `local ${name} = ${value}\n`)
    .join('');
  return {
    observe: defineScript(`${constants}${OBSERVE}`),
    addHistory: defineScript(`${constants}${ADD_HISTORY}`),
  };
}

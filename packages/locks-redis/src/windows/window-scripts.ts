/**
 * Dedupe, unique entities, unique services and the breaker of a region in one script: the same steps as the state machines
 * of core, on the clock of the server, so that all nodes see one count.
 *
 * On the server every command costs a microsecond or more, whatever it does, and every key and argument a fifth of one. So
 * the events that a node receives at once are counted by one call, and what they share is read and written once: a region
 * is one hash, whose field `#` holds its numbers and whose fields `=<service>` hold a record of each service.
 *
 * The record of a service is four numbers (last seen, uncountable until, a bound below its oldest entity, how many) and
 * the entities as text, `\n<entity>\t<13 digits of milliseconds>` each, so that one is found and its time replaced without
 * reading the others. From {@link MOST_INLINE} on they move to a sorted set of their own, whose cost is flat.
 *
 * The sorted set of services is an agenda: its scores are bounds below the last sight. A service that comes up is looked
 * at, and either goes or is entered again with its true time, once per window at most.
 *
 * S7: counted before anything is decided, also while open; what does not fit makes its count uncountable (-1).
 * L5: the caps bound every structure; an idle region goes by its TTL. The TTLs only tidy up: no answer depends on them.
 */
import type { MemoryWindowsOptions } from '@lazarus/core/memory';
import type { z } from 'zod';
import type { BatchScript, Script } from '../connection/script.ts';
import { defineBatch, defineScript } from '../connection/script.ts';

/** Keys after the store record: the region, its agenda of services, and event ids in two generations. */
export const REGION_KEYS = ['region', 'services', 'ids', 'ids-before'] as const;

/** Most entities of one service that are kept in its record. */
const MOST_INLINE = 32;

/** The field of a service in the hash of its region. */
export const fieldOfService = (service: string): string => `=${service}`;

/** The name of an entity within a record, where control characters separate; distinct entities have distinct names. */
export function entityName(entity: string): string {
  // eslint-disable-next-line no-control-regex -- those are what separates.
  return /[\u0000-\u001f%]/.test(entity) ? escapeControls(entity) : entity;
}

function escapeControls(text: string): string {
  // eslint-disable-next-line no-control-regex -- see above.
  return text.replace(/[\u0000-\u001f%]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** What a script says about one event. Counts are -1 when they cannot be counted. */
export function readCode(code: number): {
  readonly isFirst: boolean;
  readonly phase: 0 | 1 | 2;
  readonly entities: number;
  readonly services: number;
} {
  const flags = code % 8;
  const counts = (code - flags) / 8;
  return {
    isFirst: (flags & 1) === 1,
    phase: (flags >> 1) as 0 | 1 | 2,
    entities: (counts % 16_777_216) - 1,
    services: Math.floor(counts / 16_777_216) - 1,
  };
}

/** The scripts of one configuration. */
export interface WindowScripts {
  /**
   * Counts events and answers in the same step; without an event id it only looks. Shared: {@link REGION_KEYS}, the two
   * thresholds of the breaker and the instant from which the region is known. Each: event id, field of the service, name of
   * the entity. Answers as {@link readCode} reads it, in a list with the age of the breaker unless it is closed.
   */
  readonly observe: BatchScript;
  /**
   * Adds what a node knows to a region. Keys: {@link REGION_KEYS}. `ARGV[4]` the age of the breaker if it was open, or -1;
   * then event id, field of the service, name of the entity and age of each observation, where one below 0 counts as 0.
   * Adding twice changes nothing.
   */
  readonly addHistory: Script;
  /**
   * Milliseconds until at most so many entities of a service are left, or -1 when that cannot be told. Keys:
   * {@link REGION_KEYS}. `ARGV[4]` the field of the service, `[5]` how many. Changes nothing.
   */
  readonly clearsIn: Script;
}

const REGION = `
local call = redis.call
local REGION, SERVICES, IDS, IDS_BEFORE = KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local UNKNOWN, CLOSED, OPEN = 0, 1, 2
local FORMAT, HEAD = 'ddddddddddd', 'dddd'

local last, phase, since, rotated, ids, ids_before, stored, oldest, count, over, renewed
local function numbers()
  return struct.pack(FORMAT, now, phase, since, rotated, ids, ids_before, stored, oldest, count, over, renewed)
end
local function enter(packed)
  if packed then
    last, phase, since, rotated, ids, ids_before, stored, oldest, count, over, renewed = struct.unpack(FORMAT, packed)
    -- The clock of a server can be set back, or that of a promoted one be behind: then time stands still.
    if last > now then now = last end
  else
    phase, since, rotated, ids, ids_before, stored, oldest, count, over, renewed = UNKNOWN, now, now, 0, 0, 0, now, 0, 0, 0
    -- Without memory a script fails at its first write, if that one can take memory, and never after it.
    call('HSET', REGION, '#', numbers())
    call('UNLINK', SERVICES, IDS, IDS_BEFORE)
  end
end
-- Before the numbers are packed, because it is one of them.
local function keep_alive()
  if now - renewed < KEEP then return end
  call('PEXPIRE', REGION, 2 * KEEP)
  call('PEXPIRE', SERVICES, 2 * KEEP)
  renewed = now
end

-- The record of one service; MANY of n says that its entities have a sorted set of their own.
local MANY = -1
local seen, uncountable, bound, n, list
local function read(record)
  if record then
    seen, uncountable, bound, n = struct.unpack(HEAD, record)
    list = string.sub(record, 33)
  else
    seen, uncountable, bound, n, list = 0, 0, now, 0, ''
  end
end
local function record()
  return struct.pack(HEAD, seen, uncountable, bound, n) .. list
end
local function set_of(field) return REGION .. field end

-- Forgets what has left the window.
local function forget_services()
  local horizon = now - WINDOW
  local due
  repeat
    due = call('ZRANGEBYSCORE', SERVICES, '-inf', horizon, 'LIMIT', 0, 500)
    local records = #due > 0 and call('HMGET', REGION, unpack(due)) or {}
    local later, gone = {}, {}
    for at, field in ipairs(due) do
      read(records[at])
      if seen > horizon then
        later[#later + 1] = seen
        later[#later + 1] = field
      else
        gone[#gone + 1] = field
        if n == MANY then
          n = call('ZCARD', set_of(field))
          call('UNLINK', set_of(field))
        end
        stored = stored - n
      end
    end
    if #later > 0 then call('ZADD', SERVICES, unpack(later)) end
    if #gone > 0 then
      call('HDEL', REGION, unpack(gone))
      count = count - call('ZREM', SERVICES, unpack(gone))
    end
  until #due < 500
  local first = call('ZRANGE', SERVICES, 0, 0, 'WITHSCORES')
  oldest = tonumber(first[2]) or now
  -- A sorted set can have gone by its TTL only when its service went with all others.
  if count <= 0 or not first[2] then count, stored = 0, 0 end
end
local function forget_entities(field)
  local horizon = now - WINDOW
  if n == MANY then
    stored = stored - call('ZREMRANGEBYSCORE', set_of(field), '-inf', horizon)
  elseif n > 0 and bound <= horizon then
    local kept, before = {}, n
    n, bound = 0, now
    for name, digits in string.gmatch(list, '\\n([^\\t]*)\\t(%d+)') do
      local at = tonumber(digits)
      if at > horizon then
        n = n + 1
        kept[n] = '\\n' .. name .. '\\t' .. digits
        if at < bound then bound = at end
      end
    end
    list = table.concat(kept)
    stored = stored - before + n
  end
end

local function rotate()
  local age = now - rotated
  if age >= WINDOW or ids >= CAP_IDS then
    local generations = math.floor(age / WINDOW)
    -- Without memory this fails before anything is gone.
    call('HSET', REGION, '#', numbers())
    call('UNLINK', IDS_BEFORE)
    ids_before = 0
    if generations >= 2 then call('UNLINK', IDS)
    elseif ids > 0 then
      redis.pcall('RENAME', IDS, IDS_BEFORE)
      ids_before = ids
    end
    if generations < 1 then rotated = now else rotated = rotated + generations * WINDOW end
    ids = 0
  end
end
local function see_id(id)
  rotate()
  if ids_before > 0 and call('SISMEMBER', IDS_BEFORE, id) == 1 then return false end
  if call('SADD', IDS, id) == 0 then return false end
  ids = ids + 1
  if ids == 1 then call('PEXPIRE', IDS, 2 * WINDOW + 60000) end
  return true
end
-- All ids of a batch by three commands, as long as the set cannot become full on the way.
local function see_ids(all)
  if #all > 0 then rotate() end
  if ids + #all > CAP_IDS then return see_id end
  local known, new = {}, {}
  if #all > 0 then
    local now_known = call('SMISMEMBER', IDS, unpack(all))
    local known_before = ids_before > 0 and call('SMISMEMBER', IDS_BEFORE, unpack(all)) or {}
    for at, id in ipairs(all) do
      if now_known[at] == 1 or known_before[at] == 1 then known[id] = true
      elseif known[id] == nil then
        known[id] = false
        new[#new + 1] = id
      end
    end
  end
  if #new > 0 then
    call('SADD', IDS, unpack(new))
    if ids == 0 then call('PEXPIRE', IDS, 2 * WINDOW + 60000) end
    ids = ids + #new
  end
  return function (id)
    if known[id] then return false end
    known[id] = true
    return true
  end
end

-- Whoever has a record that is not too old is on the agenda.
local function see_service(field, at)
  if seen == 0 then
    if count >= CAP_SERVICES then
      over = now + WINDOW
      return false
    end
    call('ZADD', SERVICES, at, field)
    -- The agenda begins anew, without a TTL.
    if count == 0 then renewed = 0 end
    if count == 0 or at < oldest then oldest = at end
    count = count + 1
  end
  if at > seen then seen = at end
  return true
end

local function move_to_set(field)
  local members = {}
  for name, digits in string.gmatch(list, '\\n([^\\t]*)\\t(%d+)') do
    members[#members + 1] = digits
    members[#members + 1] = name
  end
  call('DEL', set_of(field))
  call('ZADD', set_of(field), unpack(members))
  list, n = '', MANY
end
local function see_in_set(field, name, at)
  local key = set_of(field)
  if call('ZADD', key, 'GT', at, name) == 1 then
    if call('ZCARD', key) > CAP_PER_SERVICE then
      call('ZREM', key, name)
      uncountable = now + WINDOW
    else
      stored = stored + 1
    end
  end
  call('PEXPIRE', key, 2 * WINDOW)
end
local function see_in_list(name, at)
  local digits = string.format('%013.0f', at)
  local _, to = string.find(list, '\\n' .. name .. '\\t', 1, true)
  if to then
    if string.sub(list, to + 1, to + 13) < digits then
      list = string.sub(list, 1, to) .. digits .. string.sub(list, to + 14)
    end
  elseif n >= CAP_PER_SERVICE then
    uncountable = now + WINDOW
  else
    list = list .. '\\n' .. name .. '\\t' .. digits
    if n == 0 or at < bound then bound = at end
    n = n + 1
    stored = stored + 1
  end
end
local function see_entity(field, name, at)
  local has_room = stored < CAP_ENTITIES
  forget_entities(field)
  if not has_room then
    uncountable = now + WINDOW
    return
  end
  if n == MOST_INLINE then move_to_set(field) end
  if n == MANY then see_in_set(field, name, at) else see_in_list(name, at) end
end
`;

/** Reads the region and the services in question, and says how the breaker steps. */
const BEFORE_OBSERVE = `${REGION}
local max_services, close_below, known_from = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local fields, all = { '#' }, {}
for a = 1, #ASKED, 3 do
  fields[#fields + 1] = ASKED[a + 1]
  if ASKED[a] ~= '' then all[#all + 1] = ASKED[a] end
end
local kept = call('HMGET', REGION, unpack(fields))
enter(kept[1])
-- Scores are bounds, so below the lowest one nothing can be.
if count > 0 and oldest <= now - WINDOW then
  forget_services()
  kept = call('HMGET', REGION, unpack(fields))
end
local records, changed = {}, {}
for at = 2, #fields do records[fields[at]] = kept[at] end
local is_first = see_ids(all)
local function step()
  local failing = over > now and math.huge or count
  local before = phase
  if now < known_from then
    if phase == CLOSED then phase = UNKNOWN end
  elseif phase ~= OPEN then
    if failing > max_services then phase = OPEN else phase = CLOSED end
  elseif failing < close_below and now - since >= MIN_OPEN then
    phase = CLOSED
  end
  if phase ~= before then since = now end
end
`;

const OBSERVE = `
local id, field = ASKED[a], ASKED[a + 1]
local first = 0
read(records[field])
if id ~= '' and is_first(id) then
  first = 1
  if see_service(field, now) then see_entity(field, ASKED[a + 2], now) end
end
if first == 0 then forget_entities(field) end
if seen > 0 then
  local text = record()
  records[field], changed[field] = text, text
end
local entities = n
if n == MANY then entities = call('ZCARD', set_of(field)) end
if uncountable > now then entities = -1 end
step()
local services = over > now and -1 or count
-- Counts are at most ten million, so all of it fits into 51 bits.
local code = ((services + 1) * 16777216 + entities + 1) * 8 + 2 * phase + first
if phase == CLOSED then return code end
return { code, now - since }
`;

const AFTER_OBSERVE = `
keep_alive()
local write = { '#', numbers() }
for field, text in pairs(changed) do
  write[#write + 1] = field
  write[#write + 1] = text
end
call('HSET', REGION, unpack(write))
`;

const ADD_HISTORY = `${REGION}
enter(call('HGET', REGION, '#'))
if count > 0 and oldest <= now - WINDOW then forget_services() end
for arg = 5, #ARGV, 4 do
  -- Younger than now: the clock that received it was ahead. It was received in any case (S7).
  local id, field, name, at = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2], now - math.max(0, ARGV[arg + 3])
  if at > now - WINDOW then
    see_id(id)
    read(call('HGET', REGION, field))
    if see_service(field, at) then see_entity(field, name, at) end
    if seen > 0 then call('HSET', REGION, field, record()) end
  end
end
local open_for = tonumber(ARGV[4])
if open_for >= 0 and phase ~= OPEN then phase, since = OPEN, now - open_for end
keep_alive()
call('HSET', REGION, '#', numbers())
return {'added', now}
`;

const CLEARS_IN = `${REGION}
local kept = call('HMGET', REGION, '#', ARGV[4])
if not kept[1] or not kept[2] then return {'clears', now, 0} end
enter(kept[1])
read(kept[2])
local max, horizon = tonumber(ARGV[5]), now - WINDOW
if seen <= horizon then return {'clears', now, 0} end
if uncountable > now or max < 0 then return {'clears', now, -1} end
local times = {}
if n == MANY then
  local set, after = set_of(ARGV[4]), '(' .. horizon
  local over = call('ZCOUNT', set, after, '+inf') - max
  if over <= 0 then return {'clears', now, 0} end
  local leaving = call('ZRANGEBYSCORE', set, after, '+inf', 'WITHSCORES', 'LIMIT', over - 1, 1)
  return {'clears', now, tonumber(leaving[2]) + WINDOW - now}
end
for _, digits in string.gmatch(list, '\\n([^\\t]*)\\t(%d+)') do
  if tonumber(digits) > horizon then times[#times + 1] = tonumber(digits) end
end
if #times <= max then return {'clears', now, 0} end
table.sort(times)
return {'clears', now, times[#times - max] + WINDOW - now}
`;

/** Writes the scripts for these bounds. */
export function windowScripts(bounds: z.output<typeof MemoryWindowsOptions>): WindowScripts {
  const { windowMs, minOpenMs } = bounds.breaker;
  const constants = Object.entries({
    WINDOW: windowMs,
    MIN_OPEN: minOpenMs,
    // Long enough for every answer that what was stored can still change.
    KEEP: Math.max(2 * windowMs, windowMs + minOpenMs),
    CAP_SERVICES: bounds.maxStoredServices,
    CAP_ENTITIES: bounds.maxStoredEntities,
    CAP_PER_SERVICE: bounds.maxStoredEntitiesPerService,
    CAP_IDS: bounds.maxStoredEventIds,
    MOST_INLINE,
  })
    .map(([name, value]) => `local ${name} = ${value}\n`)
    .join('');
  return {
    observe: defineBatch({
      sharedArgs: 3,
      values: 3,
      before: `${constants}${BEFORE_OBSERVE}`,
      each: OBSERVE,
      after: AFTER_OBSERVE,
    }),
    addHistory: defineScript(`${constants}${ADD_HISTORY}`),
    clearsIn: defineScript(`${constants}${CLEARS_IN}`),
  };
}

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
import { ENTITIES, MOST_INLINE } from './entities-lua.ts';
import { EVENT_IDS } from './event-ids-lua.ts';
import { REGION } from './region-lua.ts';
import { SERVICES } from './services-lua.ts';

/** Keys after the store record: the region, its agenda of services, and event ids in two generations. */
export const REGION_KEYS = ['region', 'services', 'ids', 'ids-before'] as const;

/** The scripts of one configuration. */
export interface WindowScripts {
  /**
   * Counts events and answers in the same step; without an event id it only looks. Shared: {@link REGION_KEYS}, the two
   * thresholds of the breaker and the instant from which the region is known. Each: event id, field of the service, name of
   * the entity. Answers as `readCode` reads it, in a list with the age of the breaker unless it is closed.
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

/** Everything that the scripts share. */
const SHARED = `${REGION}${SERVICES}${ENTITIES}${EVENT_IDS}`;

/** Reads the region and the services in question, and says how the breaker steps. */
const BEFORE_OBSERVE = `${SHARED}
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

const ADD_HISTORY = `${SHARED}
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

const CLEARS_IN = `${SHARED}
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

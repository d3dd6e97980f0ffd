/**
 * Which entities of one service failed within the window, as Lua after `REGION`: few as text within the record of
 * the service, many in a sorted set of their own.
 *
 * L5: at most `CAP_PER_SERVICE` of a service and `CAP_ENTITIES` of a region are kept; one more makes the count of its
 * service uncountable for a window (S7).
 */

/** Most entities of one service that are kept in its record. */
export const MOST_INLINE = 32;

/** The functions of this subject: `forget_entities` and `see_entity`. */
export const ENTITIES = `
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

/**
 * Which services of a region failed within the window, as Lua after `REGION`. The agenda is a sorted set whose scores
 * are bounds below the last sight: a service that comes up either goes or is entered again with its true time.
 *
 * L5: at most `CAP_SERVICES` are kept; one more makes their number uncountable for a window (S7).
 */
export const SERVICES = `
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
`;

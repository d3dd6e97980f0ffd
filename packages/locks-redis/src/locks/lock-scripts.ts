/**
 * The lock table of core as scripts. One hash per service holds its service lock (field `s`) and its host locks (fields
 * `h<host>`), each as `epoch counter expires leases holder`, so that one step sees everything that excludes each other.
 *
 * S4: at any instant each host, and each service as a whole, has at most one holder on this server.
 * L3: a lock that nobody renews is free after its TTL, and the hash goes with its last lock.
 */
import { defineScript, RECORD } from '../connection/script.ts';

/** `ARGV[4]` is the field of the lock. */
const TABLE = `
local field = ARGV[4]
local function read(text)
  if not text then return nil end
  local epoch, counter, expires, leases, holder = string.match(text, '^(%d+) (%d+) (%d+) (%d+) (.*)$')
  expires = tonumber(expires)
  if not expires or expires <= now then return nil end
  return { epoch = epoch, counter = counter, expires = expires, leases = tonumber(leases), holder = holder }
end
local function write(lock)
  redis.call('HSET', KEYS[2], field,
    lock.epoch .. ' ' .. lock.counter .. ' ' .. lock.expires .. ' ' .. lock.leases .. ' ' .. lock.holder)
  local rest = lock.expires - now
  -- The hash lives as long as the last of its locks.
  if redis.call('PEXPIRE', KEYS[2], rest, 'NX') == 1 then return true end
  redis.call('PEXPIRE', KEYS[2], rest, 'GT')
end
local function each(visit)
  local all = redis.call('HGETALL', KEYS[2])
  for at = 1, #all, 2 do
    local lock = read(all[at + 1])
    if lock == nil then redis.call('HDEL', KEYS[2], all[at])
    elseif visit(all[at], lock) then return end
  end
end
`;

/** `KEYS[3]` counts grants; `ARGV[5]` holder, `[6]` TTL. Answers `granted epoch counter leases`, or `busy holder field`, or `early` with the wait. */
export const ACQUIRE = defineScript(`${RECORD}${TABLE}
local holder, ttl = ARGV[5], tonumber(ARGV[6])
local own, obstacle, by
if field == 's' then
  each(function (name, lock)
    if lock.holder ~= holder then obstacle, by = lock, name return true end
    if name == 's' then own = lock end
  end)
else
  local found = redis.call('HMGET', KEYS[2], field, 's')
  own = read(found[1])
  local service = read(found[2])
  if own and own.holder ~= holder then obstacle, by = own, field
  elseif service and service.holder ~= holder then obstacle, by = service, 's' end
end
if obstacle then return {'busy', now, obstacle.holder, by} end
if own then
  own.leases = own.leases + 1
  own.expires = math.max(own.expires, now + ttl)
  write(own)
  return {'granted', now, own.epoch, own.counter}
end
-- A holder may carry on with what it has; nothing new is granted while other holders may not know yet what they lost.
if now < trusted_from then return {'early', now, trusted_from - now} end
local counter = redis.call('INCR', KEYS[3])
local is_alone = write({ epoch = epoch, counter = counter, expires = now + ttl, leases = 1, holder = holder })
-- Holders that died leave expired fields behind while others keep the hash alive.
if not is_alone and counter % 32 == 0 then each(function () end) end
return {'granted', now, epoch, counter}
`);

/** Finds the lock of a claim: `ARGV[5]` holder, `[6]` epoch, `[7]` counter. */
const CLAIM = `
local own = read(redis.call('HGET', KEYS[2], field))
local is_claim = own and own.holder == ARGV[5] and own.epoch == ARGV[6] and own.counter == ARGV[7]
`;

/** `ARGV[8]` TTL. Never extends a lock that has expired, also when nobody else took it. */
export const RENEW = defineScript(`${TABLE}${CLAIM}
if not is_claim then return {'lost', now} end
own.expires = math.max(own.expires, now + tonumber(ARGV[8]))
write(own)
return {'renewed', now}
`);

/** Compare-and-delete. */
export const RELEASE = defineScript(`${TABLE}${CLAIM}
if not is_claim then return {'lost', now} end
if own.leases > 1 then
  own.leases = own.leases - 1
  write(own)
else
  redis.call('HDEL', KEYS[2], field)
end
return {'released', now}
`);

/** Who is in the way of this lock now; the lock itself first. */
export const INSPECT = defineScript(`${TABLE}
local function first(...)
  local names = {...}
  local found = redis.call('HMGET', KEYS[2], ...)
  for at = 1, #names do
    local lock = read(found[at])
    if lock then return {'held', now, lock.holder, names[at]} end
  end
end
local held = field == 's' and first('s') or field ~= 's' and first(field, 's')
if not held and field == 's' then
  each(function (name, lock) held = {'held', now, lock.holder, name} return true end)
end
return held or {'free', now}
`);

/** Takes a lock away from whoever holds it. */
export const BREAK = defineScript(`${TABLE}
local held = read(redis.call('HGET', KEYS[2], field))
redis.call('HDEL', KEYS[2], field)
return {held and 'broken' or 'free', now}
`);

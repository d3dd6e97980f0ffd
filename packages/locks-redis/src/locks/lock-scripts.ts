/**
 * The lock table of core as scripts. One hash holds all locks: a field per service with its service lock (`s`) and its host
 * locks (`h<host>`), so that one step sees everything that excludes each other, and the locks of a batch are read by one
 * command and written by another. Field `#` is the instant until which the hash is kept; it is ahead of the locks, so that
 * it moves rarely.
 *
 * S4: at any instant each host, and each service as a whole, has at most one holder on this server.
 * L3: a lock that nobody renews is free after its TTL. What has expired goes when its service is next written, and a hash
 * that has grown is looked through a few services at a time, so that services that never come back do not stay in it.
 */
import { defineBatch, defineScript, RECORD } from '../connection/script.ts';

/** A lock is the list of its epoch, counter, expiry, leases and holder. Stored, its name and holder follow its numbers. */
const TABLE = `
local call, LOCKS = redis.call, KEYS[2]
local EPOCH, COUNTER, EXPIRES, LEASES, HOLDER = 1, 2, 3, 4, 5
local HEAD = 'ddddHH'
local function decode(text)
  local locks = {}
  local from = 1
  while text and from < #text do
    local epoch, counter, expires, leases, name_length, length, at = struct.unpack(HEAD, text, from)
    local to = at + name_length
    from = to + length
    if expires > now then
      locks[string.sub(text, at, to - 1)] = { epoch, counter, expires, leases, string.sub(text, to, from - 1) }
    end
  end
  return locks
end
local function encode(locks)
  local text
  for name, lock in pairs(locks) do
    local one = struct.pack(HEAD, lock[EPOCH], lock[COUNTER], lock[EXPIRES], lock[LEASES], #name, #lock[HOLDER])
      .. name .. lock[HOLDER]
    text = text and text .. one or one
  end
  return text
end
-- Any lock of a service that this holder does not hold, and its name.
local function other(locks, holder)
  for name, lock in pairs(locks) do
    if lock[HOLDER] ~= holder then return lock, name end
  end
end
`;

/** Reads the services of all requests; `WIDTH` is the number of values of one request, the first being the service. */
const READ_BATCH = `
local names, services, changed, latest, ahead = { '#' }, {}, {}, 0, 0
for a = 1, #ASKED, WIDTH do
  local service = '=' .. ASKED[a]
  if not services[service] then
    names[#names + 1] = service
    services[service] = true
  end
end
local texts = call('HMGET', LOCKS, unpack(names))
for at = 2, #names do services[names[at]] = decode(texts[at]) end
local function of(service) return services['=' .. service] end
local function keep(service, lock, ttl)
  changed['=' .. service] = true
  if not lock then return end
  latest, ahead = math.max(latest, lock[EXPIRES]), math.max(ahead, lock[EXPIRES] + ttl)
end
`;

/** Up to so many services it is not worth while to look for those that are no longer locked. */
const TIDY_FROM = 128;

/**
 * Writes what has changed. What becomes less goes first, because that works without memory, too.
 *
 * Tidying looks at two services, picked by chance, for each that was written: where as many locks expire as are granted,
 * about half of the hash is alive, whatever its size.
 */
const WRITE_BATCH = `
local gone, write, written = {}, {}, 0
for service in pairs(changed) do
  written = written + 1
  local text = encode(services[service])
  if not text or IS_RELEASE then gone[#gone + 1] = service end
  if text then
    write[#write + 1] = service
    write[#write + 1] = text
  end
end
-- S4: the hash outlives every lock that was kept. A TTL ahead of them, so that there is time until the next.
local is_due = latest > (tonumber(texts[1]) or 0)
if is_due then
  write[#write + 1] = '#'
  write[#write + 1] = ahead
end
if #gone > 0 then call('HDEL', LOCKS, unpack(gone)) end
if #write > 0 then call('HSET', LOCKS, unpack(write)) end
if is_due then call('PEXPIREAT', LOCKS, ahead) end
if not IS_RELEASE and written > 0 and call('HLEN', LOCKS) > ${TIDY_FROM} then
  local picked, dead = call('HRANDFIELD', LOCKS, -2 * written, 'WITHVALUES'), {}
  for at = 1, #picked, 2 do
    if picked[at] ~= '#' and next(decode(picked[at + 1])) == nil then dead[#dead + 1] = picked[at] end
  end
  if #dead > 0 then call('HDEL', LOCKS, unpack(dead)) end
end
`;

const batch = (width: number, isRelease = false): string =>
  `local WIDTH, IS_RELEASE = ${width}, ${isRelease}\n${TABLE}${READ_BATCH}`;

/**
 * Keys: the locks, and the counter of grants. Each: service, name of the lock, holder, TTL. Answers the counter of a grant
 * of this epoch, or `granted epoch counter` for one of an earlier epoch, `busy holder name`, or `early` with the wait.
 */
export const ACQUIRE = defineBatch({
  sharedArgs: 0,
  values: 4,
  before: `${RECORD}${batch(4)}
epoch = tonumber(epoch)
local requests, counter = #ASKED / WIDTH, nil
-- Numbers that are not used are skipped: they only have to grow.
local function next_counter()
  counter = counter and counter + 1 or call('INCRBY', KEYS[3], requests) - requests + 1
  return counter
end
`,
  each: `
local service, name, holder, ttl = ASKED[a], ASKED[a + 1], ASKED[a + 2], ASKED[a + 3]
local locks = of(service)
local own, obstacle, by = locks[name], nil, nil
if own and own[HOLDER] ~= holder then obstacle, by = own, name
elseif name == 's' then obstacle, by = other(locks, holder)
elseif locks.s and locks.s[HOLDER] ~= holder then obstacle, by = locks.s, 's' end
if obstacle then return { 'busy', obstacle[HOLDER], by } end
if own then
  own[LEASES], own[EXPIRES] = own[LEASES] + 1, math.max(own[EXPIRES], now + ttl)
  keep(service, own, ttl)
  if own[EPOCH] == epoch then return own[COUNTER] end
  return { 'granted', own[EPOCH], own[COUNTER] }
end
-- A holder may carry on with what it has; nothing new is granted while other holders may not know yet what they lost.
if now < trusted_from then return { 'early', trusted_from - now } end
local lock = { epoch, next_counter(), now + ttl, 1, holder }
locks[name] = lock
keep(service, lock, ttl)
return lock[COUNTER]
`,
  after: WRITE_BATCH,
});

/** Finds the lock of a claim; each: service, name, holder, epoch, counter. Answers 1, or 0 when it is lost. */
const CLAIM = `
local service, name = ASKED[a], ASKED[a + 1]
local locks = of(service)
local own = locks[name]
if not own or own[HOLDER] ~= ASKED[a + 2] or own[EPOCH] ~= ASKED[a + 3] or own[COUNTER] ~= ASKED[a + 4] then
  return 0
end
`;

/** Each ends with the TTL. Never extends a lock that has expired, also when nobody else took it. */
export const RENEW = defineBatch({
  sharedArgs: 0,
  values: 6,
  before: batch(6),
  each: `${CLAIM}
local ttl = ASKED[a + 5]
own[EXPIRES] = math.max(own[EXPIRES], now + ttl)
keep(service, own, ttl)
return 1
`,
  after: WRITE_BATCH,
});

/** Compare-and-delete. */
export const RELEASE = defineBatch({
  sharedArgs: 0,
  values: 5,
  before: batch(5, true),
  each: `${CLAIM}
own[LEASES] = own[LEASES] - 1
if own[LEASES] == 0 then locks[name] = nil end
keep(service)
return 1
`,
  after: WRITE_BATCH,
});

/** Who is in the way of this lock now; the lock itself first. `ARGV[4]` service, `[5]` name. */
export const INSPECT = defineScript(`${TABLE}
local locks, name = decode(call('HGET', LOCKS, '=' .. ARGV[4])), ARGV[5]
if locks[name] then return { 'held', now, locks[name][HOLDER], name } end
local held, by = locks.s, 's'
if name == 's' then held, by = other(locks, nil) end
if held then return { 'held', now, held[HOLDER], by } end
return { 'free', now }
`);

/** Takes a lock away from whoever holds it. `ARGV[4]` service, `[5]` name. */
export const BREAK = defineScript(`${TABLE}
local field, name = '=' .. ARGV[4], ARGV[5]
local locks = decode(call('HGET', LOCKS, field))
local held = locks[name]
locks[name] = nil
call('HDEL', LOCKS, field)
local text = encode(locks)
if text then call('HSET', LOCKS, field, text) end
return { held and 'broken' or 'free', now }
`);

/**
 * The numbers of a region and the record of one service, as Lua: what every script of the windows begins with. The numbers
 * are one packed field of the hash of the region, so that they are read and written by the command that does the rest.
 */
export const REGION = `
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
`;

/**
 * Which events a region has seen, as Lua after `REGION`: two generations of ids, so that forgetting costs one rename.
 *
 * L5: a generation ends after a window, or with `CAP_IDS` ids in it.
 */
export const EVENT_IDS = `
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
`;

import { describeSource } from './script.ts';

/**
 * Settles which epoch holds on the server that we are connected to. Another identity than the recorded one means that the
 * server was started, promoted or emptied since, and may have lost state: the epoch grows, and for a while nothing new is
 * granted, so that holders find out what they lost and nodes add what they know.
 *
 * `ARGV`: identity, highest epoch the caller ever saw, grace in milliseconds.
 */
export const ENTER = describeSource(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local store = redis.call('HMGET', KEYS[1], 'identity', 'epoch', 'trusted_from')
local epoch = tonumber(store[2]) or 0
local seen = tonumber(ARGV[2])
if store[1] == ARGV[1] and epoch >= seen then return {now, epoch, tonumber(store[3])} end
-- Seconds of the wall clock, so that it grows also when the record itself was lost.
epoch = math.max(epoch + 1, seen + 1, math.floor(now / 1000))
local trusted_from = now + tonumber(ARGV[3])
redis.call('HSET', KEYS[1], 'identity', ARGV[1], 'epoch', epoch, 'trusted_from', trusted_from, 'counter', 0)
return {now, epoch, trusted_from}
`);

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
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local record = redis.call('GET', KEYS[1])
local identity, epoch = string.match(record or '', '^([^|]*)|(%d+)|')
epoch = tonumber(epoch) or 0
local seen = tonumber(ARGV[2])
if identity == ARGV[1] and epoch >= seen then return {now, epoch, record} end
-- The wall clock, so that it grows also when the record itself was lost; in milliseconds, because a promotion can follow
-- within the second in which the lost record was written.
epoch = math.max(epoch + 1, seen + 1, now)
record = string.format('%s|%.0f|%.0f|0|0|0', ARGV[1], epoch, now + ARGV[3])
redis.call('SET', KEYS[1], record)
return {now, epoch, record}
`);

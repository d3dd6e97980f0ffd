import { createHash } from 'node:crypto';

/** A Lua script that runs on the server in one step. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

/**
 * What every script does first. `KEYS[1]` is the store record; `ARGV[1]` the identity of the server that the caller
 * believes to talk to, `ARGV[2]` the instant after which the call must not be carried out any more, and `ARGV[3]` replaces
 * the clock of the server in tests.
 *
 * A command that waited in the socket of a stopped server is carried out when it continues, long after the caller gave
 * up: `late` makes it dead on arrival.
 */
const PRELUDE = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local store = redis.call('HMGET', KEYS[1], 'identity', 'epoch', 'trusted_from', 'windows', 'budgets', 'pauses')
if store[1] ~= ARGV[1] then return {'moved', now} end
if now > tonumber(ARGV[2]) then return {'late', now} end
local epoch = store[2]
local trusted_from = tonumber(store[3])
if ARGV[3] ~= '' then now = tonumber(ARGV[3]) end
`;

/** Arguments before the script's own: identity, last instant, clock. The own ones start at `ARGV[4]`. */
export function defineScript(body: string): Script {
  return describeSource(`${PRELUDE}${body}`);
}

/** A script without the prelude. */
export function describeSource(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

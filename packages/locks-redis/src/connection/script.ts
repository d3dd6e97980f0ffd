import { createHash } from 'node:crypto';

/** A Lua script that runs on the server in one step. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

/**
 * What every script does first. `KEYS[1]` is the store record: `identity|epoch|trusted from|windows|budgets|pauses`, where the
 * last three say whether the nodes have added what they know. `ARGV[1]` is the record as the caller knows it, so that one
 * comparison tells a caller who talks to another server, or to one that lost its state, to look again. `ARGV[2]` is the
 * instant after which the call must not be carried out any more, and `ARGV[3]` replaces the clock of the server in tests.
 *
 * A command that waited in the socket of a stopped server is carried out when it continues, long after the caller gave
 * up: `late` makes it dead on arrival.
 */
const PRELUDE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'moved', now} end
if now > tonumber(ARGV[2]) then return {'late', now} end
if ARGV[3] ~= '' then now = tonumber(ARGV[3]) end
`;

/** Reads the record: `epoch`, `trusted_from`, and `known_windows`, `known_budgets`, `known_pauses`, each `1` or `0`. */
export const RECORD = `
local epoch, trusted_from, known_windows, known_budgets, known_pauses =
  string.match(ARGV[1], '^[^|]*|(%d+)|(%d+)|(%d)|(%d)|(%d)$')
trusted_from = tonumber(trusted_from)
`;

/** Arguments before the script's own: identity, last instant, clock. The own ones start at `ARGV[4]`. */
export function defineScript(body: string): Script {
  return describeSource(`${PRELUDE}${body}`);
}

/** A script without the prelude. */
export function describeSource(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

/**
 * A script that carries out several requests of one kind in one step, each as if it were alone: what a call costs on both
 * sides is paid once. The requests travel as one JSON list, one after the other, because every argument costs both sides
 * more than its bytes; the usual answer is one whole number, because writing numbers as text costs Lua a microsecond each.
 */
export interface BatchScript extends Script {
  /** Values of one request. */
  readonly values: number;
}

/**
 * Writes a {@link BatchScript}. `each` is the body of a function: the values of its request are `ASKED[a]` and following,
 * and it returns the answer to one request, a whole number or a list. An error in it is the answer to that request alone. `before` runs once,
 * with the shared arguments from `ARGV[4]` and all requests in `ASKED`; `after` once, when all requests are answered.
 */
export function defineBatch(parts: {
  readonly sharedArgs: number;
  readonly values: number;
  readonly before: string;
  readonly each: string;
  readonly after?: string;
}): BatchScript {
  const { sharedArgs, values, before, each, after = '' } = parts;
  const script = defineScript(`
local ASKED = cjson.decode(ARGV[${4 + sharedArgs}])
${before}
local function answer(a)
${each}
end
local replies = { 'done', now }
for a = 1, #ASKED, ${values} do
  local ok, reply = pcall(answer, a)
  if not ok then reply = { 'error', type(reply) == 'table' and reply.err or tostring(reply) } end
  replies[#replies + 1] = reply
end
${after}
return replies
`);
  return { ...script, values };
}

/** The requests of a batch as one argument. */
export function encodeRequests(values: readonly (string | number)[]): string {
  const text = JSON.stringify(values);
  // Half of a surrogate pair is no character; the parser of the server refuses the whole list for it.
  return text.includes('\\ud')
    ? JSON.stringify(values.map((each) => (typeof each === 'string' ? each.toWellFormed() : each)))
    : text;
}

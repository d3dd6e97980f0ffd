/**
 * The inverse of every gate: from the evidence that a gate left behind, the nearest change with which it would have let
 * the event on. It needs nothing but the record, so it can be asked about any decision, years later.
 */
import type { ExitName } from './ladder.ts';
import { counted, numberOf, textOf } from './evidence.ts';
import { seconds, short } from './phrases.ts';
import { moreVotes } from './vote-change.ts';
import type { Change, NearestChange, StoppedGate } from './change.ts';

/** The change with which a gate would not have stopped the event; `undefined` for a gate that did not. */
export function changeToPass(stopped: StoppedGate): NearestChange | undefined {
  const { gate, exit } = stopped;
  // A record of a newer version may know exits that this one does not.
  if (exit === undefined || !Object.hasOwn(CHANGES, exit)) return undefined;
  return { gate, exit, ...CHANGES[exit as ExitName](stopped) };
}

/** One entry for each exit of the ladder. */
const CHANGES: Readonly<Record<ExitName | 'invariant_broken', (stopped: StoppedGate) => Change>> = {
  invalid: ({ evidence }) => {
    const issues = evidence['issues'];
    const [first] = Array.isArray(issues) ? (issues as readonly { path?: string; message?: string }[]) : [];
    if (first !== undefined)
      return {
        text: `a valid event: ${first.path ?? ''} ${first.message ?? ''}`.trim(),
        what: first.path ?? 'event',
      };
    const mine = textOf(evidence, 'mine') ?? 'of this node';
    return {
      text: `sent to its own region, or about region ${mine}`,
      what: 'region',
      ...known({ is: textOf(evidence, 'region'), needed: mine }),
    };
  },
  stale: ({ evidence }) => {
    const [age, limit] = [numberOf(evidence, 'age_ms'), numberOf(evidence, 'stale_after_ms')];
    const text =
      age === undefined || limit === undefined
        ? 'a younger event'
        : `an event received ${seconds(age - limit)} earlier, or stale_after of at least ${Math.ceil(age / 1000)} s`;
    return { text, what: 'age_ms', ...known({ is: age, needed: limit }) };
  },
  future_dated: ({ evidence, at }) => {
    const [age, skew] = [numberOf(evidence, 'age_ms') ?? 0, numberOf(evidence, 'max_skew_ms') ?? 0];
    const okAt = later(at, -age - skew);
    return {
      text: `received at ${clockTime(okAt)} or later, or a sensor whose clock is right`,
      what: 'age_ms',
      is: age,
      needed: -skew,
      at: okAt,
    };
  },
  duplicate: ({ evidence }) => ({
    text: 'a new event with an id of its own: every id is decided once',
    what: 'event_id',
    ...known({ is: textOf(evidence, 'event_id') }),
  }),
  windows_unavailable: () =>
    answering('windows', 'the windows answer: as long as counts are unknown everything is suspended'),
  attached: ({ evidence }) => {
    const run = textOf(evidence, 'run_id');
    const first = textOf(evidence, 'event_id');
    const text =
      run === undefined
        ? `arriving before event ${first ?? 'that was first'}`
        : `run ${short(run)} is over, and the host fails again`;
    return { text, what: run === undefined ? 'event_id' : 'run_id', ...known({ is: run ?? first }) };
  },
  superseded: ({ evidence }) => {
    const host = textOf(evidence, 'host') ?? 'the host';
    const status = textOf(evidence, 'run_status');
    const ended = textOf(evidence, 'run_ended_at');
    if (status === 'succeeded' && evidence['lifecycle'] === 'active' && ended !== undefined)
      return {
        text: `an event that is dated after ${ended}, when the run ended`,
        what: 'time',
        needed: ended,
        at: ended,
      };
    return {
      text: `a new incarnation of ${host}: this one is ${evidence['lifecycle'] === 'forensics' ? 'kept for examination' : 'with a person'}`,
      what: 'incarnation',
      ...known({ is: textOf(evidence, 'lifecycle'), needed: 'active' }),
    };
  },
  no_rule: ({ evidence }) => {
    const nearest = Array.isArray(evidence['nearest'])
      ? (evidence['nearest'] as readonly unknown[])[0]
      : undefined;
    return typeof nearest === 'string'
      ? { text: `the nearest rule is ${nearest}`, what: 'criteria', is: nearest }
      : { text: 'a rule for events of this type', what: 'criteria' };
  },
  no_config: () => answering('config', 'a valid configuration: see lazarus validate'),
  mode_off: ({ evidence }) => ({
    text: `mode: act; off comes from ${textOf(evidence, 'mode_from') ?? 'the configuration'}`,
    what: 'mode',
    is: 'off',
    needed: 'act',
  }),
  notify_only_rule: ({ evidence }) => ({
    text: `a workflow in rule ${textOf(evidence, 'rule') ?? 'that matched'}`,
    what: 'workflow',
    ...known({ is: textOf(evidence, 'rule') }),
  }),
  paused: ({ evidence }) => {
    const pause = (evidence['pause'] ?? {}) as {
      scope?: { region?: string; service?: string };
      until?: string;
    };
    const scope = [
      pause.scope?.region === undefined ? '' : ` --region ${pause.scope.region}`,
      pause.scope?.service === undefined ? '' : ` --service ${pause.scope.service}`,
    ].join('');
    const until = pause.until === undefined ? '' : `; it ends by itself at ${clockTime(pause.until)}`;
    return { text: `lazarus resume${scope}${until}`, what: 'pause', ...known({ at: pause.until }) };
  },
  pause_unavailable: () =>
    answering('pauses', 'the pause store answers: as long as it does not, everything is paused'),
  region_circuit_open: ({ evidence }) => {
    const [is, max] = [numberOf(evidence, 'services'), numberOf(evidence, 'maxServices')];
    if (evidence['state'] === 'unknown')
      return answering(
        'breaker',
        'the counts of a whole window are known: an unknown breaker counts as open',
      );
    const over = is === undefined || max === undefined ? undefined : is - max;
    const text =
      over === undefined || over <= 0
        ? 'the breaker closes: it stays open for a while after the storm is over'
        : `${counted(over, 'failing service')} fewer in the region, and the breaker closes`;
    return { text, what: 'services', ...known({ is, needed: max }) };
  },
  service_rate_limited: ({ evidence, at, duration_ms: tookMs }) => {
    const [is, max] = [numberOf(evidence, 'entities'), numberOf(evidence, 'max_entities')];
    const [clearsMs, windowMs] = [numberOf(evidence, 'clears_in_ms'), numberOf(evidence, 'window_ms')];
    const askedAt = later(at, tookMs);
    const when =
      clearsMs !== undefined
        ? { words: `would pass at ${clockTime(later(askedAt, clearsMs))}`, at: later(askedAt, clearsMs) }
        : windowMs === undefined
          ? undefined
          : {
              words: `would pass at ${clockTime(later(askedAt, windowMs))} at the latest`,
              at: later(askedAt, windowMs),
            };
    const window = windowMs === undefined ? '' : ` in ${minutes(windowMs)}`;
    return {
      text: `limiter ${is ?? '?'} of ${max ?? '?'}${window}${when === undefined ? '' : `: ${when.words}, if no other host fails`}`,
      what: 'entities',
      ...known({ is, needed: max, at: when?.at }),
    };
  },
  target_unresolved: ({ evidence, reason }) => {
    const host = textOf(evidence, 'host');
    return host === undefined
      ? { text: 'an event that names the host', what: 'host' }
      : { text: `a host that the provider knows: ${reason}`, what: 'host', is: host };
  },
  target_protected: ({ evidence }) => {
    const isProtected = evidence['protected'] === true;
    const host = textOf(evidence, 'host') ?? 'the host';
    return isProtected
      ? { text: `${host} is not protected: never by Lazarus`, what: 'protected', is: 'true', needed: 'false' }
      : { text: `tag ${host} as managed at the provider`, what: 'managed', is: 'false', needed: 'true' };
  },
  lock_held: ({ evidence }) => {
    const holder = textOf(evidence, 'held_by');
    return {
      text: `${holder === undefined ? 'the lock' : `run ${short(holder)}`} is over`,
      what: 'lock',
      ...known({ is: holder }),
    };
  },
  lock_unavailable: () => answering('locks', 'the lock store answers'),
  lock_lost: () => answering('locks', 'the lock is held until the run begins'),
  quorum_not_reached: moreVotes,
  quorum_timed_out: moreVotes,
  precondition_failed: moreVotes,
  budget_spent: ({ evidence }) => {
    const [used, max] = [numberOf(evidence, 'used'), numberOf(evidence, 'max')];
    const scope = textOf(evidence, 'scope') ?? 'scope';
    const bound = textOf(evidence, 'bound') ?? 'budget';
    const over = used === undefined || max === undefined ? 1 : Math.max(1, used - max + 1);
    const words: Readonly<Record<string, string>> = {
      in_flight: `${counted(over, 'action')} in flight in the ${scope} has to end`,
      per_hour: `${counted(over, 'action')} fewer in the last hour in the ${scope}`,
      zones_in_flight: `the actions in ${counted(over, 'other zone')} have to end`,
    };
    return {
      text: `${words[bound] ?? `${bound} below its bound`}: ${used ?? '?'} of ${max ?? '?'}`,
      what: `${scope}.${bound}`,
      ...known({ is: used, needed: max === undefined ? undefined : max - 1 }),
    };
  },
  budget_unavailable: () => answering('budget', 'the budget answers: unreadable means spent'),
  deadline_passed: ({ evidence }) => {
    const lateMs = numberOf(evidence, 'late_ms');
    const text =
      lateMs === undefined ? 'an earlier decision' : `${seconds(lateMs)} less from the page to this gate`;
    return { text, what: 'late_ms', ...known({ is: lateMs }), needed: 0 };
  },
  pager_refused: ({ evidence }) => {
    const key = textOf(evidence, 'incident_key') ?? 'the page';
    const refused = textOf(evidence, 'refused');
    const words: Readonly<Record<string, string>> = {
      not_found: `page ${key} is open before the time to look for it is over`,
      already_resolved: `page ${key} is open`,
      taken_by_human: `nobody has taken page ${key}: it is with a person, where it belongs`,
    };
    return {
      text: words[refused ?? ''] ?? 'the pager answers',
      what: 'page',
      ...known({ is: refused ?? textOf(evidence, 'error') }),
    };
  },
  audit_unavailable: () => answering('audit', 'the audit log answers'),
  run_not_started: ({ evidence, reason }) => {
    const status = textOf(evidence, 'run_status');
    return status === undefined
      ? { text: `an engine that takes the run: ${reason}`, what: 'engine' }
      : { text: 'a new failure: the run of this one is over', what: 'run_status', is: status };
  },
  invariant_broken: ({ reason }) => answering('gate', `a gate that does not fail itself: ${reason}`),
};

function answering(what: string, text: string): Change {
  return { text, what };
}

/** The fields that are known. */
function known(fields: {
  readonly is?: number | string | undefined;
  readonly needed?: number | string | undefined;
  readonly at?: string | undefined;
}): Pick<Change, 'is' | 'needed' | 'at'> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

const later = (iso: string, ms: number): string => new Date(Date.parse(iso) + ms).toISOString();
const clockTime = (iso: string): string => iso.slice(11).replace(/\.\d+Z$/, 'Z');
const minutes = (ms: number): string => (ms % 60_000 === 0 ? `${ms / 60_000} m` : seconds(ms));

/**
 * A test of one recorded decision: the world as the votes describe it, what each step answered, and what was decided. What
 * came from earlier events is rebuilt as far as the record says what it was; the rest is refused.
 */
import type { DecisionRecord, LazarusEvent } from '@lazarus/core';
import type { Json, RunView, StepView } from '@lazarus/core/ports';
import type { WorkflowDefinition } from '@lazarus/dag';
import { happyReply, recordedEvent, recordedMembers, recordedReplies } from '@lazarus/testing/lab';
import type { Pseudonyms } from './pseudonyms.ts';

/** A test document as a value. */
export interface RecordedSuite {
  readonly rules: readonly string[];
  readonly nodes?: Json;
  readonly tests: readonly [Json];
}

/** What cannot be told from one event. */
export interface NotRecordable {
  readonly reason: string;
}

type Fields = Readonly<Record<string, Json | undefined>>;

/** Reasons that say what happened before, and how to make it happen again. */
const REBUILT: ReadonlySet<string> = new Set([
  'invalid',
  'future_dated',
  'stale',
  'no_rule',
  'mode_off',
  'paused',
  'region_circuit_open',
  'service_rate_limited',
  'target_unresolved',
  'target_protected',
  'quorum_not_reached',
  'quorum_timed_out',
  'precondition_failed',
  'duplicate',
  'deadline_passed',
  'mode',
  'rule',
]);

/** Makes the test of a recorded decision, with every name replaced. */
export function recordedSuite(
  record: DecisionRecord,
  run: RunView | undefined,
  options: {
    readonly rules: readonly string[];
    readonly preconditions: Parameters<typeof recordedReplies>[1];
    readonly pseudonyms: Pseudonyms;
    /** The workflow that ran, as the rules have it now. */
    readonly workflow?: WorkflowDefinition | undefined;
  },
): RecordedSuite | NotRecordable {
  const event = recordedEvent(record);
  if (event === undefined) return { reason: 'it was made about something that is no event' };
  const { decision } = record;
  const reason = decision.kind === 'remediate' ? undefined : decision.reason;
  if (reason !== undefined && !REBUILT.has(reason))
    return { reason: `it was made because of ${reason}, which depends on what happened before the event` };
  if (decision.kind === 'remediate' && run === undefined) return { reason: 'its run is not known' };
  if (run?.status === 'running') return { reason: 'its run has not ended' };
  const { pseudonyms } = options;
  nameEverything(record, event, run, pseudonyms);
  const { members } = recordedMembers(record);
  const nodes = members.map(({ id, zone }) => ({ id: pseudonyms.name('member', id), zone }));
  return {
    rules: options.rules,
    ...(nodes.length === 0 ? {} : { nodes }),
    tests: [
      clean({
        name: `${event.event_type} about ${event.service}: ${outcomeOf(record, run)}`,
        given: given(record, event, run, options),
        when: when(record, event, pseudonyms),
        then: then(record, run),
      }),
    ],
  };
}

/** Names are given once, here, so that they are the same in every place. */
function nameEverything(
  record: DecisionRecord,
  event: LazarusEvent,
  run: RunView | undefined,
  pseudonyms: Pseudonyms,
): void {
  const cast = record.votes?.cast ?? [];
  const { members } = recordedMembers(record);
  pseudonyms.keep(event.service, event.region, event.environment, ...members.map(({ zone }) => zone));
  for (const { id } of members) pseudonyms.name('member', id);
  if (event.host !== undefined) pseudonyms.name('host', event.host);
  const instance = record.incarnation?.instanceId;
  if (instance !== undefined) pseudonyms.name('id', instance);
  const account = event.account ?? record.incarnation?.account;
  if (account !== undefined) pseudonyms.name('account', account);
  if (event.incident_key !== undefined) pseudonyms.name('page', event.incident_key);
  pseudonyms.name('event', event.id);
  for (const { evidence } of record.gates) nameHosts(evidence, pseudonyms);
  for (const { evidence } of cast.flatMap(({ checks }) => checks)) nameHosts(evidence, pseudonyms);
  for (const step of run?.steps ?? []) nameHosts(step.output, pseudonyms);
  nameHosts(event.attributes, pseudonyms);
}

/** A key that holds hosts: `host`, `new_host_id`, `instanceId`, `peers`. */
const HOST_KEY = /^(?:[a-z]+_)?(?:host|peer|instance|replacement|standby)s?(?:_?(?:id|name)s?)?$/i;
/** A state such as `DOWN` under such a key is none. */
const HOST_NAME = /^(?=.*\d)(?=.*[a-z])[\w.:-]{3,}$/i;

/** Names hosts that only votes, gates and steps have named: peers of the fleet, and what a run has launched. */
function nameHosts(value: unknown, pseudonyms: Pseudonyms): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    for (const one of [item].flat() as readonly unknown[]) {
      const isHost = HOST_KEY.test(key) && typeof one === 'string' && HOST_NAME.test(one);
      if (isHost) pseudonyms.name(/^i-|^\w+-[0-9a-f]{8,17}$/.test(one) ? 'id' : 'host', one);
      else nameHosts(one, pseudonyms);
    }
  }
}

function given(
  record: DecisionRecord,
  event: LazarusEvent,
  run: RunView | undefined,
  { preconditions, pseudonyms, workflow }: Parameters<typeof recordedSuite>[2],
): Json {
  const replies = Object.entries(recordedReplies(record, preconditions)).map(([check, { nodes }]) => {
    const said = Object.entries(nodes).map(([node, reply]) => [
      pseudonyms.name('member', node),
      reply === 'pass' ? 'pass' : 'fail',
    ]);
    return [check, Object.fromEntries(said) as Json] as const;
  });
  const steps = (run?.steps ?? []).flatMap((step) => stepReply(step, workflow, pseudonyms));
  return clean({
    start_at: record.received_at,
    prechecks: Object.fromEntries(replies),
    actions: Object.fromEntries(steps),
    hosts: hostsOf(record, event, pseudonyms),
  });
}

/** The failed host as the voters saw it; without it the event is about a host that nobody knows. */
function hostsOf(record: DecisionRecord, event: LazarusEvent, pseudonyms: Pseudonyms): Json {
  const { decision, incarnation } = record;
  if (event.host === undefined) return [];
  const peer: Json = { name: 'somebody-else', service: event.service, environment: event.environment };
  const isUnknown = decision.kind === 'escalate' && decision.reason === 'target_unresolved';
  if (isUnknown || incarnation === undefined) return [peer];
  const isProtected = decision.kind === 'escalate' && decision.reason === 'target_protected';
  return [
    clean({
      name: pseudonyms.name('host', event.host),
      id: pseudonyms.name('id', incarnation.instanceId),
      service: event.service,
      environment: event.environment,
      zone: zoneOf(record),
      protected: isProtected ? true : undefined,
    }),
    peer,
  ];
}

/** The zone of the failed host, from the evidence of any vote. */
function zoneOf({ votes }: DecisionRecord): string | undefined {
  const evidence = (votes?.cast ?? []).flatMap((vote) => vote.checks.map((check) => check.evidence ?? {}));
  const zones = evidence.flatMap((one) => [one['host_zone'], one['zone']]);
  return zones.find((zone): zone is string => typeof zone === 'string');
}

/** What a step answered: a failure for each attempt that was repeated, then how it ended. */
function stepReply(
  step: StepView,
  workflow: WorkflowDefinition | undefined,
  pseudonyms: Pseudonyms,
): readonly (readonly [string, Json])[] {
  const { step: id, status, output, error, attempts } = step;
  if (status === 'skipped' || status === 'waiting' || step.uses.startsWith('wait@') || step.uses === 'signal')
    return [];
  if (output !== undefined) {
    const definition = workflow?.steps.find((one) => one.id === id);
    return [
      [id, { output: pseudonyms.value(answerOf(output, step.uses, definition?.outputs), `steps.${id}`) }],
    ];
  }
  if (error === undefined) return [[id, { hangs: true }]];
  if (error.code === 'LZ_WORKFLOW_STEP_TIMEOUT' || attempts === 0) return [[id, { hangs: true }]];
  const { code, retryable } = error;
  return [[id, { error: { code, message: pseudonyms.text(error.message, `steps.${id}.error`), retryable } }]];
}

/** What the action answered: a step with `outputs` shows the values that it picked, which are put back where they were. */
function answerOf(output: Json, uses: string, picked: Readonly<Record<string, string>> | undefined): Json {
  if (picked === undefined || typeof output !== 'object' || output === null || Array.isArray(output))
    return output;
  const [name = '', version = ''] = uses.split('@');
  const usual = happyReply({ name, version: Number(version) });
  const answer: Record<string, Json> =
    usual !== undefined && 'output' in usual ? { ...(usual.output as object) } : {};
  for (const [key, path] of Object.entries(picked)) {
    const field = /^\$\.(\w+)$/.exec(path)?.[1];
    const value = (output as Readonly<Record<string, Json>>)[key];
    if (field !== undefined && value !== undefined) answer[field] = value;
  }
  return answer;
}

function when(record: DecisionRecord, event: LazarusEvent, pseudonyms: Pseudonyms): Json {
  const { members, absent } = recordedMembers(record);
  const node = members.some(({ id }) => id === record.coordinator) ? record.coordinator : undefined;
  const { decision } = record;
  const reason = decision.kind === 'remediate' ? '' : decision.reason;
  const emitted = clean({
    event: eventOf(event, pseudonyms),
    node: node === undefined ? undefined : pseudonyms.name('member', node),
  });
  return [
    ...absent.map((id) => ({ crash: pseudonyms.name('member', id) })),
    ...(reason === 'paused' ? [{ pause: { reason: 'recorded' } }] : []),
    ...others(record, event),
    emitted,
    ...(reason === 'duplicate' ? [{ at: '1s', same_event: true }] : []),
  ] as Json;
}

function eventOf(event: LazarusEvent, pseudonyms: Pseudonyms): Json {
  const { summary: _summary, attributes, id, host, account, incident_key: key, ...rest } = event;
  return clean({
    ...rest,
    id: pseudonyms.name('event', id),
    host: host === undefined ? undefined : pseudonyms.name('host', host),
    account: account === undefined ? undefined : pseudonyms.name('account', account),
    incident_key: key === undefined ? null : pseudonyms.name('page', key),
    source: pseudonyms.text(event.source, 'source'),
    attributes: pseudonyms.value(attributes, 'attributes'),
  });
}

/** Failures of others, as many as the counts of the record say. */
function others(record: DecisionRecord, event: LazarusEvent): readonly Json[] {
  const evidence = record.gates.find(({ gate }) => gate === 'observe')?.evidence ?? {};
  const { region, environment, time, event_type: type } = event;
  const make = (count: unknown, own: (number: number) => Fields): readonly Json[] =>
    Array.from({ length: Math.max(0, Number(count ?? 1) - 1) }, (_, index) => ({
      event: clean({
        type,
        id: `other-${index + 1}`,
        region,
        environment,
        time,
        incident_key: null,
        ...own(index + 1),
      }),
    }));
  if (record.decision.kind !== 'escalate') return [];
  if (record.decision.reason === 'service_rate_limited')
    return make(evidence['entities'], (number) => ({ service: event.service, host: `other-${number}` }));
  if (record.decision.reason === 'region_circuit_open')
    return make(evidence['services'], (number) => ({ service: `other-${number}`, host: `other-${number}` }));
  return [];
}

function then(record: DecisionRecord, run: RunView | undefined): Json {
  const { decision, votes, rule } = record;
  const isMade = decision.kind === 'remediate';
  const stopped = record.gates.findLast(({ verdict }) => verdict === 'fail');
  return {
    events: {
      [EVENT]: clean({
        outcome: outcomeOf(record, run),
        blocked_by: isMade || decision.kind === 'notify_only' ? undefined : stopped?.exit,
        rule,
        votes: votes === undefined ? undefined : `${votes.yes}/${votes.members}`,
      }),
    },
    ...(isMade ? {} : { calls: {} }),
  };
}

/** The pseudonym of the event: the first one that is named. */
const EVENT = 'event-1';

function outcomeOf({ decision }: DecisionRecord, run: RunView | undefined): string {
  if (decision.kind === 'remediate') return run?.status === 'succeeded' ? 'remediated' : 'escalated';
  if (decision.kind === 'notify_only') return 'notified';
  return decision.kind === 'suppress' ? 'suppressed' : 'escalated';
}

function clean(fields: Fields): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Json;
}

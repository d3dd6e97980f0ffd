/** One test of rules: a lab, what happens in it, and what came of it. */
import type { Page } from '@lazarus/core/ports';
import type { Member } from '@lazarus/quorum';
import { createLab } from './create-lab.ts';
import { plainDifference, runDifferences } from './expectations.ts';
import type { LabConfig } from './lab-config.ts';
import type { Lab, LabEvent } from './lab-options.ts';
import type { LabOutcome } from './lab-outcome.ts';
import type { LabHost } from './lab-world.ts';
import type { Mocks } from './mock-actions.ts';
import type { PrecheckReply } from './precheck-replies.ts';
import type { EventExpectation, Happening, RegionTest } from './runbook-test-schema.ts';
import type { TestOutcome } from './test-outcome.ts';
import type { Difference } from './trace-diff.ts';
import { wouldDifferences } from './would.ts';

/** What the tests of a file share. */
export interface RegionTestContext {
  readonly config: LabConfig;
  readonly nodes?: readonly Member[];
  readonly seed?: number;
}

/** `{ fail: reason }` is what every node says; a node is never called `fail`. */
function isReason(reply: object): reply is { readonly fail: string } {
  return 'fail' in reply;
}

/** Runs one test in a lab of its own. */
export async function runRegionTest(test: RegionTest, context: RegionTestContext): Promise<TestOutcome> {
  const { given, when } = test;
  const seed = given.seed ?? context.seed ?? 1;
  await using lab = await createLab({
    config: context.config,
    seed,
    unmocked: given.unmocked,
    mocks: given.actions as Mocks,
    prechecks: Object.fromEntries(
      Object.entries(given.prechecks).map(([name, reply]) => [name, replyOf(reply)]),
    ),
    hosts: given.hosts.map(hostOf),
    ...(given.start_at === undefined ? {} : { startAt: given.start_at }),
    ...(context.nodes === undefined ? {} : { nodes: context.nodes }),
  });
  const emitted: string[] = [];
  const events: LabEvent[] = [];
  for (const what of when) lab.at(what.at, () => happen(what, lab, events, emitted));
  await lab.clock.untilIdle();
  return await judge(test, lab, emitted, seed);
}

async function happen(what: Happening, lab: Lab, events: LabEvent[], emitted: string[]): Promise<void> {
  const on = 'node' in what && what.node !== undefined ? { node: what.node } : {};
  if ('event' in what) {
    const event = {
      id: `event-${events.length + 1}`,
      time: lab.clock.now().toISOString(),
      ...eventOf(what.event),
    };
    events.push(event);
    emitted.push(lab.emit(event, on));
  } else if ('same_event' in what) lab.emit(events.at(-1) ?? {}, on);
  else if ('crash' in what) lab.fault.crash(what.crash);
  else if ('restart' in what) await lab.fault.restart(what.restart);
  else if ('partition' in what) lab.fault.partition(...what.partition);
  else if ('delay' in what) lab.fault.delay(what.delay.from, what.delay.to, what.delay.by);
  else if ('heal' in what) lab.fault.heal();
  else if ('lose_lock' in what) await lab.fault.loseLock(lockOf(what.lose_lock));
  else if ('health' in what)
    for (const [host, health] of Object.entries(what.health)) lab.health(host, health);
  else if ('page_taken' in what) lab.pager.touch(what.page_taken);
  else if ('pause' in what) await pause(lab, what.pause);
  else await lab.pauses.clear({}, { author: 'test', reason: 'the test goes on' });
}

function eventOf(written: Readonly<Record<string, unknown>>): LabEvent {
  const { type, attributes, ...rest } = written;
  const envelope: Record<string, unknown> = type === undefined ? {} : { event_type: type };
  const further: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) (ENVELOPE.has(key) ? envelope : further)[key] = value;
  return { ...envelope, attributes: { ...further, ...(attributes as object | undefined) } } as LabEvent;
}

const ENVELOPE = new Set([
  'id',
  'event_type',
  'source',
  'time',
  'region',
  'environment',
  'account',
  'service',
  'host',
  'incident_key',
  'summary',
]);

function replyOf(reply: RegionTest['given']['prechecks'][string]): PrecheckReply {
  if (typeof reply === 'string' || isReason(reply)) return reply;
  return { nodes: reply };
}

function hostOf(host: RegionTest['given']['hosts'][number]): LabHost {
  const { id, in_load_balancer: inLoadBalancer, protected: isProtected, ...rest } = host;
  const given = Object.entries({ ...rest, hostId: id, inLoadBalancer, isProtected });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

function lockOf({ service, host }: { readonly service: string; readonly host?: string | undefined }) {
  return host === undefined
    ? ({ kind: 'service', service } as const)
    : ({ kind: 'host', service, host } as const);
}

async function pause(
  lab: Lab,
  { service, reason }: { readonly service?: string | undefined; readonly reason: string },
): Promise<void> {
  const scope = service === undefined ? {} : { service };
  await lab.pauses.set({ scope, author: 'test', reason, since: lab.clock.now().toISOString() });
}

async function judge(
  test: RegionTest,
  lab: Lab,
  emitted: readonly string[],
  seed: number,
): Promise<TestOutcome> {
  const { then } = test;
  const [first] = emitted;
  const outcome = first === undefined ? undefined : await lab.outcome(first);
  const further = await Promise.all(
    Object.entries(then.events ?? {}).map(async ([id, expected]) => {
      const eventId = emitted.find((each) => each === id || each.endsWith(`/${id}`));
      const at = ['events', id];
      if (eventId === undefined) return [{ at, expected: `an event ${id}`, actual: 'none' }];
      return eventDifferences(expected, await lab.outcome(eventId)).map((one) => ({
        ...one,
        at: [...at, ...one.at],
      }));
    }),
  );
  const seen = {
    run: outcome?.run,
    calls: lab.calls,
    callsOf: (name: string) => lab.callsOf(name),
    tookMs: outcome?.tookMs ?? 0,
  };
  const { rules, runs } = await lab.coverage();
  return {
    seed,
    differences: [
      ...eventDifferences(then, outcome),
      ...plainDifference('run', then.run, outcome?.run?.status),
      ...runDifferences(then, seen),
      ...notifiedDifferences(then.notified ?? [], lab),
      ...further.flat(),
    ],
    trace: outcome?.trace ?? (await lab.trace()),
    tookMs: seen.tookMs,
    runs,
    rules,
  };
}

function eventDifferences(then: EventExpectation, outcome: LabOutcome | undefined): readonly Difference[] {
  const rule = outcome?.record?.rule;
  const blockedBy = outcome?.blockedBy ?? [];
  const isBlocked = then.blocked_by !== undefined && blockedBy.includes(then.blocked_by);
  return [
    ...plainDifference('outcome', then.outcome, outcome?.outcome),
    ...plainDifference(
      'blocked_by',
      isBlocked ? undefined : then.blocked_by,
      blockedBy.join(', ') || undefined,
    ),
    // A rule of a profile is called `profile.rule`.
    ...plainDifference(
      'rule',
      then.rule !== undefined && rule?.endsWith(`.${then.rule}`) === true ? undefined : then.rule,
      rule,
    ),
    ...plainDifference('votes', then.votes, outcome?.votes),
    ...plainDifference('page', then.page, pageName(outcome?.page)),
    ...wouldDifferences(then.would, outcome),
  ];
}

function pageName(page: Page | undefined): string {
  if (page === undefined) return 'none';
  if (page.status === 'resolved') return 'resolved';
  if (page.takenByHuman) return 'escalated';
  return page.status === 'acknowledged' ? 'acknowledged' : 'open';
}

function notifiedDifferences(kinds: readonly string[], lab: Lab): readonly Difference[] {
  const sent: readonly string[] = [...new Set(lab.notifications.map(({ kind }) => kind))];
  return kinds.flatMap((kind, index) =>
    sent.includes(kind)
      ? []
      : [{ at: ['notified', index], expected: `a notification ${kind}`, actual: sent.join(', ') || 'none' }],
  );
}

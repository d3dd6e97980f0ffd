import { stateAt, TERMINATED_VISIBLE_MS } from '../fleet/instance.ts';
import type { InstanceRecord } from '../fleet/instance.ts';
import { xmlTime } from '../wire/xml.ts';
import type { XmlChildren } from '../wire/xml.ts';
import { namedInstances, refuseDryRun } from './ec2-action.ts';
import type { Ec2Action, Ec2Context } from './ec2-action.ts';
import { readFilters } from './instance-filter.ts';
import type { RankedInstance, SeenInstance } from './instance-filter.ts';
import { reservationsXml, stateXml } from './instance-xml.ts';
import { cutPage } from './paging.ts';

/** The region as this call sees it: as it is, or as it was when a lag was injected. */
function visibleInstances({ fleet, effects }: Ec2Context): RankedInstance[] {
  const now = Date.now();
  const seenAtMs = now - (effects.describe_lag_ms ?? 0);
  return fleet.instances.flatMap((record, rank): RankedInstance[] => {
    const state = stateAt(record, seenAtMs);
    const endedAtMs = state === 'terminated' ? record.history.at(-1)?.atMs : undefined;
    const isForgotten = endedAtMs !== undefined && now - endedAtMs > TERMINATED_VISIBLE_MS;
    return state === undefined || isForgotten ? [] : [{ record, state, rank }];
  });
}

function select(parameters: Parameters<Ec2Action>[0], visible: RankedInstance[]): RankedInstance[] {
  const ids = parameters.list('InstanceId');
  const matches = readFilters(parameters);
  const named = new Set(
    namedInstances(
      ids,
      visible.map(({ record }) => record),
    ),
  );
  return visible.filter((seen) => (ids.length === 0 || named.has(seen.record)) && matches(seen));
}

const rankOf = (seen: RankedInstance): number => seen.rank;

export const describeInstances: Ec2Action = (parameters, context) => {
  refuseDryRun(parameters);
  const page = cutPage(parameters, select(parameters, visibleInstances(context)), rankOf);
  return {
    reservationSet: { item: reservationsXml(page.items, context.options.accountId) },
    nextToken: page.nextToken,
  };
};

/** By default this tells of running instances only, as EC2 does. */
export const describeInstanceStatus: Ec2Action = (parameters, context) => {
  refuseDryRun(parameters);
  const all = parameters.flag('IncludeAllInstances');
  const selected = select(parameters, visibleInstances(context)).filter(
    ({ state }) => all || state === 'running',
  );
  const page = cutPage(parameters, selected, rankOf);
  return { instanceStatusSet: { item: page.items.map(statusXml) }, nextToken: page.nextToken };
};

function statusXml({ record, state }: SeenInstance): XmlChildren {
  const reachability = state === 'running' ? reachabilityOf(record) : undefined;
  return {
    instanceId: record.instanceId,
    availabilityZone: record.zone,
    eventsSet: {
      item: record.events.map((event) => ({
        instanceEventId: event.id,
        code: event.code,
        description: event.description,
        notBefore: xmlTime(event.notBeforeMs),
      })),
    },
    instanceState: stateXml(state),
    systemStatus: summaryXml(state === 'running' ? 'passed' : undefined),
    instanceStatus: summaryXml(reachability),
  };
}

/** A dead or frozen process looks to the provider like a machine whose kernel does not answer. */
function reachabilityOf(record: InstanceRecord): 'passed' | 'failed' {
  return record.process === 'on' ? 'passed' : 'failed';
}

function summaryXml(reachability: 'passed' | 'failed' | undefined): XmlChildren {
  if (reachability === undefined) return { status: 'not-applicable' };
  return {
    status: reachability === 'passed' ? 'ok' : 'impaired',
    details: { item: [{ name: 'reachability', status: reachability }] },
  };
}

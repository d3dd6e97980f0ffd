import type { TargetHealthStateEnum } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Clock } from '@lazarus/core/ports';

import type { AwsConnection } from './aws-connection.ts';

/** How long the list of target groups is kept, milliseconds: groups are made and removed by people. */
const LIST_KEPT_MS = 30_000;
/** Most resources of one DescribeTags call. */
const MAX_TAGGED = 20;
const MAX_PAGES = 50;

/** A target group of a service. */
export interface TargetGroup {
  readonly arn: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** State of one target in one group. */
export type TargetState = TargetHealthStateEnum | 'unknown';

/** A host in a group. It may be in it several times, each time with a port of its own. */
export interface Target {
  readonly hostId: string;
  readonly port: number | undefined;
  readonly state: TargetState;
}

/** The target groups of the region, by the service that their tag names. */
export interface TargetGroups {
  ofService(service: string, signal: AbortSignal | undefined): Promise<readonly TargetGroup[]>;
  targetsOf(group: TargetGroup, signal: AbortSignal | undefined): Promise<readonly Target[]>;
}

/** True while a target takes or is about to take traffic: it is a member and not on its way out. */
export function isMember(state: TargetState): boolean {
  return state !== 'draining' && state !== 'unused';
}

async function listGroups(
  aws: AwsConnection,
  signal: AbortSignal | undefined,
): Promise<readonly TargetGroup[]> {
  const found: { arn: string; name: string }[] = [];
  let marker: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const from = marker;
    const page = await aws.elb(signal, ({ sdk, client, abortSignal }) =>
      client.send(new sdk.DescribeTargetGroupsCommand({ PageSize: 400, ...(from && { Marker: from }) }), {
        abortSignal,
      }),
    );
    for (const group of page.TargetGroups ?? []) {
      found.push({ arn: group.TargetGroupArn ?? '', name: group.TargetGroupName ?? '' });
    }
    marker = page.NextMarker;
    if (marker === undefined || marker === '') break;
  }
  const tags = new Map<string, Readonly<Record<string, string>>>();
  for (let start = 0; start < found.length; start += MAX_TAGGED) {
    const arns = found.slice(start, start + MAX_TAGGED).map(({ arn }) => arn);
    const answer = await aws.elb(signal, ({ sdk, client, abortSignal }) =>
      client.send(new sdk.DescribeTagsCommand({ ResourceArns: arns }), { abortSignal }),
    );
    for (const { ResourceArn, Tags } of answer.TagDescriptions ?? []) {
      tags.set(
        ResourceArn ?? '',
        Object.fromEntries((Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? ''])),
      );
    }
  }
  return found.map((group) => ({ ...group, tags: tags.get(group.arn) ?? {} }));
}

/** Makes the directory of target groups. */
export function createTargetGroups(options: {
  readonly aws: AwsConnection;
  readonly clock: Clock;
  readonly serviceTag: string;
}): TargetGroups {
  const { aws, clock, serviceTag } = options;
  let known: { readonly groups: readonly TargetGroup[]; readonly atMs: number } | undefined;
  return {
    ofService: async (service, signal) => {
      if (known === undefined || clock.monotonic() - known.atMs > LIST_KEPT_MS) {
        known = { groups: await listGroups(aws, signal), atMs: clock.monotonic() };
      }
      return known.groups.filter(({ tags }) => tags[serviceTag] === service);
    },
    targetsOf: async (group, signal) => {
      const { TargetHealthDescriptions = [] } = await aws
        .elb(signal, ({ sdk, client, abortSignal }) =>
          client.send(new sdk.DescribeTargetHealthCommand({ TargetGroupArn: group.arn }), { abortSignal }),
        )
        .catch((error: unknown) => {
          // The group may be gone: the next one looks which there are.
          known = undefined;
          throw error;
        });
      return TargetHealthDescriptions.map(({ Target, TargetHealth }) => ({
        hostId: Target?.Id ?? '',
        port: Target?.Port,
        state: TargetHealth?.State ?? 'unknown',
      }));
    },
  };
}

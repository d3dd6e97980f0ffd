import type { TargetGroup, TargetHealthDescription } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Clock } from '@lazarus/core/ports';
import type { AwsConnection } from './aws-connection.ts';
import { TAGS, tagsOf } from './host-from-instance.ts';

/** A target group that carries a service's tag. */
export interface ServiceTargetGroup {
  readonly arn: string;
  readonly name: string;
  readonly service: string;
}

/** State of one target, in the words of the provider. */
export interface TargetState {
  readonly group: ServiceTargetGroup;
  readonly hostId: string;
  readonly state: string;
}

/** Which target groups belong to which service, and who is in them. */
export interface TargetGroups {
  ofService(service: string, signal?: AbortSignal): Promise<readonly ServiceTargetGroup[]>;
  /** Every target of the service's groups. */
  targets(service: string, signal?: AbortSignal): Promise<readonly TargetState[]>;
}

const MAX_TAGGED = 20;

/**
 * Looks target groups up by their `service` tag. Which groups there are changes rarely and is kept for `groupsForMs`; who
 * is in them is asked each time.
 */
export function createTargetGroups(
  aws: AwsConnection,
  options: { readonly clock: Clock; readonly groupsForMs: number },
): TargetGroups {
  let known: { readonly atMs: number; readonly groups: Promise<readonly ServiceTargetGroup[]> } | undefined;

  async function fetchGroups(): Promise<readonly ServiceTargetGroup[]> {
    const groups: TargetGroup[] = [];
    let marker: string | undefined;
    do {
      const page = await aws.elb.send(
        new aws.sdk.elb.DescribeTargetGroupsCommand(marker === undefined ? {} : { Marker: marker }),
      );
      groups.push(...(page.TargetGroups ?? []));
      marker = page.NextMarker;
    } while (marker !== undefined && marker !== '');
    return tagged(groups);
  }

  async function tagged(groups: readonly TargetGroup[]): Promise<readonly ServiceTargetGroup[]> {
    const names = new Map(groups.map((group) => [group.TargetGroupArn ?? '', group.TargetGroupName ?? '']));
    const arns = [...names.keys()];
    const found: ServiceTargetGroup[] = [];
    for (let at = 0; at < arns.length; at += MAX_TAGGED) {
      const reply = await aws.elb.send(
        new aws.sdk.elb.DescribeTagsCommand({ ResourceArns: arns.slice(at, at + MAX_TAGGED) }),
      );
      for (const { ResourceArn: arn = '', Tags } of reply.TagDescriptions ?? []) {
        const service = tagsOf(Tags)[TAGS.service];
        if (service !== undefined) found.push({ arn, name: names.get(arn) ?? arn, service });
      }
    }
    return found;
  }

  async function ofService(service: string): Promise<readonly ServiceTargetGroup[]> {
    const nowMs = options.clock.monotonic();
    if (known === undefined || nowMs - known.atMs >= options.groupsForMs) {
      const groups = fetchGroups();
      known = { atMs: nowMs, groups };
      // A failure is not kept: the next one asks again.
      groups.catch(() => (known = undefined));
    }
    return (await known.groups).filter((group) => group.service === service);
  }

  return {
    ofService,
    async targets(service, signal) {
      const groups = await ofService(service);
      const replies = await Promise.all(
        groups.map(async (group) => ({
          group,
          health: await aws.elb.send(
            new aws.sdk.elb.DescribeTargetHealthCommand({ TargetGroupArn: group.arn }),
            signal === undefined ? {} : { abortSignal: signal },
          ),
        })),
      );
      return replies.flatMap(({ group, health }) =>
        (health.TargetHealthDescriptions ?? []).map((target) => targetState(group, target)),
      );
    },
  };
}

function targetState(group: ServiceTargetGroup, target: TargetHealthDescription): TargetState {
  return { group, hostId: target.Target?.Id ?? '', state: target.TargetHealth?.State ?? 'unused' };
}

/** Whether a target in this state takes part in the load balancer. */
export function isMember(state: string): boolean {
  return (
    state === 'healthy' || state === 'unhealthy' || state === 'initial' || state === 'unhealthy.draining'
  );
}

import { fixedId } from '../fleet/ids.ts';
import type { LaunchSpec } from '../fleet/fleet.ts';
import { stateOf } from '../fleet/instance.ts';
import type { InstanceRecord } from '../fleet/instance.ts';
import type { LaunchTemplateRecord } from '../state/region-state.ts';
import { ApiError, invalidParameter, missingParameter } from '../wire/api-error.ts';
import type { QueryParameters } from '../wire/query-parameters.ts';
import type { XmlChildren } from '../wire/xml.ts';
import { refuseDryRun } from './ec2-action.ts';
import type { Ec2Action, Ec2Context } from './ec2-action.ts';
import { instanceXml } from './instance-xml.ts';
import { templateOf } from './launch-templates.ts';
import { readTags, refuseTooManyTags } from './tag-parameters.ts';

const MAX_TOKEN_LENGTH = 64;
const MAX_INSTANCES_PER_CALL = 20;

/**
 * Launches instances, at most once for a client token: the same request gets the same instances again, another
 * request with that token is refused, and so is one whose instances were terminated since.
 */
export const runInstances: Ec2Action = (parameters, context) => {
  const token = parameters.text('ClientToken') ?? '';
  if (token.length > MAX_TOKEN_LENGTH)
    throw invalidParameter(`ClientToken exceeds ${MAX_TOKEN_LENGTH} ASCII characters`);
  const fingerprint = parameters.fingerprint(['ClientToken']);
  const earlier = token === '' ? undefined : earlierLaunch(token, fingerprint, context);
  if (earlier !== undefined) return replyXml(earlier, context);

  const spec = readSpec(parameters, context);
  refuseDryRun(parameters);
  const launched = context.fleet.launch(spec);
  const first = launched[0];
  if (token !== '' && first !== undefined) {
    context.state.launchTokens[token] = { fingerprint, reservationId: first.reservationId };
  }
  context.state.launchesByApi += launched.length;
  context.save();
  return replyXml(launched, context);
};

function earlierLaunch(
  token: string,
  fingerprint: string,
  { state, fleet }: Ec2Context,
): InstanceRecord[] | undefined {
  const known = Object.hasOwn(state.launchTokens, token) ? state.launchTokens[token] : undefined;
  if (known === undefined) return undefined;
  if (known.fingerprint !== fingerprint) {
    throw new ApiError(
      'IdempotentParameterMismatch',
      `Arguments on this idempotent request are inconsistent with arguments used in previous request(s) with ClientToken ${token}.`,
    );
  }
  const launched = fleet.instances.filter((instance) => instance.reservationId === known.reservationId);
  if (launched.some((instance) => stateOf(instance) === 'terminated')) {
    throw new ApiError(
      'IdempotentInstanceTerminated',
      `An instance launched by an earlier request with ClientToken ${token} has been terminated.`,
    );
  }
  return launched;
}

function replyXml(launched: readonly InstanceRecord[], { options }: Ec2Context): XmlChildren {
  return {
    reservationId: launched[0]?.reservationId ?? '',
    ownerId: options.accountId,
    groupSet: {},
    instancesSet: { item: launched.map((record) => instanceXml({ record, state: stateOf(record) })) },
  };
}

function readSpec(parameters: QueryParameters, context: Ec2Context): LaunchSpec {
  const template = templateOf(parameters.under('LaunchTemplate'), context.state);
  const imageId = parameters.text('ImageId') ?? template?.imageId;
  if (imageId === undefined) throw missingParameter('ImageId');
  if (!/^ami-[0-9a-f]{8,17}$/.test(imageId))
    throw new ApiError('InvalidAMIID.Malformed', `Invalid id: "${imageId}"`);
  const { zone, subnetId } = readPlacement(parameters, context);
  const groups = parameters.list('SecurityGroupId');
  const tags = readLaunchTags(parameters, template);
  const profile = parameters.under('IamInstanceProfile');
  const profileName = profile.text('Name');
  return {
    count: readCount(parameters),
    bootMs: context.options.bootMs,
    clientToken: parameters.text('ClientToken'),
    imageId,
    instanceType: parameters.text('InstanceType') ?? template?.instanceType ?? 'm1.small',
    zone,
    subnetId,
    securityGroupIds: groups.length > 0 ? groups : (template?.securityGroupIds ?? [fixedId('sg', 'default')]),
    keyName: parameters.text('KeyName'),
    userData: parameters.text('UserData') ?? template?.userData,
    profileArn:
      profile.text('Arn') ??
      (profileName === undefined
        ? template?.profileArn
        : `arn:aws:iam::${context.options.accountId}:instance-profile/${profileName}`),
    tags,
    stuckPending: context.effects.stuck_pending ?? false,
    ailment: context.effects.boots_unhealthy === true ? 'boots unhealthy (injected fault)' : undefined,
  };
}

function readCount(parameters: QueryParameters): number {
  const max = parameters.integer('MaxCount');
  const min = parameters.integer('MinCount');
  if (max === undefined) throw missingParameter('MaxCount');
  if (min === undefined) throw missingParameter('MinCount');
  if (min < 1 || max < min) throw invalidParameter(`MinCount ${min} and MaxCount ${max} do not fit together`);
  if (min > MAX_INSTANCES_PER_CALL) {
    throw new ApiError(
      'InstanceLimitExceeded',
      `You have requested more instances (${min}) than your limit of ${MAX_INSTANCES_PER_CALL}.`,
    );
  }
  return Math.min(max, MAX_INSTANCES_PER_CALL);
}

/** Zone by Placement or by subnet; without either, the zone with the fewest live instances. */
function readPlacement(
  parameters: QueryParameters,
  { options, fleet }: Ec2Context,
): { zone: string; subnetId: string } {
  const zones = options.zones.map((letter) => options.region + letter);
  const wanted = parameters.text('Placement.AvailabilityZone');
  const subnetId = parameters.text('SubnetId') ?? parameters.text('NetworkInterface.1.SubnetId');
  if (wanted !== undefined && !zones.includes(wanted))
    throw invalidParameter(`Invalid availability zone: [${wanted}]`);
  if (subnetId !== undefined) {
    const zone = zones.find((each) => fixedId('subnet', each) === subnetId);
    if (zone === undefined) {
      throw new ApiError('InvalidSubnetID.NotFound', `The subnet ID '${subnetId}' does not exist`);
    }
    if (wanted !== undefined && wanted !== zone) {
      throw invalidParameter(`The availability zone ${wanted} is not that of the subnet ${subnetId}`);
    }
    return { zone, subnetId };
  }
  const live = fleet.instances.filter((instance) => stateOf(instance) !== 'terminated');
  const load = (zone: string): number => live.filter((instance) => instance.zone === zone).length;
  const emptiest = zones.reduce((best, zone) => (load(zone) < load(best) ? zone : best));
  const zone = wanted ?? emptiest;
  return { zone, subnetId: fixedId('subnet', zone) };
}

/** Tags of the template, overridden by those of the request, plus the two that the provider adds itself. */
function readLaunchTags(
  parameters: QueryParameters,
  template: LaunchTemplateRecord | undefined,
): Record<string, string> {
  const own = parameters
    .structures('TagSpecification')
    .filter((specification) => specification.required('ResourceType') === 'instance')
    .map((specification) => readTags(specification, 'Tag'));
  const tags = { ...template?.tags, ...Object.assign({}, ...own) } as Record<string, string>;
  refuseTooManyTags(tags);
  if (template === undefined) return tags;
  return { ...tags, 'aws:ec2launchtemplate:id': template.id, 'aws:ec2launchtemplate:version': '1' };
}

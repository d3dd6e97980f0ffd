import type { Instance, RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import type { ActuatorCall } from '@lazarus/core/ports';
import { TAGS, tagsOf } from './host-from-instance.ts';

const TEMPLATE_ID = 'aws:ec2launchtemplate:id';
const TEMPLATE_VERSION = 'aws:ec2launchtemplate:version';

/**
 * What to ask for so that the new instance is like `source`. It depends on nothing but the source and the key: the same
 * key with other parameters would be refused as a different request.
 */
export function cloneRequest(
  source: Instance,
  call: ActuatorCall,
  userData: string | undefined,
): RunInstancesCommandInput {
  const tags = tagsOf(source.Tags);
  const template = tags[TEMPLATE_ID];
  return {
    MinCount: 1,
    MaxCount: 1,
    ClientToken: call.idempotencyKey,
    ...(template === undefined
      ? likeSource(source, userData)
      : fromTemplate(template, tags[TEMPLATE_VERSION])),
    ...(source.Placement?.AvailabilityZone === undefined
      ? {}
      : { Placement: { AvailabilityZone: source.Placement.AvailabilityZone } }),
    TagSpecifications: [{ ResourceType: 'instance', Tags: cloneTags(tags, call) }],
  };
}

function fromTemplate(id: string, version: string | undefined): Partial<RunInstancesCommandInput> {
  return { LaunchTemplate: { LaunchTemplateId: id, ...(version === undefined ? {} : { Version: version }) } };
}

function likeSource(source: Instance, userData: string | undefined): Partial<RunInstancesCommandInput> {
  const { ImageId, InstanceType, KeyName, SubnetId, SecurityGroups, IamInstanceProfile, EbsOptimized } =
    source;
  const groups = (SecurityGroups ?? []).flatMap(({ GroupId }) => (GroupId === undefined ? [] : [GroupId]));
  return {
    ...(ImageId === undefined ? {} : { ImageId }),
    ...(InstanceType === undefined ? {} : { InstanceType }),
    ...(KeyName === undefined ? {} : { KeyName }),
    ...(SubnetId === undefined ? {} : { SubnetId }),
    ...(groups.length === 0 ? {} : { SecurityGroupIds: groups }),
    ...(IamInstanceProfile?.Arn === undefined ? {} : { IamInstanceProfile: { Arn: IamInstanceProfile.Arn } }),
    ...(EbsOptimized === undefined ? {} : { EbsOptimized }),
    ...(userData === undefined ? {} : { UserData: userData }),
  };
}

/** The tags of the source, without those that say something about that one machine only. */
function cloneTags(
  tags: Readonly<Record<string, string>>,
  call: ActuatorCall,
): { Key: string; Value: string }[] {
  const own = Object.entries(tags).filter(
    ([key]) =>
      !key.startsWith('aws:') && (!key.startsWith('lazarus:') || key === TAGS.managed || key === TAGS.health),
  );
  const name = tags[TAGS.name];
  const cloned: Record<string, string> = {
    ...Object.fromEntries(own),
    ...(name === undefined ? {} : { [TAGS.name]: cloneName(name, call.idempotencyKey) }),
    [TAGS.state]: 'launching',
    [TAGS.decision]: call.decisionId,
  };
  return Object.entries(cloned).map(([Key, Value]) => ({ Key, Value }));
}

/** `web-3` becomes `web-3-r1f2e`, and the clone of that one `web-3-r9a0b`: names do not grow. */
function cloneName(name: string, key: string): string {
  return `${name.replace(/-r[0-9a-z]{4}$/, '')}-r${key.slice(0, 4).toLowerCase()}`;
}

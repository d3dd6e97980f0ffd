import type { Instance, RunInstancesCommandInput, Tag } from '@aws-sdk/client-ec2';
import { createHash } from 'node:crypto';

import { TAGS, tagsOf } from './inventory.ts';

/** What a launch is made from. */
export interface LaunchPlan {
  readonly source: Instance;
  readonly decisionId: string;
  readonly idempotencyKey: string;
  readonly userData: string | undefined;
  /** Where to launch; the source's own subnet at first. */
  readonly subnetId: string | undefined;
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Name of the clone: that of the first host of its line, with a mark of this launch, so that names stay unique. */
function cloneName(source: string | undefined, idempotencyKey: string): string {
  const line = (source ?? 'host').replace(/-r[0-9a-f]{6}$/, '');
  return `${line}-r${hash(idempotencyKey).slice(0, 6)}`;
}

/**
 * Tags of the clone: those of the source without what the provider and Lazarus wrote about that one host. They are set
 * with the launch, so that no clone is ever without its decision.
 */
export function cloneTags(plan: LaunchPlan): readonly Tag[] {
  const source = tagsOf(plan.source);
  const kept = Object.entries(source).filter(
    ([name]) =>
      !name.startsWith('aws:') && (!name.startsWith('lazarus:') || name === TAGS.health) && name !== 'Name',
  );
  const tags = {
    ...Object.fromEntries(kept),
    Name: cloneName(source.Name, plan.idempotencyKey),
    [TAGS.managed]: 'true',
    [TAGS.lifecycle]: 'launching',
    [TAGS.decision]: plan.decisionId,
    [TAGS.launchedBy]: plan.decisionId,
    [TAGS.launchKey]: plan.idempotencyKey,
    [TAGS.replaces]: plan.source.InstanceId ?? '',
  };
  // In a fixed order: the same token with tags in another order would be another request.
  return Object.entries(tags)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([Key, Value]) => ({ Key, Value }));
}

/** The launch template that a host came from, if it came from one. */
export function launchTemplateOf(source: Instance): RunInstancesCommandInput['LaunchTemplate'] | undefined {
  const tags = tagsOf(source);
  const id = tags['aws:ec2launchtemplate:id'];
  if (id === undefined) return undefined;
  const version = tags['aws:ec2launchtemplate:version'];
  return { LaunchTemplateId: id, ...(version === undefined ? {} : { Version: version }) };
}

function metadataOptions({
  MetadataOptions: options,
}: Instance): RunInstancesCommandInput['MetadataOptions'] {
  if (options === undefined) return undefined;
  const { HttpTokens, HttpEndpoint, HttpPutResponseHopLimit } = options;
  return {
    ...(HttpTokens && { HttpTokens }),
    ...(HttpEndpoint && { HttpEndpoint }),
    ...(HttpPutResponseHopLimit && { HttpPutResponseHopLimit }),
  };
}

/**
 * The call that launches a host like the source. The token is that of the step also in another zone: the provider launches
 * once per token and refuses it with other arguments, so that two nodes which choose two zones make one host. Keeps S1.
 */
export function runInstancesInput(plan: LaunchPlan): RunInstancesCommandInput {
  const { source } = plan;
  const template = launchTemplateOf(source);
  const metadata = metadataOptions(source);
  const groups = (source.SecurityGroups ?? [])
    .flatMap(({ GroupId }) => (GroupId === undefined ? [] : [GroupId]))
    .toSorted();
  return {
    MinCount: 1,
    MaxCount: 1,
    ClientToken: plan.idempotencyKey,
    ...(template && { LaunchTemplate: template }),
    ImageId: source.ImageId,
    InstanceType: source.InstanceType,
    ...(source.KeyName && { KeyName: source.KeyName }),
    ...(plan.subnetId && { SubnetId: plan.subnetId }),
    ...(groups.length > 0 && { SecurityGroupIds: groups }),
    ...(source.IamInstanceProfile?.Arn && { IamInstanceProfile: { Arn: source.IamInstanceProfile.Arn } }),
    ...(source.EbsOptimized === true && { EbsOptimized: true }),
    ...(metadata && { MetadataOptions: metadata }),
    ...(plan.userData && { UserData: plan.userData }),
    TagSpecifications: [{ ResourceType: 'instance', Tags: [...cloneTags(plan)] }],
  };
}

import { stateOf } from '../fleet/instance.ts';
import { ApiError, invalidParameter, missingParameter } from '../wire/api-error.ts';
import type { XmlChildren } from '../wire/xml.ts';
import { namedInstances, refuseDryRun } from './ec2-action.ts';
import type { Ec2Action } from './ec2-action.ts';
import { readTags, refuseTooManyTags } from './tag-parameters.ts';

/** Termination protection and security groups (a swap of groups is how a host is put into quarantine). */
export const modifyInstanceAttribute: Ec2Action = (parameters, { fleet, save }) => {
  const [instance] = namedInstances([parameters.required('InstanceId')], fleet.instances);
  if (instance === undefined) throw missingParameter('InstanceId');
  const byName =
    parameters.text('Attribute') === 'disableApiTermination' ? parameters.text('Value') : undefined;
  const protection = parameters.text('DisableApiTermination.Value') ?? byName;
  const groups = parameters.list('GroupId');
  if (protection === undefined && groups.length === 0) {
    throw new ApiError('InvalidParameterCombination', 'No attributes specified.');
  }
  if (stateOf(instance) === 'terminated') {
    throw new ApiError('IncorrectInstanceState', `The instance '${instance.instanceId}' is terminated.`);
  }
  refuseDryRun(parameters);
  if (protection !== undefined) instance.terminationProtected = protection === 'true';
  if (groups.length > 0) instance.securityGroupIds = groups;
  save();
  return { return: true };
};

export const describeInstanceAttribute: Ec2Action = (parameters, { fleet }) => {
  const [instance] = namedInstances([parameters.required('InstanceId')], fleet.instances);
  if (instance === undefined) throw missingParameter('InstanceId');
  const attributes: Record<string, XmlChildren> = {
    disableApiTermination: { value: instance.terminationProtected },
    groupSet: { item: instance.securityGroupIds.map((groupId) => ({ groupId, groupName: groupId })) },
    instanceType: { value: instance.instanceType },
    userData: instance.userData === undefined ? {} : { value: instance.userData },
  };
  const name = parameters.required('Attribute');
  const attribute = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
  if (attribute === undefined)
    throw invalidParameter(`The attribute '${name}' is not one of ${Object.keys(attributes).join(', ')}`);
  return { instanceId: instance.instanceId, [name]: attribute };
};

export const createTags: Ec2Action = (parameters, { fleet, save }) => {
  const resources = parameters.list('ResourceId');
  if (resources.length === 0) throw missingParameter('ResourceId');
  const tags = readTags(parameters, 'Tag');
  if (Object.keys(tags).length === 0) throw missingParameter('Tag');
  const instances = namedInstances(resources, fleet.instances);
  for (const instance of instances) refuseTooManyTags({ ...instance.tags, ...tags });
  refuseDryRun(parameters);
  for (const instance of instances) Object.assign(instance.tags, tags);
  save();
  return { return: true };
};

/** Deletes tags by key, or by key and value when a value is given; without tags, all that are not reserved. */
export const deleteTags: Ec2Action = (parameters, { fleet, save }) => {
  const resources = parameters.list('ResourceId');
  if (resources.length === 0) throw missingParameter('ResourceId');
  const instances = namedInstances(resources, fleet.instances);
  const wanted = parameters
    .structures('Tag')
    .map((tag) => ({ key: tag.required('Key'), value: tag.text('Value') }));
  const isWanted = (key: string, value: string): boolean =>
    wanted.length === 0 ||
    wanted.some((tag) => tag.key === key && (tag.value === undefined || tag.value === value));
  refuseDryRun(parameters);
  for (const instance of instances) {
    const kept = Object.entries(instance.tags).filter(
      ([key, value]) => key.startsWith('aws:') || !isWanted(key, value),
    );
    instance.tags = Object.fromEntries(kept);
  }
  save();
  return { return: true };
};

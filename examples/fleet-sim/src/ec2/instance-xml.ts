import { fixedId } from '../fleet/ids.ts';
import { INSTANCE_STATE_CODES } from '../fleet/instance.ts';
import type { InstanceRecord, InstanceState } from '../fleet/instance.ts';
import type { XmlChildren } from '../wire/xml.ts';
import { xmlTime } from '../wire/xml.ts';
import type { SeenInstance } from './instance-filter.ts';
import { tagSet } from './tag-parameters.ts';

export function stateXml(state: InstanceState): XmlChildren {
  return { code: INSTANCE_STATE_CODES[state], name: state };
}

/** An instance as DescribeInstances and RunInstances write it. */
export function instanceXml({ record, state }: SeenInstance): XmlChildren {
  const isUp = state === 'running' || state === 'stopping' || state === 'shutting-down';
  return {
    instanceId: record.instanceId,
    imageId: record.imageId,
    instanceState: stateXml(state),
    privateDnsName: isUp ? 'localhost' : '',
    dnsName: '',
    reason: record.stateReason?.message ?? '',
    keyName: record.keyName,
    amiLaunchIndex: record.launchIndex,
    instanceType: record.instanceType,
    launchTime: xmlTime(record.launchTimeMs),
    placement: { availabilityZone: record.zone, tenancy: 'default' },
    monitoring: { state: 'disabled' },
    subnetId: state === 'terminated' ? undefined : record.subnetId,
    vpcId: state === 'terminated' ? undefined : fixedId('vpc', 'region'),
    privateIpAddress: isUp ? '127.0.0.1' : undefined,
    groupSet: { item: record.securityGroupIds.map((groupId) => ({ groupId, groupName: groupId })) },
    stateReason: record.stateReason === undefined ? undefined : { ...record.stateReason },
    architecture: 'x86_64',
    rootDeviceType: 'ebs',
    clientToken: record.clientToken ?? '',
    tagSet: tagSet(record.tags),
    iamInstanceProfile:
      record.profileArn === undefined
        ? undefined
        : { arn: record.profileArn, id: fixedId('profile', record.profileArn) },
  };
}

/** Instances of one launch share a reservation; each page groups what it holds. */
export function reservationsXml(page: readonly SeenInstance[], accountId: string): XmlChildren[] {
  const reservations = new Map<string, SeenInstance[]>();
  for (const seen of page) {
    const id = seen.record.reservationId;
    reservations.set(id, [...(reservations.get(id) ?? []), seen]);
  }
  return [...reservations].map(([reservationId, members]) => ({
    reservationId,
    ownerId: accountId,
    groupSet: {},
    instancesSet: { item: members.map(instanceXml) },
  }));
}

/** What Terminate, Stop and Start say about each instance. */
export function stateChangeXml(
  record: InstanceRecord,
  previous: InstanceState,
  current: InstanceState,
): XmlChildren {
  return {
    instanceId: record.instanceId,
    currentState: stateXml(current),
    previousState: stateXml(previous),
  };
}

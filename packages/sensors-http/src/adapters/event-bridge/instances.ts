import { z } from 'zod';
import type { Reading } from '../../reading.ts';
import { readDraft, readPayload } from '../draft-event.ts';
import type { EntityOf, EventBridgeEnvelope, EventBridgeIgnored, EventBridgeSettings } from './envelope.ts';

const text = z.string().min(1);
const instanceId = z.string().regex(/^i-[0-9a-z]{1,32}$/, 'expected the id of an instance, such as i-0abc');

const StateSchema = z.looseObject({ detail: z.looseObject({ 'instance-id': instanceId, state: text }) });

const LifecycleSchema = z.looseObject({
  detail: z.looseObject({
    EC2InstanceId: instanceId,
    AutoScalingGroupName: text,
    LifecycleHookName: text,
    LifecycleActionToken: text,
    LifecycleTransition: text,
  }),
});

const ENDING_STATES = ['stopping', 'stopped', 'shutting-down', 'terminated'];

/** The parts of an event about an instance: what is known about it, else the defaults. */
export function entityParts(
  instance: Parameters<EntityOf>[0],
  { entityOf, ...defaults }: EventBridgeSettings,
): Readonly<Record<string, unknown>> {
  const entity = entityOf?.(instance) ?? defaults;
  const { account, region } = instance;
  return {
    account,
    region,
    environment: entity.environment,
    service: entity.service,
    host: instance.instanceId,
  };
}

/** An instance that stops or ends is an event; one that starts is not. */
export function ec2StateEvent(
  envelope: EventBridgeEnvelope,
  settings: EventBridgeSettings,
): Reading<EventBridgeIgnored> {
  const read = readPayload(StateSchema, envelope);
  if (!read.ok) return read.reading;
  const { 'instance-id': id, state } = read.payload.detail;
  if (!ENDING_STATES.includes(state))
    return { ignored: 'not_a_failure', detail: `${id} is ${JSON.stringify(state.slice(0, 60))}` };
  const { account, region } = envelope;
  const draft = {
    id: envelope.id,
    event_type: 'EC2InstanceStateChange',
    source: 'aws.ec2',
    time: envelope.time,
    ...entityParts({ instanceId: id, account, region }, settings),
    summary: `${id} is ${state}`,
    attributes: { state },
  };
  return readDraft(draft, { host: 'detail.instance-id' });
}

/** A group waits for an answer before it launches or ends an instance. The token names the action, whoever repeats it. */
export function autoScalingEvent(
  envelope: EventBridgeEnvelope,
  settings: EventBridgeSettings,
): Reading<EventBridgeIgnored> {
  const read = readPayload(LifecycleSchema, envelope);
  if (!read.ok) return read.reading;
  const { detail } = read.payload;
  const { account, region } = envelope;
  const draft = {
    id: detail.LifecycleActionToken,
    event_type: 'AutoScalingEvent',
    source: 'aws.autoscaling',
    time: envelope.time,
    ...entityParts({ instanceId: detail.EC2InstanceId, account, region }, settings),
    summary: `${detail.AutoScalingGroupName}: ${detail.LifecycleTransition} of ${detail.EC2InstanceId}`.slice(
      0,
      1024,
    ),
    attributes: {
      group: detail.AutoScalingGroupName,
      transition: detail.LifecycleTransition,
      lifecycle_hook: detail.LifecycleHookName,
      lifecycle_action_token: detail.LifecycleActionToken,
    },
  };
  return readDraft(draft, { host: 'detail.EC2InstanceId', id: 'detail.LifecycleActionToken' });
}

import type { Reading } from '../../reading.ts';
import { readPayload } from '../draft-event.ts';
import { awsHealthEvents } from './aws-health.ts';
import { EnvelopeSchema } from './envelope.ts';
import type { EventBridgeIgnored, EventBridgeSettings } from './envelope.ts';
import { autoScalingEvent, ec2StateEvent } from './instances.ts';

/**
 * Reads a message of Amazon EventBridge: AWS Health (scheduled changes of instances), EC2 (an instance stops or ends) and
 * Auto Scaling (lifecycle actions). EventBridge delivers at least once; every reading of one message has the same id.
 *
 * @remarks Source: AWS Health, EC2 and EC2 Auto Scaling user guides, "EventBridge".
 */
export function eventBridgeToEvents(
  payload: unknown,
  settings: EventBridgeSettings,
): readonly Reading<EventBridgeIgnored>[] {
  const read = readPayload(EnvelopeSchema, payload);
  if (!read.ok) return [read.reading];
  const envelope = read.payload;
  const kind = `${envelope.source} ${envelope['detail-type']}`;
  switch (kind) {
    case 'aws.health AWS Health Event':
      return awsHealthEvents(envelope, settings);
    case 'aws.ec2 EC2 Instance State-change Notification':
      return [ec2StateEvent(envelope, settings)];
    case 'aws.autoscaling EC2 Instance-terminate Lifecycle Action':
    case 'aws.autoscaling EC2 Instance-launch Lifecycle Action':
      return [autoScalingEvent(envelope, settings)];
    default:
      return [{ ignored: 'not_mapped', detail: `nothing is made of ${JSON.stringify(kind.slice(0, 120))}` }];
  }
}

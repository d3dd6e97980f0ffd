import { EventBridgeOptions, eventBridgeToEvents } from '@lazarus/sensors-http';
import { describe, expect, it } from 'vitest';
import { fixture, onlyEvent, outline } from './fixture.ts';

interface Envelope {
  id: string;
  region: string;
  detail: Record<string, unknown>;
}

const options = EventBridgeOptions.parse({ service: 'web', environment: 'prod' });

function health(change: Record<string, unknown> = {}): Envelope {
  const envelope = fixture('aws-health') as unknown as Envelope;
  Object.assign(envelope.detail, change);
  return envelope;
}

describe('a scheduled change of AWS Health', () => {
  it('becomes one event for each instance that is still affected, in the region where it is', () => {
    const readings = eventBridgeToEvents(health(), options);
    expect(outline(readings)).toEqual(['1234abc01232a4012345678-1/444455556666/i-0abc', 'closed']);
    expect(readings[0]).toMatchObject({
      event: {
        event_type: 'AWSScheduledEvent',
        source: 'aws.health',
        time: '2026-01-01T00:00:00Z',
        region: 'us-east-1',
        account: '444455556666',
        environment: 'prod',
        service: 'web',
        host: 'i-0abc',
        attributes: {
          event_type_code: 'AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED',
          communication_id: '1234abc01232a4012345678-1',
          start_time: 'Thu, 15 Jan 2026 05:00:00 GMT',
        },
      },
    });
  });

  it('that arrives again from the backup region makes the same id', () => {
    const copy = { ...health(), id: 'another', region: 'us-east-1' };
    expect(outline(eventBridgeToEvents(copy, options))).toEqual(
      outline(eventBridgeToEvents(health(), options)),
    );
  });

  it('for another account has another id', () => {
    const other = health({ affectedAccount: '777788889999' });
    expect(outline(eventBridgeToEvents(other, options))[0]).toBe(
      '1234abc01232a4012345678-1/777788889999/i-0abc',
    );
  });

  it.each([
    'AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED',
    'AWS_EC2_INSTANCE_REBOOT_MAINTENANCE_SCHEDULED',
    'AWS_EC2_INSTANCE_STOP_SCHEDULED',
    'AWS_EC2_INSTANCE_TERMINATION_SCHEDULED',
    'AWS_EC2_INSTANCE_RETIREMENT_EXPEDITED',
  ])('of the kind %s is read', (eventTypeCode) => {
    expect(outline(eventBridgeToEvents(health({ eventTypeCode }), options))[0]).toContain('i-0abc');
  });

  it.each([
    ['of another service', { service: 'RDS' }, 'not_mapped'],
    ['that is an issue', { eventTypeCategory: 'issue' }, 'not_mapped'],
    ['of an unknown kind', { eventTypeCode: 'AWS_EC2_OPERATIONAL_NOTIFICATION' }, 'not_mapped'],
    ['that is closed', { statusCode: 'closed' }, 'closed'],
    ['that is public', { eventScopeCode: 'PUBLIC' }, 'public'],
    ['that names no instance', { affectedEntities: [] }, 'public'],
  ])('%s deposits nothing: %j %s', (_title, change, reason) => {
    expect(outline(eventBridgeToEvents(health(change), options))).toEqual([reason]);
  });
});

describe('a state of an instance', () => {
  it('that ends it becomes an event', () => {
    expect(onlyEvent(eventBridgeToEvents(fixture('ec2-state'), options))).toMatchObject({
      id: '12345678-1234-1234-1234-111111111111',
      event_type: 'EC2InstanceStateChange',
      source: 'aws.ec2',
      host: 'i-0abc',
      region: 'us-east-1',
      account: '111122223333',
      attributes: { state: 'stopped' },
    });
  });

  it.each(['pending', 'running'])('%s deposits nothing', (state) => {
    const envelope = { ...fixture('ec2-state'), detail: { 'instance-id': 'i-0abc', state } };
    expect(outline(eventBridgeToEvents(envelope, options))).toEqual(['not_a_failure']);
  });
});

describe('a lifecycle action of Auto Scaling', () => {
  it('becomes an event whose id is the token of the action', () => {
    expect(onlyEvent(eventBridgeToEvents(fixture('auto-scaling'), options))).toMatchObject({
      id: '87654321-4321-4321-4321-210987654321',
      event_type: 'AutoScalingEvent',
      source: 'aws.autoscaling',
      host: 'i-0abc',
      attributes: {
        group: 'web',
        transition: 'autoscaling:EC2_INSTANCE_TERMINATING',
        lifecycle_hook: 'lazarus',
        lifecycle_action_token: '87654321-4321-4321-4321-210987654321',
      },
    });
  });
});

describe('what an instance belongs to', () => {
  it('is asked first and defaulted after', () => {
    const entityOf = ({ instanceId }: { readonly instanceId: string }) =>
      instanceId === 'i-0abc' ? { service: 'search', environment: 'stage' } : undefined;
    const known = onlyEvent(eventBridgeToEvents(fixture('ec2-state'), { ...options, entityOf }));
    expect(known).toMatchObject({ service: 'search', environment: 'stage' });
    const unknown = { ...fixture('ec2-state'), detail: { 'instance-id': 'i-0fff', state: 'stopped' } };
    expect(onlyEvent(eventBridgeToEvents(unknown, { ...options, entityOf })).service).toBe('web');
  });

  it('must be known: nothing is guessed', () => {
    const readings = eventBridgeToEvents(fixture('ec2-state'), EventBridgeOptions.parse({}));
    expect(outline(readings)).toEqual([['environment', 'service']]);
  });
});

describe('any other message', () => {
  it.each([
    ['of another source', { ...fixture('ec2-state'), source: 'aws.s3' }, 'not_mapped'],
    [
      'of another type',
      { ...fixture('ec2-state'), 'detail-type': 'EC2 Spot Instance Interruption Warning' },
      'not_mapped',
    ],
    ['without detail', { ...fixture('ec2-state'), detail: undefined }, ['detail']],
    [
      'about no instance',
      { ...fixture('ec2-state'), detail: { 'instance-id': '$(id)', state: 'stopped' } },
      ['detail.instance-id'],
    ],
  ])('%s makes no event', (_title, envelope, expected) => {
    const [actual] = outline(eventBridgeToEvents(envelope, options));
    expect(actual).toEqual(expected);
  });
});

/** The profile of Cassandra rings. */
export const CASSANDRA = `
profile: cassandra
description: Replaces a failed node of a Cassandra ring while every other node is healthy.

parameters:
  workflow:
    type: text
    default: default.replace_host
    description: The workflow that replaces a member; name one of your own when a member has to take over an address.
  min_active_hosts:
    type: integer
    default: 3
    min: 2
    description: Members that must be active besides the failed one.
  max_active_hosts:
    type: integer
    default: 100
    min: 3
    description: The cluster never grows to more members than this.
  min_healthy_fraction:
    type: number
    default: 1
    min: 0.5
    max: 1
    description: Share of the other members that must be healthy.
  replica_set_tag:
    type: text
    description: The tag that names the replica set of a member, when there is one.
  min_replicas:
    type: integer
    default: 1
    min: 1
    max: 100
    description: Healthy members that must remain in the replica set of the failed one.
  quiet:
    type: duration
    default: 1h
    min: 1m
    max: 1d
    description: Time since the last member was launched, so that data has moved before the next one.

# One member at a time, one zone at a time, never two members of a replica set.
defaults:
  mode: act
  workflow_timeout: 2h
  max_entities: 1

common:
  prechecks:
    - { checkName: MinActiveHosts, default: { $param: min_active_hosts } }
    - { checkName: MaxActiveHosts, default: { $param: max_active_hosts } }
    - checkName: HealthCheckDown
    - { checkName: PeerCheck, default: 0 }
    - checkName: ClusterHealth
      default: { $param: min_healthy_fraction }
      params: { replica_set_tag: { $param: replica_set_tag }, min_replicas: { $param: min_replicas }, one_zone: true }
    - { checkName: NoRecentAction, default: { $param: quiet } }
  lock: { type: service, on_busy: escalate }
  workflow: { name: { $param: workflow } }

rules:
  - name: host_down
    description: Nagios says, after all its retries, that a member is down.
    criteria:
      event_type: NagiosHostAlarm
      host_state_type: HARD
      host_state: [DOWN, UNREACHABLE, { exists: false }]

  - name: healthcheck_down
    description: The healthcheck of a member failed several times in a row.
    criteria:
      event_type: HealthcheckDown

  - name: aws_scheduled_event
    description: AWS will retire or stop a member. Moving its data is a decision of its owners.
    criteria:
      event_type: AWSScheduledEvent
    action: notify_only
    prechecks: []
`;

import { HOST_RULES } from './host-rules.ts';

/** In what the clusters of one kind differ from those of another. */
export interface StatefulCluster {
  readonly profile: string;
  readonly description: string;
  readonly maxActiveHosts: number;
  /** Share of the other members that must be healthy, 0.5 to 1. */
  readonly minHealthyFraction: number;
  /** Duration as documents have it: how long data moves after a member was launched. */
  readonly quiet: string;
  /** Duration as documents have it. */
  readonly workflowTimeout: string;
}

/** The text of the profile of a cluster whose members hold data. */
export const statefulProfile = (cluster: StatefulCluster): string => `
profile: ${cluster.profile}
description: ${cluster.description}

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
    default: ${cluster.maxActiveHosts}
    min: 3
    description: The cluster never grows to more members than this.
  min_healthy_fraction:
    type: number
    default: ${cluster.minHealthyFraction}
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
    default: ${cluster.quiet}
    min: 1m
    max: 1d
    description: Time since the last member was launched, so that data has moved before the next one.

# One member at a time, one zone at a time, never two members of a replica set.
defaults:
  mode: act
  workflow_timeout: ${cluster.workflowTimeout}
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
${HOST_RULES}
  - name: aws_scheduled_event
    description: AWS will retire or stop a member. Moving its data is a decision of its owners.
    criteria:
      event_type: AWSScheduledEvent
    action: notify_only
    prechecks: []
`;

import { HOST_RULES } from './host-rules.ts';

/** The profile of services that keep a warm standby for each shard. */
export const STATELESS_WITH_STANDBY_PIVOT = `
profile: stateless_with_standby_pivot
description: Promotes the standby of a failed primary and boots a new standby for the same shard.

parameters:
  workflow:
    type: text
    default: default.replace_host_with_standby_promotion
    description: The workflow that promotes the standby and replaces it.
  shard_tag:
    type: text
    default: shard
    description: The tag whose value a primary and its standby share.
  min_standbys:
    type: integer
    default: 1
    min: 1
    max: 9
    description: Healthy members that must remain in the shard of the failed host.
  min_active_hosts:
    type: integer
    default: 2
    min: 1
    description: Hosts that must be active besides the failed one.
  max_active_hosts:
    type: integer
    default: 20
    min: 2
    description: The service never grows to more hosts than this.
  max_unhealthy_peers:
    type: integer
    default: 0
    min: 0
    description: Hosts besides the failed one that may be unhealthy.

defaults:
  mode: act
  workflow_timeout: 30m
  max_entities: 1

common:
  prechecks:
    - { checkName: MinActiveHosts, default: { $param: min_active_hosts } }
    - { checkName: MaxActiveHosts, default: { $param: max_active_hosts } }
    - checkName: HealthCheckDown
    - { checkName: PeerCheck, default: { $param: max_unhealthy_peers } }
    - checkName: ClusterHealth
      params: { replica_set_tag: { $param: shard_tag }, min_replicas: { $param: min_standbys }, one_zone: true }
  lock: { type: service, on_busy: escalate }
  workflow: { name: { $param: workflow } }

rules:
  - name: primary_down
    description: The standby says, by way of Nagios, that its primary does not answer any more.
    criteria:
      event_type: NagiosServiceAlarm
      service_state_type: HARD
      service_state: CRITICAL
      service_description: { wildcard: "*primary*" }

${HOST_RULES}`;

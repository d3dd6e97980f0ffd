import { HOST_RULES } from './host-rules.ts';

/** The profile of services whose hosts hold nothing that another host does not have. */
export const STATELESS = `
profile: stateless
description: Replaces a failed host of a service without state by a clone of it.

parameters:
  min_active_hosts:
    type: integer
    default: 2
    min: 1
    description: Hosts that must be active besides the failed one.
  max_active_hosts:
    type: integer
    default: 20
    min: 2
    description: The service never grows to more hosts than this; a clone adds one.

defaults:
  mode: act
  workflow_timeout: 30m

common:
  prechecks:
    - { checkName: MinActiveHosts, default: { $param: min_active_hosts } }
    - { checkName: MaxActiveHosts, default: { $param: max_active_hosts } }
    - checkName: HealthCheckDown
    - checkName: PeerCheck
  lock: { type: host, on_busy: attach }
  workflow: { name: default.replace_host }

rules:
${HOST_RULES}
  - name: aws_scheduled_event
    description: AWS will retire or stop a host; it is still healthy, so its own health is no condition.
    criteria:
      event_type: AWSScheduledEvent
    prechecks:
      - { checkName: MinActiveHosts, default: { $param: min_active_hosts } }
      - { checkName: MaxActiveHosts, default: { $param: max_active_hosts } }
      - checkName: PeerCheck
`;

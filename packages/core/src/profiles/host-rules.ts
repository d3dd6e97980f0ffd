/** The two rules of every profile: a host is down, or its healthcheck says so. Indented as entries of `rules`. */
export const HOST_RULES = `  - name: host_down
    description: Nagios says, after all its retries, that a host is down.
    criteria:
      event_type: NagiosHostAlarm
      host_state_type: HARD
      host_state: [DOWN, UNREACHABLE, { exists: false }]

  - name: healthcheck_down
    description: The healthcheck of a host failed several times in a row.
    criteria:
      event_type: HealthcheckDown
`;

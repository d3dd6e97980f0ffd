/**
 * The event that deciding is measured with: what Nagios says of a host that is down, as a sensor writes it.
 *
 * @param {number} at - number of the event; events of one number are equal.
 * @param {{ services: number, time: string, type?: string }} about - how many services they are spread over.
 */
export const nagiosEvent = (at, { services, time, type = 'NagiosHostAlarm' }) => ({
  id: `e-${at}`,
  event_type: type,
  source: 'nagios/eu-1',
  time,
  region: 'eu-west-1',
  environment: 'prod',
  account: '123456789012',
  service: `service-${at % services}`,
  host: `i-0abc${at}`,
  incident_key: `service-${at}/host-down`,
  summary: 'CRITICAL - host does not answer, rta nan, lost 100%',
  attributes: {
    host_state: 'DOWN',
    host_state_type: 'HARD',
    host_attempt: 3,
    output: 'CRITICAL - Plugin timed out after 10 seconds',
    address: '10.20.30.40',
    load: 2,
    tags: { team: 'storefront', tier: 'web', rack: 'r12' },
  },
});

export { SIGNATURE_HEADERS, signRequest } from './access/request-signature.ts';
export { createIntake, type Intake, type IntakeEndpoint, type IntakePorts } from './intake/intake.ts';
export { IntakeOptions } from './intake/options.ts';
export type { Verdict } from './intake/verdicts.ts';
export { INTAKE_PROBLEMS, type IntakeProblemCode } from './problem.ts';
export type { NagiosEnvironment } from './nagios/nagios-environment.ts';
export {
  type NagiosIgnored,
  type NagiosOptions,
  type NagiosReading,
  nagiosToEvent,
} from './nagios/nagios-to-event.ts';
export type { Reading } from './reading.ts';
export {
  createHealthcheckSensor,
  type HealthcheckSensor,
  type HealthcheckSensorPorts,
} from './healthcheck/healthcheck-sensor.ts';
export type { IncidentPorts, PageRequest } from './healthcheck/incident.ts';
export { HealthcheckSensorOptions } from './healthcheck/options.ts';
export { AdapterOptions } from './adapters/adapters.ts';
export {
  type AlertmanagerIgnored,
  AlertmanagerOptions,
  alertmanagerToEvents,
} from './adapters/alertmanager.ts';
export {
  DATADOG_TEMPLATE,
  type DatadogIgnored,
  DatadogOptions,
  datadogToEvents,
} from './adapters/datadog.ts';
export {
  type EntityOf,
  type EventBridgeIgnored,
  EventBridgeOptions,
  type EventBridgeSettings,
} from './adapters/event-bridge/envelope.ts';
export { eventBridgeToEvents } from './adapters/event-bridge/event-bridge.ts';
export { ADAPTER_EVENT_TYPES } from './adapters/event-types.ts';
export {
  isSignedByPagerDuty,
  type PagerDutyIgnored,
  PagerDutyOptions,
  pagerDutyToEvents,
} from './adapters/pagerduty-webhook.ts';

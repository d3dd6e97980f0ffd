export {
  type AwsConnection,
  AwsConnectionOptions,
  type AwsConnectionOptionsInput,
  createAwsConnection,
} from './aws-connection.ts';
export { AwsFleetOptions, type AwsFleetOptionsInput, createAwsFleet } from './aws-fleet.ts';
export {
  AwsHostActuatorOptions,
  type AwsHostActuatorOptionsInput,
  createAwsHostActuator,
} from './aws-host-actuator.ts';
export { createAwsLoadBalancer } from './aws-load-balancer.ts';
export {
  createHttpHealthProbe,
  HttpHealthProbeOptions,
  type HttpHealthProbeOptionsInput,
} from './http-health-probe.ts';
export { TAGS } from './inventory.ts';

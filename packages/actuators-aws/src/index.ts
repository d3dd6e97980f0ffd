/** Fleet directory and actions on EC2 and Elastic Load Balancing v2. */
export { type AwsConnection, type AwsConnectionOptions, connectAws } from './aws-connection.ts';
export { type AwsFailure, classifyFailure } from './aws-failure.ts';
export { AwsFleetOptions, createAwsFleet } from './aws-fleet.ts';
export { type AwsHostActuatorPorts, createAwsHostActuator } from './aws-host-actuator.ts';
export { createAwsLoadBalancer } from './aws-load-balancer.ts';
export { TAGS } from './host-from-instance.ts';
export { createHttpHealthProbe } from './http-health-probe.ts';

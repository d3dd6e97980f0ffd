export { INTAKE_PROBLEMS, type IntakeProblemCode } from './problem.ts';
export type { NagiosEnvironment } from './nagios/nagios-environment.ts';
export {
  type NagiosIgnored,
  type NagiosOptions,
  type NagiosReading,
  nagiosToEvent,
} from './nagios/nagios-to-event.ts';

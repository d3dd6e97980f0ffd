/** The Nagios adapter alone, for event handlers that start once per alarm: it loads nothing else. */
export type { NagiosEnvironment } from './nagios-environment.ts';
export {
  type NagiosIgnored,
  type NagiosOptions,
  type NagiosReading,
  nagiosToEvent,
} from './nagios-to-event.ts';

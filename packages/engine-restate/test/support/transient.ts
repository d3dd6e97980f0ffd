import { PortError } from '@lazarus/core';

export const transient = (): PortError =>
  new PortError({ code: 'LZ_ACTUATOR_TRANSIENT', message: 'not now', retryable: true });

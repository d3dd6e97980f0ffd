import { ConfigurationError } from '@lazarus/core';
import type { ActionContext, ActionPortName, ActionPorts } from './action.ts';

/** The port, or a clear refusal. @throws ConfigurationError `LZ_PORT_MISSING`. */
export function requiredPort<N extends ActionPortName>(
  context: ActionContext,
  name: N,
): NonNullable<ActionPorts[N]> {
  const port = context.ports[name];
  if (port !== undefined) return port;
  throw new ConfigurationError({
    code: 'LZ_PORT_MISSING',
    summary: `step ${context.step} needs the port "${name}", which was not passed`,
    issues: [],
  });
}

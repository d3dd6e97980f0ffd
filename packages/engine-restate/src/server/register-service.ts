import { ConfigurationError, PortError } from '@lazarus/core';
import type { Clock } from '@lazarus/core/ports';
import { messageOf } from './restate-servers.ts';
import type { Answer, RestateServers } from './restate-servers.ts';
import { isOfInvocation } from './run-outcome.ts';

/** What is registered. */
export interface Registration {
  readonly service: string;
  /** Address of the interpreter, the same for every process that has it. */
  readonly uri: string;
  readonly clock: Clock;
  /** For how long to try. */
  readonly registerMs: number;
  readonly signal: AbortSignal;
}

const PAUSE_MS = 250;

/**
 * Makes the service known, and waits until a server takes runs for it: in a cluster the news needs seconds. Repeating it
 * changes nothing, so every process does it at its start.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID` when the server cannot use what it finds at the address.
 * @throws PortError `LZ_JOURNAL_UNAVAILABLE` when no server did it in time.
 */
export async function registerService(servers: RestateServers, registration: Registration): Promise<void> {
  const { clock, registerMs, signal } = registration;
  const untilMs = clock.monotonic() + registerMs;
  for (;;) {
    const problem = await tryOnce(servers, registration);
    if (problem === undefined) return;
    if (clock.monotonic() >= untilMs) throw problem;
    await clock.sleep(PAUSE_MS, { signal });
  }
}

async function tryOnce(
  servers: RestateServers,
  { service, uri, signal }: Registration,
): Promise<Error | undefined> {
  let answer: Answer;
  try {
    answer = await servers.ask({
      to: 'admin',
      path: '/deployments',
      method: 'POST',
      body: { uri },
      signal,
      // That the service cannot be used is what every server will say.
      elsewhere: (given) => given.status >= 500 && !messageOf(given).includes('META'),
    });
    if (answer.status < 300 && (await isKnown(servers, service))) return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return error as Error;
  }
  if (answer.status < 300)
    return unavailable(
      `the ingress of Restate does not know the service ${service} yet, which is registered`,
    );
  return new ConfigurationError({
    code: 'LZ_OPTION_INVALID',
    summary: `Restate cannot use ${uri}: ${messageOf(answer)}; serviceUrl must be an address at which the Restate servers reach this process`,
    issues: [],
  });
}

/** Whether a server takes runs: the run that is asked for does not exist, the service does. @throws PortError. */
export async function isKnown(servers: Pick<RestateServers, 'ask'>, service: string): Promise<boolean> {
  const path = `/restate/workflow/${service}/-/output`;
  return !isServiceUnknown(await servers.ask({ to: 'ingress', path }));
}

/** The server has not heard of the service, or no longer has it. */
export function isServiceUnknown(answer: Answer): boolean {
  if (isOfInvocation(answer)) return false;
  return answer.status >= 500 || (answer.status === 404 && /service/i.test(messageOf(answer)));
}

const unavailable = (message: string): PortError =>
  new PortError({ code: 'LZ_JOURNAL_UNAVAILABLE', message, retryable: true });

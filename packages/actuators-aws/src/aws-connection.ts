import type * as Ec2 from '@aws-sdk/client-ec2';
import type { EC2Client, EC2ClientConfig } from '@aws-sdk/client-ec2';
import type * as Elb from '@aws-sdk/client-elastic-load-balancing-v2';
import type { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Clock } from '@lazarus/core/ports';

import { ConfigurationError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import { withTimeout } from '@lazarus/core/time';
import { z } from 'zod';

/** Options of {@link createAwsConnection}. */
export const AwsConnectionOptions = z.strictObject({
  /** Region, for example `us-east-1`. */
  region: z.string().min(1).max(64),
  /** Endpoint of an emulator; absent for AWS itself. */
  endpoint: z.url().optional(),
  /** Tries of one call by the SDK. Steps of a workflow have their own retries, so more than 2 only cost time. */
  maxAttempts: z.int().min(1).max(10).default(2),
  /** Longest time of one call, the tries of the SDK included, milliseconds. */
  requestTimeoutMs: z.int().min(50).max(120_000).default(10_000),
});

/** Options as a caller writes them. */
export type AwsConnectionOptionsInput = z.input<typeof AwsConnectionOptions>;

/** A client with the module that it came from. */
interface Loaded<Sdk, Client> {
  readonly sdk: Sdk;
  readonly client: Client;
}

/** What the fleet and the actuators share: lazily made clients and the limits of a call. */
export interface AwsConnection {
  readonly region: string;
  /** Runs one call of EC2 within the limits. */
  ec2<T>(
    signal: AbortSignal | undefined,
    call: (api: Loaded<typeof Ec2, EC2Client> & { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T>;
  /** Runs one call of Elastic Load Balancing v2 within the limits. */
  elb<T>(
    signal: AbortSignal | undefined,
    call: (
      api: Loaded<typeof Elb, ElasticLoadBalancingV2Client> & { readonly abortSignal: AbortSignal },
    ) => Promise<T>,
  ): Promise<T>;
  /** Ends the clients that were made here. */
  close(): Promise<void>;
}

function missing(name: string): (cause: unknown) => never {
  return (cause) => {
    throw new ConfigurationError({
      code: 'LZ_PORT_MISSING',
      summary: `${name} is not installed`,
      issues: [
        { path: name, message: 'is an optional peer of @lazarus/actuators-aws', hint: `npm install ${name}` },
      ],
      cause,
    });
  };
}

/**
 * Makes the connection to AWS, or to something that speaks its protocol. The SDK clients are loaded at the first call:
 * loading the one for EC2 alone takes most of a second.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`; at the first call `LZ_PORT_MISSING` when an SDK client is not installed.
 * @example
 * ```ts
 * const aws = createAwsConnection({ region: 'us-east-1', clock: createSystemClock() });
 * const fleet = createAwsFleet({ aws, clock: createSystemClock() });
 * ```
 */
export function createAwsConnection(
  options: AwsConnectionOptionsInput & {
    readonly clock: Clock;
    /** Credentials; the SDK's own chain is used without them. */
    readonly credentials?: NonNullable<EC2ClientConfig['credentials']>;
  },
): AwsConnection {
  const { clock, credentials, ...rest } = options;
  const { requestTimeoutMs, ...settings } = parseOptions('createAwsConnection', AwsConnectionOptions, rest);
  const config = {
    region: settings.region,
    maxAttempts: settings.maxAttempts,
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  };
  let ec2: Promise<Loaded<typeof Ec2, EC2Client>> | undefined;
  let elb: Promise<Loaded<typeof Elb, ElasticLoadBalancingV2Client>> | undefined;
  const loadEc2 = async (): Promise<Loaded<typeof Ec2, EC2Client>> => {
    const sdk = await import('@aws-sdk/client-ec2').catch(missing('@aws-sdk/client-ec2'));
    return { sdk, client: new sdk.EC2Client(config) };
  };
  const loadElb = async (): Promise<Loaded<typeof Elb, ElasticLoadBalancingV2Client>> => {
    const name = '@aws-sdk/client-elastic-load-balancing-v2';
    const sdk = await import('@aws-sdk/client-elastic-load-balancing-v2').catch(missing(name));
    return { sdk, client: new sdk.ElasticLoadBalancingV2Client(config) };
  };

  return {
    region: settings.region,
    ec2: async (signal, call) => {
      const api = await (ec2 ??= loadEc2());
      return withTimeout(clock, requestTimeoutMs, signal, (abortSignal) => call({ ...api, abortSignal }));
    },
    elb: async (signal, call) => {
      const api = await (elb ??= loadElb());
      return withTimeout(clock, requestTimeoutMs, signal, (abortSignal) => call({ ...api, abortSignal }));
    },
    close: async () => {
      (await ec2)?.client.destroy();
      (await elb)?.client.destroy();
    },
  };
}

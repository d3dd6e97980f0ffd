import type * as Ec2Sdk from '@aws-sdk/client-ec2';
import type * as ElbSdk from '@aws-sdk/client-elastic-load-balancing-v2';
import { ConfigurationError } from '@lazarus/core';

/** How to reach the provider. Without an endpoint it is AWS itself, with the usual credential chain. */
export interface AwsConnectionOptions {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Open clients of EC2 and Elastic Load Balancing, shared by everything in this package. */
export interface AwsConnection {
  readonly region: string;
  readonly ec2: Ec2Sdk.EC2Client;
  readonly elb: ElbSdk.ElasticLoadBalancingV2Client;
  readonly sdk: { readonly ec2: typeof Ec2Sdk; readonly elb: typeof ElbSdk };
  /** Ends the clients. */
  close(): void;
}

/**
 * Opens the clients. The SDK is loaded here and not on import: EC2 alone costs most of a second and 95 MB.
 *
 * The SDK makes up to three attempts by itself, each with the token that it was given; retries beyond that belong to the
 * workflow step.
 *
 * @throws ConfigurationError `LZ_PORT_MISSING` when the SDK is not installed.
 */
export async function connectAws(options: AwsConnectionOptions): Promise<AwsConnection> {
  const [ec2, elb] = await Promise.all([
    load('@aws-sdk/client-ec2', () => import('@aws-sdk/client-ec2')),
    load(
      '@aws-sdk/client-elastic-load-balancing-v2',
      () => import('@aws-sdk/client-elastic-load-balancing-v2'),
    ),
  ]);
  const config = {
    region: options.region,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
  };
  const clients = { ec2: new ec2.EC2Client(config), elb: new elb.ElasticLoadBalancingV2Client(config) };
  return {
    region: options.region,
    ...clients,
    sdk: { ec2, elb },
    close() {
      clients.ec2.destroy();
      clients.elb.destroy();
    },
  };
}

async function load<T>(name: string, load: () => Promise<T>): Promise<T> {
  return load().catch((error: unknown) => {
    throw new ConfigurationError({
      code: 'LZ_PORT_MISSING',
      summary: `${name} is not installed`,
      issues: [
        { path: name, message: 'is an optional peer of @lazarus/actuators-aws', hint: `npm install ${name}` },
      ],
      cause: error,
    });
  });
}

import { z } from 'zod';

const portNumber = z.number().int().min(0).max(65_535);

/** One service of the region: its hosts, a target group and a load balancer are made for it at first start. */
export const serviceOptions = z.strictObject({
  name: z
    .string()
    .regex(
      /^[a-z][a-z0-9-]{0,30}$/,
      'a service name is lower case, starts with a letter, 31 characters at most',
    ),
  hosts: z.number().int().min(0).max(50),
  /** Port of the service's load balancer; 0 lets the system choose. */
  port: portNumber.default(0),
});

/** How the load balancers probe their targets. */
const healthCheckOptions = z.strictObject({
  intervalMs: z.number().int().min(20).default(500),
  timeoutMs: z.number().int().min(20).default(2_000),
  healthyThreshold: z.number().int().min(1).default(2),
  unhealthyThreshold: z.number().int().min(1).default(2),
});

/**
 * Everything a region can be told at construction. Durations are milliseconds.
 *
 * @defaultValue service `web` with 5 hosts and service `api` with 3, over zones a, b and c of `us-east-1`.
 */
export const regionOptions = z.strictObject({
  /** Folder that keeps the region's state; without it the region lives in memory only. */
  stateDir: z.string().min(1).optional(),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region looks like us-east-1')
    .default('us-east-1'),
  zones: z
    .array(z.string().regex(/^[a-z]$/, 'a zone is one letter'))
    .min(1)
    .max(6)
    .default(['a', 'b', 'c']),
  services: z
    .array(serviceOptions)
    .min(1)
    .refine(
      (services) => new Set(services.map(({ name }) => name)).size === services.length,
      'service names must differ',
    )
    .default([
      { name: 'web', hosts: 5, port: 0 },
      { name: 'api', hosts: 3, port: 0 },
    ]),
  environment: z.enum(['dev', 'stage', 'prod']).default('stage'),
  accountId: z
    .string()
    .regex(/^\d{12}$/)
    .default('123456789012'),
  /** Port of the API endpoint; 0 lets the system choose, and a restart takes the same one again. */
  port: portNumber.default(0),
  /** From RunInstances to the state `running`. */
  bootMs: z.number().int().min(0).default(800),
  /** Shortest time in `shutting-down` and `stopping`. */
  shutdownMs: z.number().int().min(0).default(200),
  /** Deregistration delay of every target group. */
  drainMs: z.number().int().min(0).default(1_000),
  healthCheck: healthCheckOptions.prefault({}),
  /** Folder that holds the host and warden programs, for an embedder that bundles this package. */
  programDir: z.instanceof(URL).optional(),
});

/** What a caller may pass to {@link createRegion}. */
export type RegionOptions = z.input<typeof regionOptions>;
/** The options with every default filled in. */
export type ResolvedRegionOptions = z.output<typeof regionOptions>;
export type HealthCheckOptions = z.output<typeof healthCheckOptions>;

/** Full names of the availability zones, such as us-east-1a. */
export function zonesOf(options: ResolvedRegionOptions): string[] {
  return options.zones.map((letter) => options.region + letter);
}

import { z } from 'zod';

const url = z.url({ protocol: /^https?$/ });

/** Where a node of Restate answers. */
const RestateAddress = z.strictObject({
  /** Address for submitting runs, port 8080 by default. */
  ingressUrl: url,
  /** Address for registration and queries, port 9070 by default. */
  adminUrl: url,
});

/** Options of {@link createRestateEngine}. */
export const RestateEngineOptions = z.strictObject({
  /** The nodes of the cluster, the nearest one first; the others are asked when it does not answer. */
  servers: z.array(RestateAddress).min(1).max(9),
  /** Where this process listens for Restate. */
  listen: z
    .strictObject({
      /** @defaultValue `127.0.0.1` */
      host: z.string().min(1).default('127.0.0.1'),
      /** 0: any free port. @defaultValue 9080 */
      port: z.int().min(0).max(65_535).default(9_080),
    })
    .prefault({}),
  /**
   * The one address under which Restate reaches a process that runs this engine: a name or load balancer in front of all
   * nodes, the same in every process. A run stays with the address it began with.
   *
   * @defaultValue the address of `listen`, which is right for one process alone
   */
  serviceUrl: url.optional(),
  /** Public keys of the server (`publickeyv1_…`): requests that are not signed with one of them are refused. Keeps S18. */
  identityKeys: z.array(z.string().startsWith('publickeyv1_')).default([]),
  times: z
    .strictObject({
      /** Longest wait for one answer of a server. @defaultValue 5000 */
      answerMs: z.int().min(100).max(60_000).default(5_000),
      /** How long to try at start until the servers know the service. @defaultValue 30000 */
      registerMs: z.int().min(100).max(600_000).default(30_000),
      /** How often the servers are looked at. @defaultValue 2000 */
      watchMs: z.int().min(50).max(60_000).default(2_000),
      /** How long no server may answer before the people behind the runs in flight are told. @defaultValue 20000 */
      strandedMs: z.int().min(100).max(600_000).default(20_000),
      /** TTL of a run's lock; the lock store renews it. @defaultValue 30000 */
      lockTtlMs: z.int().min(100).max(600_000).default(30_000),
      /** How long to wait for a lock that somebody else holds. @defaultValue 5000 */
      lockWaitMs: z.int().min(0).max(60_000).default(5_000),
      /** How long Restate keeps the journal of a finished run; 7 days. @defaultValue 604800000 */
      keepEntriesMs: z
        .int()
        .min(60_000)
        .default(7 * 86_400_000),
      /** How long a finished run is known, so that it is not started again; 90 days. @defaultValue 7776000000 */
      keepRunsMs: z
        .int()
        .min(60_000)
        .default(90 * 86_400_000),
    })
    .prefault({}),
});

/** Options of {@link createRestateEngine}, resolved. */
export type ResolvedOptions = z.output<typeof RestateEngineOptions>;

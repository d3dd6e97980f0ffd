import { isIPv4 } from 'node:net';
import { z } from 'zod';

const url = z.url({ protocol: /^https?$/ });

/** Where a node of Restate answers. */
const RestateAddress = z.strictObject({
  /** Address for submitting runs, port 8080 by default. */
  ingressUrl: url,
  /** Address for registration and queries, port 9070 by default. */
  adminUrl: url,
});

const Options = z.strictObject({
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
  /**
   * Secret that all processes share: a run that was not submitted with it is refused, so that who reaches the ingress cannot
   * make a workflow of their own act. Needed unless every `ingressUrl` is a loopback address. Keeps S2 and S18.
   */
  submissionKey: z.string().min(32).max(1_024).optional(),
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

/** Options of {@link createRestateEngine}. */
export const RestateEngineOptions = Options.superRefine(
  ({ servers, listen, identityKeys, submissionKey }, context) => {
    if (identityKeys.length === 0 && !isLoopback(listen.host))
      context.addIssue({
        code: 'custom',
        path: ['listen', 'host'],
        message: `whoever reaches ${listen.host} could start a step: set identityKeys to the public key of the servers, or listen on 127.0.0.1`,
      });
    const index = servers.findIndex(({ ingressUrl }) => !isLoopback(new URL(ingressUrl).hostname));
    if (submissionKey === undefined && index >= 0)
      context.addIssue({
        code: 'custom',
        path: ['servers', index, 'ingressUrl'],
        message:
          'whoever reaches this address could submit a run: set submissionKey, the same in every process',
      });
  },
);

function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'));
}

/** Options of {@link createRestateEngine}, resolved. */
export type ResolvedOptions = z.output<typeof RestateEngineOptions>;

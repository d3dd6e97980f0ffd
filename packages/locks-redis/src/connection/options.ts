import { z } from 'zod';

/** Options of {@link connectRedis}. */
export const RedisConnectionOptions = z.strictObject({
  /** `redis://` or `rediss://` address; instead of it a client of your own can be passed. */
  url: z
    .string()
    .regex(/^rediss?:\/\//, 'expected redis:// or rediss://')
    .optional(),
  /** Prefix of every key; one per region and deployment. @defaultValue `lazarus` */
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'expected letters, digits, dots, dashes')
    .default('lazarus'),
  /** Longest time of one call, connecting included, milliseconds. @defaultValue 500 */
  deadlineMs: z.int().min(20).max(10_000).default(500),
  /**
   * After the store may have lost state: for how long nothing new is granted, milliseconds. At least the longest TTL of a
   * lock, so that whoever lost one has noticed. @defaultValue 30 000
   */
  graceMs: z.int().min(0).max(600_000).default(30_000),
  /**
   * Replicas that must have received a lock or a reservation before it counts. With 1, no grant is lost when the replica
   * that confirmed it is promoted; without any replica nothing is granted. @defaultValue 0
   */
  confirmReplicas: z.int().min(0).max(5).default(0),
});

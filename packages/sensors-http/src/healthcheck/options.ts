import { z } from 'zod';

/** Options of {@link createHealthcheckSensor}. */
export const HealthcheckSensorOptions = z.strictObject({
  /** Who says so in events (`healthcheck-sensor/<name>`): unique among the sensors of a region. @defaultValue the zone of the probe */
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected 1 to 64 letters, digits or . _ -')
    .optional(),
  /** Services whose hosts are watched. */
  services: z.array(z.string().min(1).max(128)).min(1).readonly(),
  /**
   * Time from the start of one round of probes to the next, milliseconds.
   *
   * @defaultValue 10000
   * @remarks Source: the Ratequeue post: a ping every 10 s, three failures.
   */
  intervalMs: z.int().min(10).max(3_600_000).default(10_000),
  /** Failures in a row that make an incident. @defaultValue 3 */
  failures: z.int().min(1).max(100).default(3),
  /** Healthy answers in a row that end one. @defaultValue 2 */
  recoveries: z.int().min(1).max(100).default(2),
  /** Longest wait for one answer, milliseconds. @defaultValue 2000 */
  probeTimeoutMs: z.int().min(1).max(60_000).default(2_000),
  /** Most probes under way at the same time. @defaultValue 32 */
  maxConcurrentProbes: z.int().min(1).max(1_000).default(32),
  /** Longest wait for the fleet, the pager or the stream to answer one call, milliseconds. @defaultValue 5000 */
  callTimeoutMs: z.int().min(1).max(60_000).default(5_000),
  /** First and longest wait before a failed page or deposit is tried again, milliseconds; it doubles in between. */
  retry: z
    .strictObject({
      firstMs: z.int().min(1).max(60_000).default(500),
      longestMs: z.int().min(1).max(600_000).default(15_000),
    })
    .prefault({}),
});

/** Resolved form of {@link HealthcheckSensorOptions}. */
export type HealthcheckSensorSettings = z.output<typeof HealthcheckSensorOptions>;

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DurationSchema, parseYamlDocument, validateDocument } from '@lazarus/core/documents';
import { z } from 'zod';

const port = z.number().int().min(0).max(65_535);

const LOOPBACK = ['127.0.0.1', 'localhost', '::1'];

/** Settings of the reference daemon, as YAML. Paths are relative to the file. */
export const SettingsSchema = z
  .strictObject({
    region: z.string().min(1),
    /** Journal, audit log, leases and, when it is embedded, the stream. */
    state_dir: z.string().min(1).default('state'),
    /** Directory with rules/, profiles/, services/ and workflows/. */
    config_dir: z.string().min(1).default('config'),
    listen: z
      .strictObject({
        host: z.string().min(1).default('127.0.0.1'),
        port: port.default(7400),
      })
      .prefault({}),
    /** Nodes in this process, one per availability zone. */
    nodes: z
      .array(z.strictObject({ id: z.string().min(1), zone: z.string().min(1) }))
      .min(1)
      .max(7),
    stream: z
      .discriminatedUnion('kind', [
        z.strictObject({
          kind: z.literal('embedded'),
          name: z.string().default('lazarus-events'),
          shards: z.number().int().min(1).max(20).default(3),
        }),
        z.strictObject({ kind: z.literal('kinesis'), name: z.string().min(1), endpoint: z.url().optional() }),
      ])
      .prefault({ kind: 'embedded' }),
    /** What the nodes share: within this process, or in Redis with other processes of the region. */
    shared_state: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('memory') }),
        z.strictObject({
          kind: z.literal('redis'),
          /** `redis://` or `rediss://`. */
          url: z.string().regex(/^rediss?:\/\//, 'expected redis:// or rediss://'),
          /** Nothing new is granted for this long after Redis may have lost state; at least the TTL of a lock. */
          grace: DurationSchema.prefault('30s'),
        }),
      ])
      .prefault({ kind: 'memory' }),
    /** EC2 and ELBv2; without an endpoint it is AWS itself. */
    provider: z.strictObject({ endpoint: z.url().optional() }).prefault({}),
    pager: z.strictObject({
      url: z.url().default('https://api.pagerduty.com'),
      /** Login of the Lazarus user at the pager. */
      from: z.email(),
      /** Ids or names of the pager's users that are Lazarus; everybody else who takes a page is a person. */
      responders: z.array(z.string().min(1)).min(1),
      token_file: z.string().min(1),
    }),
    /** Bearer tokens that may deposit events and operate; without a file only loopback listeners are allowed. */
    auth: z.strictObject({ token_file: z.string().min(1) }).optional(),
    engine: z
      .strictObject({
        /** How often finished, attached and orphaned work is looked for. */
        sweep_every: DurationSchema.prefault('5s'),
        lease: DurationSchema.prefault('10s'),
      })
      .prefault({}),
  })
  .refine(({ auth, listen }) => auth !== undefined || LOOPBACK.includes(listen.host), {
    path: ['auth'],
    message: 'is needed when the API listens on more than this machine (listen.host)',
  });

/** Resolved settings; paths are absolute. */
export type Settings = z.output<typeof SettingsSchema>;

/**
 * Reads and checks a settings file.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` with `file:line:column` of every problem.
 */
export function readSettings(file: string): Settings {
  const parsed = parseYamlDocument(readFileSync(file, 'utf8'), { file });
  const settings = validateDocument(SettingsSchema, parsed, { file });
  const near = (path: string): string => resolve(dirname(file), path);
  return {
    ...settings,
    state_dir: near(settings.state_dir),
    config_dir: near(settings.config_dir),
    pager: { ...settings.pager, token_file: near(settings.pager.token_file) },
    ...(settings.auth === undefined ? {} : { auth: { token_file: near(settings.auth.token_file) } }),
  };
}

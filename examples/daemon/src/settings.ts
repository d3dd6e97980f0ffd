import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DurationSchema, parseYamlDocument, validateDocument } from '@lazarus/core/documents';
import { z } from 'zod';
import { refineNodes } from './settings-rules.ts';
import { unreadable } from './unreadable-file.ts';

const port = z.number().int().min(0).max(65_535);
const peerPort = z.number().int().min(1).max(65_535);
const nodeId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'expected letters, digits, dots, dashes');
const zone = z.string().min(1).max(64);

/** Which nodes run here, and which elsewhere. */
const Membership = {
  /** All nodes of the region in this process, one per availability zone. */
  nodes: z
    .array(z.strictObject({ id: nodeId, zone }))
    .min(1)
    .max(7)
    .optional(),
  /** The one node of this process; the others are `peers`. */
  node: z
    .strictObject({
      id: nodeId,
      zone,
      /** Where peers ask for its votes. */
      listen: z.strictObject({ host: z.string().min(1).default('127.0.0.1'), port: peerPort }).optional(),
    })
    .optional(),
  /** The nodes of other processes, and where each listens for votes. */
  peers: z
    .array(z.strictObject({ id: nodeId, zone, host: z.string().min(1).default('127.0.0.1'), port: peerPort }))
    .max(8)
    .default([]),
  quorum: z
    .strictObject({
      /** Grows with every change of the members; votes of another epoch count as nothing. */
      epoch: z.number().int().min(0).default(1),
      /** Yes votes needed; always more than half, which is the default. */
      required: z.number().int().min(1).max(9).optional(),
    })
    .prefault({}),
  /** PEM files of this node; the only DNS name of its certificate is its id. */
  tls: z.strictObject({ ca: z.string().min(1), cert: z.string().min(1), key: z.string().min(1) }).optional(),
};

/** After how long the shards of a node that says nothing are read by others. */
const failover = DurationSchema.prefault('10s');

const Stream = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('embedded'),
      name: z.string().default('lazarus-events'),
      shards: z.number().int().min(1).max(20).default(3),
      failover,
    }),
    /** An emulator that several processes share; the stream is made when it is missing. */
    z.strictObject({
      kind: z.literal('emulator'),
      name: z.string().default('lazarus-events'),
      shards: z.number().int().min(1).max(20).default(3),
      endpoint: z.url(),
      failover,
    }),
    z.strictObject({
      kind: z.literal('kinesis'),
      name: z.string().min(1),
      endpoint: z.url().optional(),
      failover,
    }),
  ])
  .prefault({ kind: 'embedded' });

const SharedState = z
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
  .prefault({ kind: 'memory' });

/** How often finished, attached and orphaned work is looked for. */
const sweepEvery = DurationSchema.prefault('5s');

const Engine = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('embedded'),
      /** The journal of runs; processes on one disk that name the same file take each other's runs over. */
      journal: z.string().min(1).optional(),
      /** How long a process that says nothing keeps its runs. */
      lease: DurationSchema.prefault('10s'),
      sweep_every: sweepEvery,
    }),
    z.strictObject({
      kind: z.literal('restate'),
      /** Nodes of the Restate cluster, the nearest one first. */
      servers: z
        .array(z.strictObject({ ingress: z.url(), admin: z.url() }))
        .min(1)
        .max(9),
      /** Where this process listens for Restate. */
      listen: z.strictObject({ host: z.string().min(1).default('127.0.0.1'), port: peerPort }),
      /** The one address under which Restate reaches any of the processes; without it that of this one. */
      service_url: z.url().optional(),
      /** Public keys of the servers: who cannot sign with one of them starts no step. Needed off the loopback address. */
      identity_keys: z.array(z.string().startsWith('publickeyv1_')).default([]),
      /** File with the secret that all processes sign runs with. Needed where a server is on another machine. */
      submission_key_file: z.string().min(1).optional(),
      sweep_every: sweepEvery,
    }),
  ])
  .prefault({ kind: 'embedded' });

/** Settings of the reference daemon, as YAML. Paths are relative to the file. */
export const SettingsSchema = z
  .strictObject({
    region: z.string().min(1),
    /** Journal, audit log, leases and, when it is embedded, the stream; one process at a time. */
    state_dir: z.string().min(1).default('state'),
    /** Directory with rules/, profiles/, services/ and workflows/. */
    config_dir: z.string().min(1).default('config'),
    /** Code of your own: files, or packages by name, that export `actions`, `preconditions` and `eventTypes`. */
    plugins: z.array(z.string().min(1)).max(64).default([]),
    listen: z
      .strictObject({
        host: z.string().min(1).default('127.0.0.1'),
        port: port.default(7400),
      })
      .prefault({}),
    ...Membership,
    stream: Stream,
    /** What the nodes share: within this process, or in Redis with other processes of the region. */
    shared_state: SharedState,
    /** Locks on hosts and services; a run renews its own at a third of the time. */
    locks: z.strictObject({ ttl: DurationSchema.prefault('30s') }).prefault({}),
    /** The audit log; processes on one disk name the same file, so that each knows what the others have ended. */
    audit: z.strictObject({ file: z.string().min(1).optional() }).prefault({}),
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
    engine: Engine,
  })
  .superRefine(refineNodes);

/** Settings as they are written, with defaults. */
export type WrittenSettings = z.output<typeof SettingsSchema>;

/** Resolved settings; paths are absolute. */
export type Settings = Omit<WrittenSettings, 'audit' | 'engine' | 'plugins'> & {
  /** Modules as they are written, and the folder that they are looked up from. */
  readonly plugins: { readonly modules: readonly string[]; readonly from: string };
  readonly audit: { readonly file: string };
  readonly engine:
    | Extract<WrittenSettings['engine'], { kind: 'restate' }>
    | (Extract<WrittenSettings['engine'], { kind: 'embedded' }> & { readonly journal: string });
};

/**
 * Reads and checks a settings file.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` with `file:line:column` of every problem, PortError `LZ_CONFIG_UNREADABLE`.
 */
export function readSettings(file: string): Settings {
  const parsed = parseYamlDocument(textOf(file), { file });
  const settings = validateDocument(SettingsSchema, parsed, { file });
  const near = (path: string): string => resolve(dirname(file), path);
  const { tls, auth, audit, engine } = settings;
  const stateDir = near(settings.state_dir);
  return {
    ...settings,
    state_dir: stateDir,
    config_dir: near(settings.config_dir),
    plugins: { modules: settings.plugins, from: near('.') },
    pager: { ...settings.pager, token_file: near(settings.pager.token_file) },
    audit: { file: audit.file === undefined ? join(stateDir, 'audit.db') : near(audit.file) },
    engine:
      engine.kind === 'restate'
        ? {
            ...engine,
            ...(engine.submission_key_file === undefined
              ? {}
              : { submission_key_file: near(engine.submission_key_file) }),
          }
        : {
            ...engine,
            journal: engine.journal === undefined ? join(stateDir, 'journal.db') : near(engine.journal),
          },
    ...(tls === undefined ? {} : { tls: { ca: near(tls.ca), cert: near(tls.cert), key: near(tls.key) } }),
    ...(auth === undefined ? {} : { auth: { token_file: near(auth.token_file) } }),
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw unreadable('the settings', file, error);
  }
}

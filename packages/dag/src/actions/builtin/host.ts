import { PortError } from '@lazarus/core';
import { DurationSchema, formatDuration } from '@lazarus/core/documents';
import { z } from 'zod';
import type { ActionContext } from '../action.ts';
import { defineAction } from '../action.ts';
import { requiredPort } from '../required-port.ts';

const host = z.string().min(1);

const call = (context: ActionContext) => ({
  decisionId: context.run.runId,
  idempotencyKey: context.idempotencyKey,
  signal: context.signal,
});

const cloneOutput = z.strictObject({ host_id: z.string(), zone: z.string() });

/**
 * Launches a replacement. The provider gets the idempotency key (`ClientToken` on EC2), and the check hook finds what an
 * earlier attempt launched, so a run that crashed in the middle never launches a second host. Keeps S1.
 */
export const hostClone = defineAction({
  name: 'host.clone',
  version: 1,
  summary: 'Launches a host like the given one.',
  input: z.strictObject({ from: host }),
  output: cloneOutput,
  requires: ['hosts'],
  destructive: true,
  touches: 'nothing',
  idempotent: true,
  undo: { uses: 'host.terminate@1', with: (_input, output) => ({ host: output.host_id }) },
  dry: ({ from }) => ({ summary: `launches a host like ${from}`, changes: { like: from, hosts: 1 } }),
  check: async (_input, context) => {
    const hosts = requiredPort(context, 'hosts');
    const { idempotencyKey, signal } = context;
    const found = await hosts.findClone({ idempotencyKey, signal });
    if (found === undefined) return { happened: false };
    const described = await hosts.describe(found, { signal });
    return { happened: true, output: { host_id: found, zone: described?.zone ?? '' } };
  },
  run: async (input, context) => {
    const launched = await requiredPort(context, 'hosts').clone({ ...call(context), from: input.from });
    return { host_id: launched.hostId, zone: launched.zone };
  },
});

/** Reads a host; made to be polled. A host that the provider does not know yet is `pending`. */
export const hostDescribe = defineAction({
  name: 'host.describe',
  version: 1,
  summary: 'Reads the state of a host from the provider.',
  input: z.strictObject({ host }),
  output: z.strictObject({
    host_id: z.string(),
    state: z.enum(['pending', 'running', 'stopping', 'stopped', 'terminated']),
    lifecycle: z.enum(['active', 'launching', 'removing', 'forensics']),
    zone: z.string(),
    service: z.string(),
    known: z.boolean(),
  }),
  requires: ['hosts'],
  readOnly: true,
  dry: (input) => ({ summary: `reads the state of ${input.host}`, changes: {} }),
  run: async (input, context) => {
    const found = await requiredPort(context, 'hosts').describe(input.host, { signal: context.signal });
    if (found === undefined) {
      return {
        host_id: input.host,
        state: 'pending' as const,
        lifecycle: 'launching' as const,
        zone: '',
        service: '',
        known: false,
      };
    }
    const { hostId, state, lifecycle, zone, service } = found;
    return { host_id: hostId, state, lifecycle, zone, service, known: true };
  },
});

/** Writes the lifecycle of a host. An expiry counts from the start of the step, so that a retry writes the same one. */
export const hostSetState = defineAction({
  name: 'host.set_state',
  version: 1,
  summary: 'Writes what Lazarus does with a host; forensics keeps it until it expires.',
  input: z.strictObject({
    host,
    state: z.enum(['active', 'launching', 'removing', 'forensics']),
    /** How long a host in forensics is kept. */
    keep: DurationSchema.optional(),
  }),
  output: z.strictObject({ state: z.string(), expires_at: z.string().nullable() }),
  requires: ['hosts'],
  destructive: true,
  touches: 'nothing',
  idempotent: true,
  dry: ({ host: id, state, keep }) => ({
    summary: `marks ${id} as ${state}${keep === undefined ? '' : ` for ${formatDuration(keep)}`}`,
    changes: { host: id, lifecycle: state },
  }),
  run: async (input, context) => {
    const { host: hostId, state: lifecycle, keep } = input;
    const expiresAt = keep === undefined ? undefined : new Date(context.startedAtMs + keep).toISOString();
    await requiredPort(context, 'hosts').setLifecycle({
      ...call(context),
      hostId,
      lifecycle,
      ...(expiresAt === undefined ? {} : { expiresAt }),
    });
    return { state: lifecycle, expires_at: expiresAt ?? null };
  },
});

/** Ends a host for good; used to undo a launch. */
export const hostTerminate = defineAction({
  name: 'host.terminate',
  version: 1,
  summary: 'Terminates a host.',
  input: z.strictObject({ host }),
  output: z.strictObject({ host_id: z.string() }),
  requires: ['hosts'],
  destructive: true,
  idempotent: true,
  dry: (input) => ({
    summary: `terminates ${input.host}`,
    changes: { host: input.host, state: 'terminated' },
  }),
  run: async (input, context) => {
    await requiredPort(context, 'hosts').terminate({ ...call(context), hostId: input.host });
    return { host_id: input.host };
  },
});

/** Restarts the operating system of a host. */
export const hostReboot = defineAction({
  name: 'host.reboot',
  version: 1,
  summary: 'Restarts the operating system of a host.',
  input: z.strictObject({ host }),
  output: z.strictObject({ host_id: z.string() }),
  requires: ['hosts'],
  destructive: true,
  idempotent: true,
  dry: (input) => ({ summary: `reboots ${input.host}`, changes: { host: input.host, reboot: true } }),
  run: async (input, context) => {
    await requiredPort(context, 'hosts').reboot({ ...call(context), hostId: input.host });
    return { host_id: input.host };
  },
});

/** Runs a command of the embedder on a host. */
export const hostCommand = defineAction({
  name: 'host.command',
  version: 1,
  summary: 'Runs one of the named commands on a host.',
  input: z.strictObject({
    host,
    command: z.string().min(1),
    args: z.record(z.string(), z.string()).default({}),
  }),
  output: z.strictObject({ exit_code: z.number().int(), output: z.string() }),
  requires: ['commands'],
  destructive: true,
  idempotent: true,
  dry: ({ host: id, command, args }) => ({
    summary: `runs the command ${command} on ${id}`,
    changes: { host: id, command, args },
  }),
  run: async (input, context) => {
    const { host: hostId, command, args } = input;
    const result = await requiredPort(context, 'commands').run({ ...call(context), hostId, command, args });
    if (result.exitCode !== 0) {
      // Not a refusal: it ran, and nobody knows how far it came.
      throw new PortError({
        code: 'LZ_WORKFLOW_STEP_FAILED',
        message: `command ${command} on ${hostId} ended with ${result.exitCode}: ${result.output.slice(0, 200)}`,
        retryable: false,
      });
    }
    return { exit_code: 0, output: result.output.slice(0, 4_000) };
  },
});

/** Asks a host something through a command of the embedder; made to be polled. */
export const hostQuery = defineAction({
  name: 'host.query',
  version: 1,
  summary: 'Asks a host with one of the named commands that change nothing.',
  input: z.strictObject({
    host,
    command: z.string().min(1),
    args: z.record(z.string(), z.string()).default({}),
  }),
  output: z.strictObject({ ok: z.boolean(), exit_code: z.number().int(), output: z.string() }),
  requires: ['commands'],
  readOnly: true,
  dry: ({ host: id, command }) => ({ summary: `asks ${id} with the command ${command}`, changes: {} }),
  run: async (input, context) => {
    const { host: hostId, command, args } = input;
    const result = await requiredPort(context, 'commands').run({ ...call(context), hostId, command, args });
    return { ok: result.exitCode === 0, exit_code: result.exitCode, output: result.output.slice(0, 4_000) };
  },
});

/**
 * Finds the one host of the same service that carries the same value of a tag and stands by. None, or more than one, is a
 * refusal: a guess could promote the wrong host. Keeps S8.
 */
export const hostFindPeer = defineAction({
  name: 'host.find_peer',
  version: 1,
  summary: 'Finds the one in-service host with the same tag and a given role.',
  input: z.strictObject({
    of: host,
    same_tag: z.string().min(1),
    role: z.string().min(1),
    role_tag: z.string().min(1).default('role'),
  }),
  output: z.strictObject({ host_id: z.string(), tag_value: z.string() }),
  requires: ['fleet'],
  readOnly: true,
  dry: ({ of, same_tag: tag, role }) => ({
    summary: `looks for the one ${role} with the same ${tag} as ${of}`,
    changes: {},
  }),
  run: async (input, context) => {
    const snapshot = await requiredPort(context, 'fleet').list(context.run.service, {
      signal: context.signal,
    });
    if (!snapshot.complete)
      throw new PortError({
        code: 'LZ_FLEET_UNAVAILABLE',
        message: `the list of ${context.run.service} is partial`,
        retryable: true,
      });
    const self = snapshot.hosts.find(({ hostId }) => hostId === input.of);
    const value = self?.tags[input.same_tag];
    if (value === undefined) throw refusal(`${input.of} has no tag ${input.same_tag}`);
    const peers = snapshot.hosts.filter(
      (peer) =>
        peer.hostId !== input.of &&
        peer.tags[input.same_tag] === value &&
        peer.tags[input.role_tag] === input.role &&
        peer.lifecycle === 'active' &&
        peer.state === 'running' &&
        peer.inLoadBalancer,
    );
    const [peer, second] = peers;
    if (peer === undefined || second !== undefined) {
      throw refusal(`${peers.length} hosts are a ${input.role} of ${input.same_tag}=${value}, expected 1`);
    }
    return { host_id: peer.hostId, tag_value: value };
  },
});

const refusal = (message: string): PortError =>
  new PortError({ code: 'LZ_ACTUATOR_REFUSED', message, retryable: false });

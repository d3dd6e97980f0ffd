import { z } from '@hono/zod-openapi';
import { describeError } from '@lazarus/core';
import type { Snapshot } from '@lazarus/core';
import type { Clock, Fleet, Host } from '@lazarus/core/ports';
import type { Endpoint } from '../endpoint.ts';
import { readQuery } from '../request.ts';

const ForensicsQuery = z.strictObject({ service: z.string().min(1).optional() });

const ForensicHost = z
  .object({
    host_id: z.string(),
    name: z.string(),
    service: z.string(),
    zone: z.string(),
    state: z.enum(['pending', 'running', 'stopping', 'stopped', 'terminated']),
    /** From the provider's tag; absent when nobody set one. */
    expires_at: z.iso.datetime().optional(),
    expired: z.boolean(),
  })
  .openapi('ForensicHost');

const ForensicsSchema = z.object({
  hosts: z.array(ForensicHost),
  /** False when the provider did not answer for every service: hosts may be missing. */
  complete: z.boolean(),
  problems: z.array(z.object({ service: z.string(), message: z.string() })),
});

/** What {@link forensicsEndpoint} reads. */
export interface ForensicsReads {
  readonly fleet: Pick<Fleet, 'list'>;
  readonly clock: Clock;
  readonly controller: { readonly snapshot: Snapshot | undefined };
  /** Tag in which the provider keeps the expiry of a host in forensics, an ISO time. */
  readonly expiryTag: string;
}

/** `GET /v1/forensics`: hosts kept for examination. A partial listing says that it is one. Keeps S8. */
export function forensicsEndpoint(reads: ForensicsReads): Endpoint {
  return {
    method: 'get',
    path: '/v1/forensics',
    summary: 'Hosts kept for examination, and until when',
    query: ForensicsQuery,
    answer: { mediaType: 'application/json', description: 'Hosts in forensics', schema: ForensicsSchema },
    problems: ['invalid_request'],
    handle: async (context) => {
      const query = readQuery(context, ForensicsQuery);
      if (!query.ok) return query.refusal;
      const services = query.value.service === undefined ? knownServices(reads) : [query.value.service];
      const listings = await Promise.all(
        services.map((service) => listService(reads, service, context.req.raw.signal)),
      );
      return context.json({
        hosts: listings.flatMap(({ hosts }) => hosts),
        complete: listings.every(({ problem }) => problem === undefined),
        problems: listings.flatMap(({ problem }) => (problem === undefined ? [] : [problem])),
      });
    },
  };
}

function knownServices({ controller }: ForensicsReads): readonly string[] {
  return controller.snapshot?.summary.services ?? [];
}

interface Listing {
  readonly hosts: readonly z.output<typeof ForensicHost>[];
  readonly problem?: { readonly service: string; readonly message: string };
}

async function listService(reads: ForensicsReads, service: string, signal: AbortSignal): Promise<Listing> {
  try {
    const { hosts, complete } = await reads.fleet.list(service, { signal });
    const kept = hosts.filter((host) => host.lifecycle === 'forensics').map((host) => describe(host, reads));
    return complete
      ? { hosts: kept }
      : { hosts: kept, problem: { service, message: 'the provider listed only a part' } };
  } catch (error) {
    return { hosts: [], problem: { service, message: describeError(error) } };
  }
}

function describe(host: Host, { clock, expiryTag }: ForensicsReads): z.output<typeof ForensicHost> {
  const tag = host.tags[expiryTag];
  const expiresAtMs = tag === undefined ? NaN : Date.parse(tag);
  return {
    host_id: host.hostId,
    name: host.name,
    service: host.service,
    zone: host.zone,
    state: host.state,
    ...(Number.isNaN(expiresAtMs) ? {} : { expires_at: new Date(expiresAtMs).toISOString() }),
    expired: expiresAtMs <= clock.now(),
  };
}

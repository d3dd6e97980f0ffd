/**
 * Identity of one life of a host. A relaunched machine with the same name is another incarnation: nothing decided about
 * one applies to the other.
 */
export interface Incarnation {
  readonly account: string;
  readonly region: string;
  readonly instanceId: string;
  /** Milliseconds since the epoch, from the provider. */
  readonly launchedAtMs: number;
}

/** What the provider says about the machine. */
export type HostState = 'pending' | 'running' | 'stopping' | 'stopped' | 'terminated';

/**
 * What Lazarus does with the host, read back from the provider: `launching` (a replacement that is not in service yet),
 * `removing` (out of the load balancer, being replaced), `forensics` (kept for examination, nobody's peer).
 */
export type HostLifecycle = 'active' | 'launching' | 'removing' | 'forensics';

/** One host, as the provider describes it. */
export interface Host {
  /** The provider's id, for example `i-0abc`. */
  readonly hostId: string;
  /** The name that people and sensors use, for example `web-1`; equals `hostId` when it has none. */
  readonly name: string;
  readonly incarnation: Incarnation;
  readonly service: string;
  readonly environment: string;
  /** Availability zone. */
  readonly zone: string;
  readonly state: HostState;
  readonly lifecycle: HostLifecycle;
  readonly inLoadBalancer: boolean;
  /** Absolute URL of the healthcheck; built from the provider's inventory, never from an event. */
  readonly healthUrl?: string;
  /** Opted in to automated actions by a tag at the provider. Keeps S16. */
  readonly managed: boolean;
  /** Lazarus itself, or a resource that must never be acted on. Keeps S16. */
  readonly isProtected: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** The hosts of one service at one moment. */
export interface FleetSnapshot {
  readonly service: string;
  readonly hosts: readonly Host[];
  /** False when a page is missing or the listing failed half-way: a partial list never proves anything. Keeps S8. */
  readonly complete: boolean;
  /** Monotonic time of the observation, milliseconds. */
  readonly observedAtMs: number;
}

/** Directory of hosts. The provider is the truth; an event only says where to look. */
export interface Fleet {
  /**
   * Lists the hosts of a service, terminated ones excluded.
   *
   * @throws PortError `LZ_FLEET_UNAVAILABLE`.
   */
  list(service: string, options?: { readonly signal?: AbortSignal }): Promise<FleetSnapshot>;
  /**
   * Finds one host by id or name within a service; `undefined` when there is none or the reference is ambiguous.
   *
   * @throws PortError `LZ_FLEET_UNAVAILABLE`.
   */
  find(
    reference: { readonly service: string; readonly host: string },
    options?: { readonly signal?: AbortSignal },
  ): Promise<Host | undefined>;
}

import type { ServiceContext } from './service-context.ts';

/** Changes that are kept beside the base before both are joined. */
const MAX_CHANGES = 64;

/** Services by name; a change makes a new map that shares the old one. */
export class ServiceMap {
  readonly #base: ReadonlyMap<string, ServiceContext>;
  readonly #changes: ReadonlyMap<string, ServiceContext>;

  constructor(
    base: ReadonlyMap<string, ServiceContext>,
    changes: ReadonlyMap<string, ServiceContext> = new Map(),
  ) {
    this.#base = base;
    this.#changes = changes;
  }

  /** The service of this name. */
  get(name: string): ServiceContext | undefined {
    return this.#changes.get(name) ?? this.#base.get(name);
  }

  /** All names, sorted. */
  names(): readonly string[] {
    return [...new Set([...this.#base.keys(), ...this.#changes.keys()])].sort();
  }

  /** Every service. */
  *values(): Generator<ServiceContext> {
    for (const [name, service] of this.#base) yield this.#changes.get(name) ?? service;
    for (const [name, service] of this.#changes) if (!this.#base.has(name)) yield service;
  }

  /** The map with one service replaced or added. */
  with(service: ServiceContext): ServiceMap {
    const changes = new Map(this.#changes).set(service.service, service);
    if (changes.size <= MAX_CHANGES) return new ServiceMap(this.#base, changes);
    const joined = new Map(this.#base);
    for (const [name, changed] of changes) joined.set(name, changed);
    return new ServiceMap(joined);
  }
}

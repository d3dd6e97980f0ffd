import { createHash } from 'node:crypto';
import { digestOf } from './canonical-json.ts';

const GROUPS = 256;

/**
 * The digest of a configuration, in two levels: services are hashed in 256 groups by their names, so that the change of one
 * service hashes its group and the list of groups again and nothing else. Immutable. Keeps S15.
 */
export class ConfigDigest {
  readonly value: string;
  readonly #rest: string;
  readonly #groups: readonly ReadonlyMap<string, string>[];
  readonly #groupDigests: readonly string[];

  private constructor(
    rest: string,
    groups: readonly ReadonlyMap<string, string>[],
    groupDigests: readonly string[],
  ) {
    this.#rest = rest;
    this.#groups = groups;
    this.#groupDigests = groupDigests;
    this.value = hash([rest, ...groupDigests].join('\n'));
  }

  /** Digests services by name, and everything else as one. */
  static of(rest: unknown, services: Iterable<readonly [name: string, content: unknown]>): ConfigDigest {
    const groups = Array.from({ length: GROUPS }, () => new Map<string, string>());
    for (const [name, content] of services) groups[groupOf(name)]?.set(name, digestOf(content));
    return new ConfigDigest(digestOf(rest), groups, groups.map(digestGroup));
  }

  /** The digest once a service has another content. */
  withService(name: string, content: unknown): ConfigDigest {
    const number = groupOf(name);
    const group = new Map(this.#groups[number]).set(name, digestOf(content));
    return new ConfigDigest(
      this.#rest,
      this.#groups.with(number, group),
      this.#groupDigests.with(number, digestGroup(group)),
    );
  }
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

function groupOf(name: string): number {
  return Number.parseInt(hash(name).slice(0, 2), 16);
}

function digestGroup(group: ReadonlyMap<string, string>): string {
  const lines = [...group].map(([name, digest]) => `${JSON.stringify(name)} ${digest}`);
  return hash(lines.sort().join('\n'));
}

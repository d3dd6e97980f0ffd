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
  /** Of each group the lines of its services, sorted. */
  readonly #groups: readonly (readonly string[])[];
  readonly #groupDigests: readonly string[];

  private constructor(rest: string, groups: readonly (readonly string[])[], groupDigests: readonly string[]) {
    this.#rest = rest;
    this.#groups = groups;
    this.#groupDigests = groupDigests;
    this.value = hash([rest, ...groupDigests].join('\n'));
  }

  /** Digests services by name, and everything else as one. */
  static of(rest: unknown, services: Iterable<readonly [name: string, content: unknown]>): ConfigDigest {
    const groups = Array.from({ length: GROUPS }, (): string[] => []);
    for (const [name, content] of services) groups[groupOf(name)]?.push(lineOf(name, content));
    for (const group of groups) group.sort();
    return new ConfigDigest(digestOf(rest), groups, groups.map(digestGroup));
  }

  /** The digest once a service has another content. */
  withService(name: string, content: unknown): ConfigDigest {
    const number = groupOf(name);
    const group = withLine(this.#groups[number] ?? [], startOf(name), lineOf(name, content));
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

/** What the line of a service begins with; no other line does, because no text goes on after its closing quote. */
const startOf = (name: string): string => `${JSON.stringify(name)} `;

const lineOf = (name: string, content: unknown): string => `${startOf(name)}${digestOf(content)}`;

/** The sorted lines with one replaced, which stays in its place, or added. */
function withLine(lines: readonly string[], start: string, line: string): readonly string[] {
  const at = lines.findIndex((each) => each.startsWith(start));
  return at < 0 ? [...lines, line].sort() : lines.with(at, line);
}

const digestGroup = (lines: readonly string[]): string => hash(lines.join('\n'));

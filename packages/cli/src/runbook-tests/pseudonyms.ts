import type { Json } from '@lazarus/core/ports';
import { isSecretKey, REDACTED, withoutSecrets } from './secrets.ts';

/** Kinds of names that do not belong into a test, each with what takes its place. */
type NameKind =
  'host' | 'id' | 'arn' | 'account' | 'page' | 'event' | 'address' | 'mail' | 'url' | 'member' | 'page-group';

/** What was changed, for the person who has to look at it. */
export interface RedactionReport {
  /** `2 hosts, 1 account` */
  readonly renamed: string;
  /** Places whose value was left out, `attributes.token`. */
  readonly redacted: readonly string[];
}

/** Gives names and ids other ones, the same name always the same one, and leaves secrets out. */
export interface Pseudonyms {
  /**
   * Names the thing before any text is read; the same name gets the same pseudonym, however it is written. The short name
   * of a host is the same host, and names that are made like its name are hosts, too.
   */
  name(kind: NameKind, original: string): string;
  /** Names that stay though they look like those of hosts: services, regions, zones. */
  keep(...names: readonly string[]): void;
  /** A text with everything renamed that is known or looks like a name, without secrets; `place` is for the report. */
  text(original: string, place: string): string;
  /** A value with its texts renamed and its secrets left out. */
  value(original: Json, place: string): Json;
  report(): RedactionReport;
}

const IPV6 =
  /(?<![\w:])(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?=[0-9a-f:]*::)[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7})(?:%\w+)?(?![\w:])/gi;

/** Texts that are names by their look, the longest kinds first. */
const LOOKS: readonly (readonly [NameKind, RegExp])[] = [
  ['url', /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi],
  ['arn', /\barn:[\w-]+:[^\s"'<>,;]+/g],
  ['mail', /\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b/g],
  ['id', /\b(?:i|eni|vol|subnet|sg|vpc|ami|lt|tg)-[0-9a-f]{8,17}\b/g],
  ['id', /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi],
  ['address', IPV6],
  ['address', /\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b/gi],
  ['address', /\b(?:\d{1,3}\.){3}\d{1,3}\b/g],
  ['address', /\bip-\d+-\d+-\d+-\d+\b/gi],
  // A host with its domain; names of workflows and rules have fewer dots.
  ['host', /\b[a-z0-9-]+(?:\.[a-z0-9-]+)+\.[a-z]{2,}\b/gi],
  ['account', /\b\d{12}\b|\b\d{4}-\d{4}-\d{4}\b/g],
];
/** Shorter names of nodes are words in texts. */
const MIN_MEMBER_LENGTH = 4;

/** Creates {@link Pseudonyms} that know nobody yet. */
export function createPseudonyms(): Pseudonyms {
  const names = createNames();
  const redacted: string[] = [];

  const text = (original: string, place: string): string => {
    const parts: string[] = [];
    const hide = (made: string): string => `\uE000${parts.push(made) - 1}\uE001`;
    const known = names.known().reduce((result, [from, to]) => replaceWord(result, from, hide(to)), original);
    const safe = withoutSecrets(known);
    if (safe !== known) redacted.push(place);
    const renamed = names.looks().reduce((result, [kind, look]) => {
      return result.replaceAll(look, (found) =>
        names.isKept(found) ? found : hide(names.name(kind, found)),
      );
    }, safe);
    return renamed.replaceAll(/\uE000(\d+)\uE001/g, (_all, index: string) => parts[Number(index)] ?? '');
  };
  const value = (original: Json, place: string): Json => {
    if (typeof original === 'string') return text(original, place);
    if (Array.isArray(original))
      return original.map((item: Json, index) => value(item, `${place}[${index}]`));
    if (typeof original !== 'object' || original === null) return original;
    return Object.fromEntries(
      Object.entries(original).map(([key, item]) => {
        const name = text(key, place);
        const at = place === '' ? name : `${place}.${name}`;
        if (!isSecretKey(key) || item === null || typeof item === 'boolean') return [name, value(item, at)];
        redacted.push(at);
        return [name, REDACTED];
      }),
    );
  };

  return {
    name: (kind, original) => names.name(kind, original),
    keep: (...kept) => names.keep(kept),
    text,
    value,
    report: () => ({ renamed: names.counts(), redacted: [...new Set(redacted)] }),
  };
}

/** Who is called what. */
function createNames() {
  const names = new Map<string, { readonly kind: NameKind; readonly made: string }>();
  const counts = new Map<NameKind, number>();
  const families = new Set<string>();
  const kept = new Set<string>();
  return {
    name: (kind: NameKind, original: string): string => {
      const key = original.toLowerCase();
      const known = names.get(key);
      if (known !== undefined) return known.made;
      const count = (counts.get(kind) ?? 0) + 1;
      counts.set(kind, count);
      const made = pseudonymOf(kind, count, original);
      names.set(key, { kind, made });
      if (kind !== 'host') return made;
      const [label = ''] = key.split('.');
      if (/[a-z]/.test(label) && /[\d-]/.test(label) && !names.has(label)) names.set(label, { kind, made });
      const family = /^([a-z]{2,})[-_\d]/.exec(label)?.[1];
      if (family !== undefined && /\d/.test(label)) families.add(family);
      return made;
    },
    keep: (more: readonly string[]) => {
      for (const name of more) kept.add(name.toLowerCase());
    },
    isKept: (name: string) => kept.has(name.toLowerCase()),
    /** Names in texts, the longest before those that are a part of it. */
    known: (): readonly (readonly [string, string])[] =>
      [...names]
        .filter(([name, { kind }]) => kind !== 'member' || name.length >= MIN_MEMBER_LENGTH)
        .map(([name, { made }]) => [name, made] as const)
        .sort(([left], [right]) => right.length - left.length),
    looks: (): typeof LOOKS => [
      ...LOOKS,
      // Peers of a known host: `web-18` and `web-9f3` beside `web-17`.
      ...[...families].map(
        (stem) => ['host', new RegExp(`(?<![\\w-])${stem}(?=[\\w-]*\\d)[-_\\d][\\w-]*`, 'gi')] as const,
      ),
    ],
    counts: () =>
      [...counts]
        .map(([kind, count]) => `${count} ${kind}${count === 1 ? '' : kind.endsWith('s') ? 'es' : 's'}`)
        .join(', '),
  };
}

function pseudonymOf(kind: NameKind, count: number, original: string): string {
  switch (kind) {
    case 'address':
      return original.includes(':') ? `2001:db8::${count.toString(16)}` : `192.0.2.${count % 256}`;
    case 'mail':
      return `person-${count}@example.invalid`;
    case 'url':
      return `https://example.invalid/${count}`;
    case 'account':
      return String(count).padStart(12, '0');
    case 'id':
      return `i-${count}`;
    case 'arn':
      return `arn:aws:example:::${count}`;
    default:
      return `${kind}-${count}`;
  }
}

/** A name stands for itself: `web-1` is not renamed within `web-10`. */
function replaceWord(text: string, from: string, to: string): string {
  if (from === '') return text;
  const escaped = from.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
  return text.replaceAll(new RegExp(`(?<![\\w-])${escaped}(?![\\w-])`, 'gi'), () => to);
}

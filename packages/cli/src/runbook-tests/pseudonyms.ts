import type { Json } from '@lazarus/core/ports';

/** Kinds of names that do not belong into a test, each with what takes its place. */
type NameKind =
  'host' | 'id' | 'account' | 'page' | 'event' | 'address' | 'mail' | 'url' | 'member' | 'page-group';

/** What was changed, for the person who has to look at it. */
export interface RedactionReport {
  /** `2 hosts, 1 account` */
  readonly renamed: string;
  /** Places whose value was left out, `attributes.token`. */
  readonly redacted: readonly string[];
}

/** Gives names and ids other ones, the same name always the same one, and leaves secrets out. */
export interface Pseudonyms {
  /** Names the thing before any text is read; the same name gets the same pseudonym. */
  name(kind: NameKind, original: string): string;
  /** A text with everything renamed that is known or looks like a name. */
  text(original: string): string;
  /** A value with its texts renamed and its secrets left out; `place` is for the report. */
  value(original: Json, place: string): Json;
  report(): RedactionReport;
}

const SECRET_KEY =
  /(?:^|[_.-])(?:pass(?:word|wd)?|secret|token|api_?key|auth(?:orization)?|cookie|credentials?|private_?key|session)s?(?:$|[_.-])/i;
const SECRET_VALUE =
  /(?:AKIA|ASIA)[0-9A-Z]{16}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\b(?:Bearer|Basic)\s+[\w+/=.~-]{8,}|-----BEGIN [A-Z ]+-----|\bgh[pousr]_\w{20,}|\bxox[abpr]-[\w-]{10,}|\b[0-9a-f]{32,}\b|\b(?=[\w+/-]*\d)(?=[\w+/-]*[A-Z])(?=[\w+/-]*[a-z])[\w+/-]{36,}={0,2}/g;

/** Texts that are names by their look, the longest kinds first. */
const LOOKS: readonly (readonly [NameKind, RegExp])[] = [
  ['url', /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/g],
  ['mail', /\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b/g],
  ['id', /\b(?:i|eni|vol|subnet|sg|vpc|ami|lt|tg)-[0-9a-f]{8,17}\b/g],
  ['id', /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi],
  ['address', /\b(?:\d{1,3}\.){3}\d{1,3}\b/g],
  ['address', /\bip-\d+-\d+-\d+-\d+\b/g],
  // A host with its domain; names of workflows and rules have fewer dots.
  ['host', /\b[a-z0-9-]+(?:\.[a-z0-9-]+)+\.[a-z]{2,}\b/gi],
  ['account', /\b\d{12}\b/g],
];
const REDACTED = '[redacted]';

/** Creates {@link Pseudonyms} that know nobody yet. */
export function createPseudonyms(): Pseudonyms {
  const names = new Map<string, string>();
  const counts = new Map<NameKind, number>();
  const redacted: string[] = [];

  const name = (kind: NameKind, original: string): string => {
    const known = names.get(original);
    if (known !== undefined) return known;
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    const made = pseudonymOf(kind, count);
    names.set(original, made);
    return made;
  };
  const text = (original: string): string => {
    // Known names first, the longest before those that are a part of it.
    const known = [...names].sort(([left], [right]) => right.length - left.length);
    const parts: string[] = [];
    const hide = (made: string): string => `\uE000${parts.push(made) - 1}\uE001`;
    let result = original;
    for (const [from, to] of known) result = replaceWord(result, from, hide(to));
    for (const [kind, look] of LOOKS) result = result.replaceAll(look, (found) => hide(name(kind, found)));
    return result.replaceAll(/\uE000(\d+)\uE001/g, (_all, index: string) => parts[Number(index)] ?? '');
  };
  const leaf = (original: string, place: string): string => {
    const safe = original.replaceAll(SECRET_VALUE, REDACTED);
    if (safe !== original) redacted.push(place);
    return text(safe);
  };
  const value = (original: Json, place: string): Json => {
    if (typeof original === 'string') return leaf(original, place);
    if (Array.isArray(original))
      return original.map((item: Json, index) => value(item, `${place}[${index}]`));
    if (typeof original !== 'object' || original === null) return original;
    return Object.fromEntries(
      Object.entries(original).map(([key, item]) => {
        const at = place === '' ? key : `${place}.${key}`;
        if (!SECRET_KEY.test(key) || item === null || typeof item === 'boolean')
          return [text(key), value(item, at)];
        redacted.push(at);
        return [key, REDACTED];
      }),
    );
  };

  return {
    name,
    text,
    value,
    report: () => ({
      renamed: [...counts].map(([kind, count]) => `${count} ${kind}${count === 1 ? '' : 's'}`).join(', '),
      redacted: [...new Set(redacted)],
    }),
  };
}

function pseudonymOf(kind: NameKind, count: number): string {
  switch (kind) {
    case 'address':
      return `192.0.2.${count % 256}`;
    case 'mail':
      return `person-${count}@example.invalid`;
    case 'url':
      return `https://example.invalid/${count}`;
    case 'account':
      return String(count).padStart(12, '0');
    case 'id':
      return `i-${count}`;
    default:
      return `${kind}-${count}`;
  }
}

/** A name stands for itself: `web-1` is not renamed within `web-10`. */
function replaceWord(text: string, from: string, to: string): string {
  if (from === '') return text;
  const escaped = from.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
  return text.replaceAll(new RegExp(`(?<![\\w-])${escaped}(?![\\w-])`, 'g'), () => to);
}

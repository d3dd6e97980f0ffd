/**
 * Content of an XML element: text, or children by name. A list repeats its element; undefined leaves it out.
 */
export type XmlContent = string | number | boolean | XmlChildren;
export interface XmlChildren {
  readonly [name: string]: XmlContent | readonly XmlContent[] | undefined;
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

// XML 1.0 has no way to write the other control characters, not even escaped.
// eslint-disable-next-line no-control-regex
const UNWRITABLE = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g;

export function escapeXml(text: string): string {
  return text
    .replaceAll(UNWRITABLE, '\uFFFD')
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
    .replaceAll('\r', '&#13;');
}

/** Renders one element with all that is in it. */
export function renderXml(name: string, content: XmlContent, namespace?: string): string {
  const opening = namespace === undefined ? `<${name}>` : `<${name} xmlns="${namespace}">`;
  return `${opening}${renderContent(content)}</${name}>`;
}

function renderContent(content: XmlContent): string {
  if (typeof content !== 'object') return escapeXml(String(content));
  return Object.entries(content)
    .flatMap(([name, value]) => {
      if (value === undefined) return [];
      const values: readonly XmlContent[] = isList(value) ? value : [value];
      return values.map((each) => renderXml(name, each));
    })
    .join('');
}

function isList(value: XmlContent | readonly XmlContent[]): value is readonly XmlContent[] {
  return Array.isArray(value);
}

/** Time as both APIs write it. */
export function xmlTime(atMs: number): string {
  return new Date(atMs).toISOString();
}

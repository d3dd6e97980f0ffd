import { Composer, isMap, isScalar, isSeq } from 'yaml';
import type { Document, Node, Pair } from 'yaml';
import { ConfigurationError } from '../errors/lazarus-error.ts';
import type { Issue } from '../errors/lazarus-error.ts';
import { formatPath } from './document-path.ts';
import type { DocumentPath } from './document-path.ts';
import { scanYaml } from './yaml-scan.ts';

/** A place in a text, both 1-based. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One parsed document: plain data, and where each part of it stands in the text. */
export interface ParsedDocument {
  readonly file: string;
  /** Plain JSON-like data; `null` for an empty document. */
  readonly value: unknown;
  /**
   * Where the value at this path stands; `key` asks for the key that names it. A path that does not exist is located at
   * the nearest parent that does, so that a missing key points at the mapping that lacks it.
   */
  locate(path: DocumentPath, part?: 'value' | 'key'): Position | undefined;
}

/** Name of the text, for messages. */
export interface ParseOptions {
  readonly file: string;
}

/** Most issues that one text reports; what follows a broken line is mostly noise. */
const MAX_ISSUES = 50;

/**
 * Parses a text that holds one YAML 1.2 document. The text is checked against the bounds of the pre-scan before anything
 * is composed, so that a hostile text is refused in linear time.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` with a position for every issue.
 * @example
 * ```ts
 * const document = parseYamlDocument('service: web\n', { file: 'services/web.yaml' });
 * document.locate(['service']); // { line: 1, column: 10 }
 * ```
 */
export function parseYamlDocument(text: string, options: ParseOptions): ParsedDocument {
  const documents = parseYamlDocuments(text, options);
  const [first, second] = documents;
  if (second !== undefined) {
    const position = second.locate([]) ?? { line: 1, column: 1 };
    throw refuse(options.file, [
      {
        file: options.file,
        ...position,
        path: '',
        message: 'found a second document, expected one',
        hint: 'put it into a file of its own',
      },
    ]);
  }
  return first ?? emptyDocument(options.file);
}

/**
 * Parses a text that holds any number of YAML 1.2 documents, divided by `---`.
 *
 * @throws ConfigurationError `LZ_CONFIG_INVALID` with a position for every issue.
 */
export function parseYamlDocuments(text: string, options: ParseOptions): readonly ParsedDocument[] {
  const { file } = options;
  const scan = scanYaml(text);
  const positionAt = positionFinder(text);
  if (!scan.ok) {
    const { message, hint } = scan;
    throw refuse(file, [{ file, ...positionAt(scan.offset), path: '', message, hint }]);
  }
  // The package's own check for duplicate keys is quadratic; `toPlain` has a linear one.
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false,
    stringKeys: true,
  });
  const documents = [...composer.compose(scan.tokens, false, text.length)];
  const issues: Issue[] = documents.flatMap((document) =>
    [...document.errors, ...document.warnings].map((error) => ({
      file,
      ...positionAt(error.pos[0]),
      path: '',
      message: firstLine(error.message),
    })),
  );
  if (issues.length > 0) throw refuse(file, issues);
  const parsed = documents.map((document) => toParsed(document, file, positionAt, issues));
  if (issues.length > 0) throw refuse(file, issues);
  return parsed;
}

function refuse(file: string, issues: readonly Issue[]): ConfigurationError {
  return new ConfigurationError({
    summary: `${file} is not valid YAML`,
    issues: issues.slice(0, MAX_ISSUES),
  });
}

const firstLine = (message: string): string => message.split('\n', 1)[0] ?? message;

function emptyDocument(file: string): ParsedDocument {
  return { file, value: null, locate: () => ({ line: 1, column: 1 }) };
}

function positionFinder(text: string): (offset: number) => Position {
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = lineStarts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1 };
  };
}

function toParsed(
  document: Document.Parsed,
  file: string,
  positionAt: (offset: number) => Position,
  issues: Issue[],
): ParsedDocument {
  const root: Node | null = document.contents;
  const report = (node: Node | null | undefined, path: DocumentPath, message: string): void => {
    issues.push({
      file,
      ...positionAt(node?.range?.[0] ?? document.range[0]),
      path: formatPath(path),
      message,
    });
  };
  return {
    file,
    value: toPlain(root, [], report),
    locate: (path, part = 'value') => {
      const node = nodeAt(root, path, part);
      return positionAt(node?.range?.[0] ?? document.range[0]);
    },
  };
}

type Report = (node: Node | null | undefined, path: DocumentPath, message: string) => void;

/** Plain data of a node. Depth is bounded by the pre-scan, so recursion is safe here. */
function toPlain(node: Node | null, path: readonly (string | number)[], report: Report): unknown {
  if (isSeq<Node | null>(node))
    return node.items.map((item, index) => toPlain(item, [...path, index], report));
  if (isMap<Node | null, Node | null>(node)) return mappingToPlain(node.items, path, report);
  if (isScalar(node)) return node.value;
  return null;
}

function mappingToPlain(
  pairs: readonly Pair<Node | null, Node | null>[],
  path: readonly (string | number)[],
  report: Report,
): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const { key, value } of pairs) {
    const name = keyName(key);
    if (name === undefined) {
      report(key, path, 'found a key that is not plain text');
    } else if (name === '__proto__') {
      report(key, path, 'found the key __proto__, which is not allowed');
    } else if (Object.hasOwn(plain, name)) {
      report(key, [...path, name], `found the key ${JSON.stringify(name)} twice`);
    } else {
      plain[name] = toPlain(value, [...path, name], report);
    }
  }
  return plain;
}

/** Text of a key: with `stringKeys` the composer hands every scalar key over as text. */
function keyName(key: Node | null): string | undefined {
  if (!isScalar(key)) return undefined;
  return typeof key.value === 'string' ? key.value : undefined;
}

function nodeAt(root: Node | null, path: DocumentPath, part: 'value' | 'key'): Node | null {
  let node = root;
  for (const [index, segment] of path.entries()) {
    const last = index === path.length - 1;
    if (isMap<Node | null, Node | null>(node)) {
      const pair = node.items.find((item) => keyName(item.key) === String(segment));
      if (pair === undefined) return node;
      node = (last && part === 'key') || pair.value === null ? pair.key : pair.value;
    } else if (isSeq<Node | null>(node) && typeof segment === 'number') {
      const item = node.items[segment];
      if (item === undefined || item === null) return node;
      node = item;
    } else {
      return node;
    }
  }
  return node;
}

/**
 * Linear pre-scan of a YAML text, before anything is composed.
 *
 * The composer of the `yaml` package recurses into nested collections and, near the end of the stack, can abort the whole
 * process on Node 20 and 22; its check for duplicate keys is quadratic. So a text runs first, token by token, through the
 * package's own lexer and parser, which keep their state on the heap. Bounds, in this order:
 * 1. size (256 KB), 2. number of tokens (20 000), 3. depth of nested collections (32), 4. no aliases, anchors, tags or
 * directives. The first bound that is broken ends the scan: nothing behind it is looked at.
 */
import { CST, Lexer, Parser } from 'yaml';

/** Most bytes of one text. */
export const MAX_DOCUMENT_BYTES = 262_144;
/** Most levels of nested mappings and lists, in block or in flow style. */
export const MAX_DOCUMENT_DEPTH = 32;
/** Most tokens of one text; white space and comments are not counted. */
export const MAX_DOCUMENT_TOKENS = 20_000;
/** Most lexemes of one text, white space and comments included: they cost time as well. */
const MAX_LEXEMES = 80_000;

/** Outcome of {@link scanYaml}. */
export type YamlScan =
  | { readonly ok: true; readonly tokens: readonly CST.Token[] }
  | { readonly ok: false; readonly offset: number; readonly message: string; readonly hint: string };

const REFUSED: Readonly<Partial<Record<CST.TokenType, readonly [found: string, hint: string]>>> = {
  alias: ['an alias (*name)', 'write the value out; a leading * needs quotes'],
  anchor: ['an anchor (&name)', 'remove it; a leading & needs quotes'],
  tag: ['a tag (!name)', 'remove it; a leading ! needs quotes'],
  'directive-line': ['a directive (%NAME)', 'remove it; documents are YAML 1.2'],
};

const UNCOUNTED: ReadonlySet<CST.TokenType | null> = new Set([
  'space',
  'newline',
  'comment',
  'byte-order-mark',
]);

/** Marks that the next lexeme is the text of a plain scalar, whatever it looks like. */
const SCALAR_FOLLOWS = '\u001f';

const isCollection = (token: CST.Token): boolean =>
  token.type === 'block-map' || token.type === 'block-seq' || token.type === 'flow-collection';

/** Runs the text through lexer and parser within the bounds; on success the syntax tokens are ready to be composed. */
export function scanYaml(text: string): YamlScan {
  if (text.length > MAX_DOCUMENT_BYTES || Buffer.byteLength(text) > MAX_DOCUMENT_BYTES) {
    return refusal(0, `larger than ${MAX_DOCUMENT_BYTES} bytes`, 'split it into several documents');
  }
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let offset = 0;
  let lexemes = 0;
  let counted = 0;
  let scalarFollows = false;
  for (const lexeme of new Lexer().lex(text)) {
    const type = scalarFollows ? 'scalar' : CST.tokenType(lexeme);
    scalarFollows = !scalarFollows && lexeme === SCALAR_FOLLOWS;
    lexemes += 1;
    if (!scalarFollows && !UNCOUNTED.has(type)) counted += 1;
    if (counted > MAX_DOCUMENT_TOKENS) {
      return refusal(offset, `more than ${MAX_DOCUMENT_TOKENS} tokens`, 'split it into several documents');
    }
    if (lexemes > MAX_LEXEMES) return refusal(offset, 'too many blank or comment lines', 'remove some');
    const refused = type === null ? undefined : REFUSED[type];
    if (refused !== undefined)
      return refusal(offset, `found ${refused[0]}, which is not allowed`, refused[1]);
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (
      parser.stack.length > MAX_DOCUMENT_DEPTH &&
      parser.stack.filter(isCollection).length > MAX_DOCUMENT_DEPTH
    ) {
      return refusal(offset, `nested deeper than ${MAX_DOCUMENT_DEPTH} levels`, 'flatten it');
    }
    offset = parser.offset;
  }
  for (const token of parser.end()) tokens.push(token);
  return { ok: true, tokens };
}

function refusal(offset: number, message: string, hint: string): YamlScan {
  return { ok: false, offset, message, hint };
}

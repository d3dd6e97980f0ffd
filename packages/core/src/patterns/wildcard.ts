/** Outcome of {@link parseWildcard}. */
export type WildcardParse =
  | { readonly ok: true; readonly pieces: readonly string[] }
  | { readonly ok: false; readonly message: string };

/**
 * Splits a wildcard into the literal pieces around its stars: `a*b` is `['a', 'b']`. `\*` is a star that means itself and
 * `\\` a backslash. Two stars in a row are refused: they mean the same as one and only cost time.
 */
export function parseWildcard(source: string): WildcardParse {
  const pieces: string[] = [];
  let piece = '';
  for (let at = 0; at < source.length; at += 1) {
    const character = source.charAt(at);
    if (character === '*') {
      if (source.charAt(at + 1) === '*')
        return { ok: false, message: `found two wildcard characters in a row at position ${at + 1}` };
      pieces.push(piece);
      piece = '';
    } else if (character === '\\') {
      at += 1;
      const escaped = source.charAt(at);
      if (escaped !== '*' && escaped !== '\\') {
        return { ok: false, message: `found an unknown escape at position ${at - 1}, expected \\* or \\\\` };
      }
      piece += escaped;
    } else {
      piece += character;
    }
  }
  pieces.push(piece);
  return { ok: true, pieces };
}

/** Matches in time linear in the text for every piece: the leftmost place of each piece is always good enough. */
export function matchesWildcard(pieces: readonly string[], text: string): boolean {
  const first = pieces[0] ?? '';
  if (pieces.length === 1) return text === first;
  const last = pieces[pieces.length - 1] ?? '';
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
    return false;
  let at = first.length;
  const end = text.length - last.length;
  for (let index = 1; index < pieces.length - 1; index += 1) {
    const piece = pieces[index] ?? '';
    const found = text.indexOf(piece, at);
    if (found === -1 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return at <= end;
}

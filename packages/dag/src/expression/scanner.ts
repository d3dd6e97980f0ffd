/** Where an expression stands inside a text. */
export interface ExpressionSpan {
  /** Offset of `${{`. */
  readonly start: number;
  /** Offset behind `}}`. */
  readonly end: number;
  /** The text between the marks, trimmed. */
  readonly source: string;
}

/** Outcome of {@link findExpressions}. */
export type ScannedText =
  | { readonly ok: true; readonly spans: readonly ExpressionSpan[] }
  | { readonly ok: false; readonly message: string };

const OPEN = '${{';
const CLOSE = '}}';
const BRACKETS: Readonly<Record<string, number>> = { '(': 1, '[': 1, '{': 1, ')': -1, ']': -1, '}': -1 };

/** Finds every `${{ … }}` of a text; braces and quotes inside an expression do not end it. */
export function findExpressions(text: string): ScannedText {
  const spans: ExpressionSpan[] = [];
  for (let start = text.indexOf(OPEN); start !== -1; start = text.indexOf(OPEN, start)) {
    const inner = start + OPEN.length;
    const close = findOutside(text, inner, CLOSE);
    if (close === -1) return { ok: false, message: 'found ${{ without }}' };
    const source = text.slice(inner, close).trim();
    if (source === '') return { ok: false, message: 'found an empty expression' };
    spans.push({ start, end: close + CLOSE.length, source });
    start = close + CLOSE.length;
  }
  return { ok: true, spans };
}

/** Divides an expression at every `??` that is outside of quotes and brackets. */
export function splitAlternatives(source: string): readonly string[] {
  const parts: string[] = [];
  let from = 0;
  for (let at = findOutside(source, 0, '??'); at !== -1; at = findOutside(source, from, '??')) {
    parts.push(source.slice(from, at).trim());
    from = at + 2;
  }
  return [...parts, source.slice(from).trim()];
}

/** Offset of `wanted` outside of quotes and brackets, or -1. */
function findOutside(text: string, from: number, wanted: string): number {
  let depth = 0;
  let quote = '';
  for (let at = from; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (quote !== '') {
      if (char === '\\') at += 1;
      else if (char === quote) quote = '';
      continue;
    }
    if (depth <= 0 && text.startsWith(wanted, at)) return at;
    if (char === '"' || char === "'") quote = char;
    else depth += BRACKETS[char] ?? 0;
  }
  return -1;
}

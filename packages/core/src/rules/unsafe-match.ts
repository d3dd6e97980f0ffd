import type { ASTNode } from '@marcbachmann/cel-js';

/** What an expression does with regular expressions. */
export interface MatchUse {
  readonly usesMatches: boolean;
  /** Why the expression must not run. */
  readonly refused?: string;
}

/**
 * Looks for `matches()` whose regular expression could take exponential time: event data reaches it, and a long evaluation
 * would hold up every decision. The pattern must be a literal; a repeated group must not hold a repetition or an
 * alternative; no back-references, no look-around; and the ways in which the rest can be tried are bounded.
 *
 * @remarks Source: measured, `^(a+)+$` doubles its time with every character of the input.
 */
export function findUnsafeMatch(ast: ASTNode): MatchUse {
  let usesMatches = false;
  for (const node of walk(ast)) {
    const pattern = patternOf(node);
    if (pattern === undefined) continue;
    usesMatches = true;
    if (typeof pattern !== 'string') return { usesMatches, refused: 'matches() needs a literal pattern' };
    const problem = problemOf(pattern);
    if (problem !== undefined)
      return { usesMatches, refused: `the pattern ${JSON.stringify(pattern)} ${problem}` };
  }
  return { usesMatches };
}

function* walk(value: unknown): Generator<ASTNode> {
  if (Array.isArray(value)) {
    for (const entry of value as readonly unknown[]) yield* walk(entry);
  } else if (typeof value === 'object' && value !== null && 'op' in value && 'args' in value) {
    yield value as ASTNode;
    yield* walk(value.args);
  }
}

/** The pattern given to `matches`, `null` when it is no literal, `undefined` when the node is another call. */
function patternOf(node: ASTNode): string | null | undefined {
  const pattern = matchesArgument(node);
  if (pattern === undefined) return undefined;
  return pattern?.op === 'value' && typeof pattern.args === 'string' ? pattern.args : null;
}

function matchesArgument(node: ASTNode): ASTNode | null | undefined {
  if (node.op === 'rcall' && node.args[0] === 'matches') return node.args[2][0] ?? null;
  if (node.op === 'call' && node.args[0] === 'matches') return node.args[1][1] ?? null;
  return undefined;
}

interface Group {
  repeats: boolean;
  alternates: boolean;
}

/** Doublings of work that a pattern may cost at most: about ten million ways to try it. */
const MAX_DOUBLINGS = 23;
/** Trying every place of a text of 1 024 characters, for a long repetition or because a pattern may begin anywhere. */
const DOUBLINGS_PER_LENGTH = 10;

function problemOf(pattern: string): string | undefined {
  try {
    new RegExp(pattern, 'u');
  } catch {
    return 'is no regular expression';
  }
  const open: Group[] = [{ repeats: false, alternates: false }];
  let closed: Group | undefined;
  let doublings = pattern.startsWith('^') ? 0 : DOUBLINGS_PER_LENGTH;
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern.charAt(at);
    const top = open[open.length - 1];
    if (top === undefined) return 'has a bracket too many';
    if (character === '\\') {
      if (/[1-9k]/.test(pattern.charAt(at + 1))) return 'has a back-reference';
      at += 1;
      closed = undefined;
    } else if (character === '[') {
      at = endOfClass(pattern, at);
      closed = undefined;
    } else if (character === '(') {
      if (/^\(\?(?!:)/.test(pattern.slice(at))) return 'has a look-around or a named group';
      open.push({ repeats: false, alternates: false });
      closed = undefined;
    } else if (character === ')') {
      closed = open.pop();
      const outer = open[open.length - 1];
      if (outer !== undefined && closed !== undefined) outer.repeats ||= closed.repeats;
    } else if (character === '|') {
      top.alternates = true;
      // An alternative may begin anywhere, unless it is inside a group behind the anchor.
      doublings += open.length === 1 && pattern.startsWith('^') ? DOUBLINGS_PER_LENGTH : 1;
      closed = undefined;
    } else {
      const repeat = repetitionAt(pattern, at);
      if (repeat === undefined) {
        closed = undefined;
        continue;
      }
      if (closed?.repeats === true) return 'repeats a group that repeats inside';
      if (closed?.alternates === true) return 'repeats a group of alternatives';
      top.repeats = true;
      doublings += repeat.isLong ? DOUBLINGS_PER_LENGTH : repeat.most;
      at += repeat.length - 1;
      closed = undefined;
    }
  }
  return doublings > MAX_DOUBLINGS
    ? 'can be tried in too many ways; anchor it with ^ or let less of it repeat'
    : undefined;
}

interface Repetition {
  readonly length: number;
  /** Without bound, or so often that it is the same. */
  readonly isLong: boolean;
  /** Ways in which a short repetition can end. */
  readonly most: number;
}

function repetitionAt(pattern: string, at: number): Repetition | undefined {
  const found = /^(?:[*+?]|\{(\d+)(,(\d*))?\})\??/.exec(pattern.slice(at, at + 24));
  if (found === null) return undefined;
  const [text, least, range, upper] = found;
  if (text.startsWith('?')) return { length: text.length, isLong: false, most: 1 };
  if (text.startsWith('*') || text.startsWith('+') || upper === '')
    return { length: text.length, isLong: true, most: 0 };
  const ways = range === undefined ? 0 : Number(upper) - Number(least);
  return { length: text.length, isLong: ways > 8, most: ways };
}

function endOfClass(pattern: string, start: number): number {
  for (let at = start + 1; at < pattern.length; at += 1) {
    if (pattern.charAt(at) === '\\') at += 1;
    else if (pattern.charAt(at) === ']') return at;
  }
  return pattern.length;
}

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
 * alternative; at most two parts may repeat without bound; no back-references, no look-around.
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

const MAX_UNBOUNDED = 2;

function problemOf(pattern: string): string | undefined {
  const open: Group[] = [{ repeats: false, alternates: false }];
  let closed: Group | undefined;
  let unbounded = 0;
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
      if (repeat.unbounded) unbounded += 1;
      at += repeat.length - 1;
      closed = undefined;
    }
  }
  return unbounded > MAX_UNBOUNDED ? `repeats without bound in more than ${MAX_UNBOUNDED} places` : undefined;
}

function repetitionAt(
  pattern: string,
  at: number,
): { readonly length: number; readonly unbounded: boolean } | undefined {
  const found = /^(?:[*+?]|\{(\d+)(,(\d*))?\})\??/.exec(pattern.slice(at, at + 24));
  if (found === null) return undefined;
  const sign = found[0].charAt(0);
  const most = found[2] === undefined ? Number(found[1]) : found[3] === '' ? Infinity : Number(found[3]);
  const unbounded = sign === '*' || sign === '+' || (sign === '{' && most > 100);
  return { length: found[0].length, unbounded };
}

function endOfClass(pattern: string, start: number): number {
  for (let at = start + 1; at < pattern.length; at += 1) {
    if (pattern.charAt(at) === '\\') at += 1;
    else if (pattern.charAt(at) === ']') return at;
  }
  return pattern.length;
}

/**
 * What an expression reads and costs, from its syntax tree. Anything that is not linear in the values that it reads is
 * refused or bounded, because expressions see texts of events and of hosts:
 * 1. no `matches()` (a regular expression can take exponential time), no `bind()`, `duration()` of a literal only;
 * 2. a macro (`all`, `exists`, `exists_one`, `filter`, `map`) holds no other macro, and stands alone or in a chain;
 * 3. `join()` at most once; `split()`, `join()` and macros not with one another: together they multiply.
 */
import type { ASTNode } from '@marcbachmann/cel-js';

/** A part of a variable that an expression reads: `['steps', 'clone', 'outputs', 'new_host']`. */
export type Reference = readonly string[];

/** What is known about an expression before it is evaluated. */
export interface TreeReport {
  /** Every path that it reads, longest form; a path ends where an index is computed. */
  readonly references: readonly Reference[];
  /** Its cost or its result grows with the product of what it reads: values are weighed before it is evaluated. */
  readonly multiplies: boolean;
  /** Why it is refused. */
  readonly refusal?: string;
}

const MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
const VARIABLES: ReadonlySet<string> = new Set(['inputs', 'steps', 'event', 'run', 'error', 'result', 'cel']);
/** `1h30m` and the like; a longer literal is none. */
const MAX_DURATION_LITERAL = 20;

/** Reads the syntax tree of one expression. */
export function inspectTree(root: ASTNode): TreeReport {
  const calls: string[] = [];
  const references: Reference[] = [];
  const refusal = visit(root, new Set(), calls, references) ?? refusedTogether(calls);
  const multiplies = calls.some((name) => MACROS.has(name) || name === 'join');
  return { references, multiplies, ...(refusal === undefined ? {} : { refusal }) };
}

function refusedTogether(calls: readonly string[]): string | undefined {
  const kinds = new Set(calls.map((name) => (MACROS.has(name) ? 'macro' : name)));
  const joins = calls.filter((name) => name === 'join').length;
  if (joins < 2 && kinds.size < 2) return undefined;
  return 'split(), join() and list macros cannot be used with one another, join() only once; make two outputs of it';
}

/** Collects references and costly calls; returns why the tree is refused. */
function visit(
  node: ASTNode,
  bound: ReadonlySet<string>,
  calls: string[],
  references: Reference[],
): string | undefined {
  const path = pathOf(node);
  if (path !== undefined) {
    if (!bound.has(path[0] ?? '')) references.push(path);
    return undefined;
  }
  const inner = (nodes: Iterable<ASTNode>, names: ReadonlySet<string>): string | undefined => {
    for (const child of nodes) {
      const refusal = visit(child, names, calls, references);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  };
  if (node.op !== 'call' && node.op !== 'rcall') return inner(nodesIn(node.args), bound);
  const [name] = node.args;
  const refusal = refusedCall(node);
  if (refusal !== undefined) return refusal;
  if (name === 'split' || name === 'join') calls.push(name);
  if (node.op !== 'rcall' || !MACROS.has(name)) return inner(nodesIn(node.args), bound);
  calls.push(name);
  const [, receiver, [variable, ...body]] = node.args;
  if (variable?.op !== 'id') return `${name}() takes the name of a variable first`;
  if (VARIABLES.has(variable.args)) return `${variable.args} cannot name a variable of ${name}()`;
  if (bound.size > 0) return `${name}() inside of another macro is not available; make two outputs of it`;
  return inner([receiver], bound) ?? inner(body, new Set([variable.args]));
}

function refusedCall(node: Extract<ASTNode, { readonly op: 'call' | 'rcall' }>): string | undefined {
  const [name] = node.args;
  if (name === 'matches') return 'matches() is not available; compare with ==, startsWith() or contains()';
  if (name === 'bind') return 'bind() is not available; give the value a name under outputs';
  if (node.op !== 'call' || name !== 'duration') return undefined;
  const [text] = node.args[1];
  const isLiteral =
    text?.op === 'value' && typeof text.args === 'string' && text.args.length <= MAX_DURATION_LITERAL;
  return isLiteral ? undefined : "duration() takes a text that is written out, such as '5m'";
}

function* nodesIn(args: unknown): Generator<ASTNode> {
  if (Array.isArray(args)) for (const item of args) yield* nodesIn(item);
  else if (typeof args === 'object' && args !== null && 'op' in args) yield args as ASTNode;
}

/** The path that a chain of selections reads; a computed index ends it, and what the index reads is a path of its own. */
function pathOf(node: ASTNode): Reference | undefined {
  if (node.op === 'id') return [node.args];
  if (node.op === '.') {
    const base = pathOf(node.args[0]);
    return base === undefined ? undefined : [...base, node.args[1]];
  }
  if (node.op !== '[]') return undefined;
  const [object, index] = node.args;
  const base = pathOf(object);
  if (base === undefined || index.op !== 'value' || typeof index.args !== 'string') return undefined;
  return [...base, index.args];
}

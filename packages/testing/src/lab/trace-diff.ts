import type { DocumentPath } from '@lazarus/core/documents';

/** An expectation that did not hold. */
export interface Difference {
  /** Place below `then`: `['calls', 'host.clone']`. */
  readonly at: DocumentPath;
  readonly expected: string;
  readonly actual: string;
  /** Lines of the trace it speaks of: calls of a step or an action beyond the allowed ones, or how a step ended. */
  readonly about?:
    | { readonly kind: 'calls'; readonly name: string; readonly allowed: number }
    | { readonly kind: 'end'; readonly step: string };
}

/**
 * A trace with what was expected instead: `+` before what happened and should not have, `-` before what is missing, two
 * spaces before the rest. What belongs to no line of the trace (the outcome, the page, the time) follows at the end.
 */
export function traceDiff(trace: readonly string[], differences: readonly Difference[]): readonly string[] {
  if (differences.length === 0) return [];
  const surplus = new Set<number>();
  const missing = new Map<number, string>();
  const rest: string[] = [];
  for (const { at, expected, actual, about } of differences) {
    const wrong = about === undefined ? [] : surplusOf(trace, about);
    const [first] = wrong;
    if (first === undefined) rest.push(`- ${at.join(' ')}: ${expected}`, `+ ${at.join(' ')}: ${actual}`);
    else if (about?.kind === 'end') missing.set(first, `${about.step} ${expected}`);
    for (const index of wrong) surplus.add(index);
  }
  const body = trace.flatMap((line, index) => {
    const instead = missing.get(index);
    return [
      ...(instead === undefined ? [] : [`- ${timeOf(line)}${instead}`]),
      `${surplus.has(index) ? '+' : ' '} ${line}`,
    ];
  });
  return [...body, ...rest];
}

function surplusOf(trace: readonly string[], about: NonNullable<Difference['about']>): readonly number[] {
  const isMeant = about.kind === 'calls' ? isCallOf(about.name) : isEndOf(about.step);
  const lines = trace.flatMap((line, index) => (isMeant(line.slice(timeOf(line).length)) ? [index] : []));
  return about.kind === 'calls' ? lines.slice(about.allowed) : lines;
}

/** Calls of a step or an action, as `callsOf` counts them. */
function isCallOf(name: string): (text: string) => boolean {
  return (text) => {
    const [step, verb, action = ''] = text.split(' ');
    return verb === 'calls' && (step === name || action === `${name},` || action.startsWith(`${name}@`));
  };
}

function isEndOf(step: string): (text: string) => boolean {
  return (text) => text.startsWith(`${step} `) && !text.startsWith(`${step} calls `);
}

/** `     4.0 s  ` */
function timeOf(line: string): string {
  return /^\s*[\d.]+ s {2}/.exec(line)?.[0] ?? '';
}

import { counted, numberOf } from './evidence.ts';
import type { Evidence } from './gate-outcome.ts';
import type { GateId } from './ladder.ts';
import type { NearestChange } from './change.ts';
import type { DecisionRecord, GateRecord } from './record.ts';

/** The nearest gate that would have stopped an event which passed all of them: the one with the smallest margin. */
export function changeToStop(
  gates: readonly Pick<GateRecord, 'gate' | 'evidence'>[],
  votes: DecisionRecord['votes'],
): NearestChange | undefined {
  const evidenceOf = (gate: GateId): Evidence => gates.find((each) => each.gate === gate)?.evidence ?? {};
  const limit = evidenceOf('service_limit');
  const breaker = evidenceOf('region_breaker');
  const margins: (NearestChange & { readonly margin: number })[] = [];
  const note = (
    gate: GateId,
    is: number | undefined,
    last: number | undefined,
    one: string,
    what: string,
  ): void => {
    if (is === undefined || last === undefined) return;
    const margin = Math.abs(last - is) + 1;
    const needed = is + (last >= is ? margin : -margin);
    margins.push({ gate, what, is, needed, margin, text: `stopped with ${counted(margin, one)}` });
  };
  if (votes !== undefined) note('ballot', votes.yes, votes.required, 'yes vote', 'yes_votes');
  note(
    'service_limit',
    numberOf(limit, 'entities'),
    numberOf(limit, 'max_entities'),
    'more failing host',
    'entities',
  );
  note(
    'region_breaker',
    numberOf(breaker, 'services'),
    numberOf(breaker, 'maxServices'),
    'more failing service',
    'services',
  );
  const [nearest] = margins.sort((left, right) => left.margin - right.margin);
  if (nearest === undefined) return undefined;
  const { margin, ...change } = nearest;
  return change.gate === 'ballot'
    ? {
        ...change,
        needed: (votes?.required ?? 1) - 1,
        text: `stopped with ${counted(margin, 'yes vote')} fewer`,
      }
    : change;
}

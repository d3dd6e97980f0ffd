import type { CheckResult } from '../ports/voters.ts';
import { describeFound } from '../documents/document-path.ts';
import { copyRequirement } from './quorum-requirement.ts';

/** Evidence travels with every vote; more than this is cut, bytes of JSON. */
const MAX_EVIDENCE = 8_192;
const MAX_REASON = 500;

/** Reads what a check returned. Whatever is not a well-formed verdict is a failure that says so. */
export function readVerdict(answer: unknown): Pick<CheckResult, 'verdict' | 'reason' | 'evidence'> {
  if (typeof answer !== 'object' || answer === null) return malformed(answer);
  const { verdict, reason, evidence } = answer as Record<string, unknown>;
  if (verdict !== 'pass' && verdict !== 'fail') return malformed(answer);
  if (verdict === 'fail' && (typeof reason !== 'string' || reason === '')) {
    return { verdict: 'fail', reason: 'failed without a reason', ...readEvidence(evidence) };
  }
  return {
    verdict,
    ...(typeof reason === 'string' && reason !== '' ? { reason: reason.slice(0, MAX_REASON) } : {}),
    ...readEvidence(evidence),
  };
}

function malformed(answer: unknown): { verdict: 'fail'; reason: string } {
  return {
    verdict: 'fail',
    reason: `answered ${describeFound(answer)}, expected { verdict: 'pass' | 'fail', … }`,
  };
}

/** Evidence as plain JSON; what it demands of the ballot survives even when the rest is too long. */
function readEvidence(evidence: unknown): { evidence?: Readonly<Record<string, unknown>> } {
  if (evidence === undefined) return {};
  if (typeof evidence !== 'object' || evidence === null || Array.isArray(evidence)) {
    return { evidence: { dropped: `evidence was ${describeFound(evidence)}` } };
  }
  let kept: { requires?: unknown } = {};
  try {
    // A getter of a plugin may throw: then the demand stays one that cannot be met.
    if ('requires' in evidence) kept = { requires: 'unreadable' };
    const { requires } = evidence as { requires?: unknown };
    kept = requires === undefined ? {} : { requires: copyRequirement(requires) };
    const text = JSON.stringify(evidence);
    if (text.length <= MAX_EVIDENCE) return { evidence: JSON.parse(text) as Record<string, unknown> };
    return { evidence: { ...kept, dropped: `evidence was ${text.length} characters long` } };
  } catch {
    return { evidence: { ...kept, dropped: 'evidence was not JSON' } };
  }
}

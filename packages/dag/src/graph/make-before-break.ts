import type { WorkflowDefinition } from '../document/workflow-definition.ts';
import { buildGraph } from './graph.ts';

/** A step that takes a host away before its replacement was verified. */
export interface MakeBeforeBreakFinding {
  readonly step: string;
  readonly message: string;
}

const ENDS_A_HOST = new Set(['host.terminate', 'host.reboot']);
const MAKES_A_HOST = new Set(['host.clone']);
const VERIFIES = new Set(['healthcheck.verify']);

const nameOf = (uses: string): string => uses.split('@')[0] ?? uses;

/**
 * Checks make-before-break: in a workflow that launches a replacement, every step that ends a host, or moves it into
 * forensics, comes after a verification that comes after a launch. Taking a failed host out of the load balancer is not
 * an end: it serves nobody. Keeps S5.
 */
export function checkMakeBeforeBreak(definition: WorkflowDefinition): readonly MakeBeforeBreakFinding[] {
  const checked = buildGraph(definition.steps);
  if (!checked.ok) return [];
  const usedBy = new Map(definition.steps.map((step) => [step.id, nameOf(step.uses)]));
  const launches = definition.steps.filter((step) => MAKES_A_HOST.has(nameOf(step.uses)));
  if (launches.length === 0) return [];
  const isVerified = (id: string): boolean => {
    const before = [...checked.graph.succeededBefore(id)];
    return before.some(
      (step) =>
        VERIFIES.has(usedBy.get(step) ?? '') &&
        [...checked.graph.succeededBefore(step)].some((earlier) =>
          MAKES_A_HOST.has(usedBy.get(earlier) ?? ''),
        ),
    );
  };
  return definition.steps
    .filter(
      (step) =>
        ENDS_A_HOST.has(nameOf(step.uses)) ||
        (nameOf(step.uses) === 'host.set_state' && step.with['state'] === 'forensics'),
    )
    .filter((step) => !isVerified(step.id))
    .map((step) => ({ step: step.id, message: `${step.uses} runs before a replacement is verified` }));
}

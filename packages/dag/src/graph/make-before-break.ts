import type { Json } from '@lazarus/core/ports';
import type { StepDefinition, WorkflowDefinition } from '../document/workflow-definition.ts';
import { buildGraph } from './graph.ts';

/** A step that takes a host away before its replacement was verified. */
export interface MakeBeforeBreakFinding {
  readonly step: string;
  readonly message: string;
}

const ENDS_A_HOST = new Set(['host.terminate', 'host.reboot']);
const MAKES_A_HOST = new Set(['host.clone']);
const VERIFIES = new Set(['healthcheck.verify']);
const KEEPS_A_HOST: ReadonlySet<Json | undefined> = new Set(['active', 'launching', undefined]);

const nameOf = (uses: string): string => uses.split('@')[0] ?? uses;

/**
 * Checks make-before-break: in a workflow that launches a replacement, every step that ends a host, or moves it into
 * forensics, comes after a verification that comes after a launch. Taking a failed host out of the load balancer is not
 * an end: it serves nobody. Keeps S5.
 */
export function checkMakeBeforeBreak(definition: WorkflowDefinition): readonly MakeBeforeBreakFinding[] {
  const checked = buildGraph(definition.steps);
  if (!checked.ok) return [];
  const { graph } = checked;
  const named = (names: ReadonlySet<string>): readonly string[] =>
    definition.steps.filter(({ uses }) => names.has(nameOf(uses))).map(({ id }) => id);
  const launches = named(MAKES_A_HOST);
  if (launches.length === 0) return [];
  const isAfter = (id: string, earlier: readonly string[]): boolean => {
    const before = graph.succeededBefore(id);
    return earlier.some((step) => before.has(step));
  };
  const verifications = named(VERIFIES).filter((id) => isAfter(id, launches));
  return definition.steps
    .filter((step) => endsAHost(step) && !isAfter(step.id, verifications))
    .map((step) => ({ step: step.id, message: `${step.uses} runs before a replacement is verified` }));
}

/** A state that is only known at run time may be any. */
function endsAHost({ uses, with: given }: StepDefinition): boolean {
  if (ENDS_A_HOST.has(nameOf(uses))) return true;
  return nameOf(uses) === 'host.set_state' && !KEEPS_A_HOST.has(given['state']);
}

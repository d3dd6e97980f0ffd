import { createActionRegistry, defineAction, loadWorkflow } from '@lazarus/dag';
import type { Action, ActionContext, WorkflowDefinition } from '@lazarus/dag';
import { z } from 'zod';

/** What the outside world of the conformance suite saw. */
export interface EngineLedger {
  readonly actions: readonly Action[];
  /** Executions of bodies: `step`, in order, over all processes. */
  readonly bodies: readonly string[];
  /** Effects by idempotency key: a repeated call with the same key is none. */
  readonly effects: ReadonlyMap<string, string>;
  /** Incident keys that were escalated, once per change. */
  readonly escalations: readonly string[];
  /** Called in a body before its effect (`before`) and after it (`after`); the process may die there. */
  on(hook: (moment: 'before' | 'after', step: string, context: ActionContext) => void | Promise<void>): void;
  workflow(text: string): WorkflowDefinition;
}

/** A ledger and the actions that write to it. */
export function createEngineLedger(): EngineLedger {
  const bodies: string[] = [];
  const effects = new Map<string, string>();
  const escalations: string[] = [];
  let hook: (moment: 'before' | 'after', step: string, context: ActionContext) => void | Promise<void> = () =>
    undefined;

  const run = async (_input: unknown, context: ActionContext): Promise<{ key: string }> => {
    bodies.push(context.step);
    await hook('before', context.step, context);
    context.signal.throwIfAborted();
    effects.set(context.idempotencyKey, context.step);
    await hook('after', context.step, context);
    return { key: context.idempotencyKey };
  };
  const shape = { version: 1, input: z.looseObject({}), output: z.looseObject({}) };
  const actions = [
    defineAction({
      ...shape,
      name: 'ledger.effect',
      summary: 'Writes one effect; asks the ledger whether it is there before repeating it.',
      check: async (_input, { idempotencyKey }) =>
        effects.has(idempotencyKey)
          ? { happened: true, output: { key: idempotencyKey } }
          : { happened: false },
      run,
    }),
    defineAction({
      ...shape,
      name: 'ledger.destroy',
      summary: 'Writes one destructive effect, which nobody can ask for afterwards.',
      destructive: true,
      idempotent: true,
      run,
    }),
    defineAction({
      ...shape,
      name: 'ledger.look',
      summary: 'Looks; the hook decides what it sees.',
      readOnly: true,
      run: async (_input, context) => {
        bodies.push(context.step);
        await hook('before', context.step, context);
        return { attempt: context.attempt };
      },
    }),
    defineAction({
      ...shape,
      name: 'pager.escalate',
      summary: 'Escalates a page of the ledger.',
      idempotent: true,
      run: async (_input, { run: { incidentKey } }) => {
        if (incidentKey !== undefined && !escalations.includes(incidentKey)) escalations.push(incidentKey);
        return { page: 'escalated', changed: true };
      },
    }),
  ];
  const registry = createActionRegistry(actions);
  return {
    actions,
    bodies,
    effects,
    escalations,
    on: (value) => {
      hook = value;
    },
    workflow: (text) =>
      loadWorkflow(`apiVersion: lazarus.dev/v1\nkind: Workflow\n${text}`, {
        file: 'conformance.yaml',
        actions: registry,
      }),
  };
}

/** Seven steps, one parallel pair. */
export const SEVEN_STEPS = `metadata: { name: conformance.seven, version: 1 }
steps:
  a: { uses: ledger.effect@1 }
  b: { uses: ledger.effect@1, needs: [a] }
  c: { uses: ledger.effect@1, needs: [a] }
  d: { uses: ledger.effect@1, needs: [b, c] }
  e: { uses: ledger.effect@1, needs: [d] }
  f: { uses: ledger.effect@1, needs: [e] }
  g: { uses: ledger.effect@1, needs: [f] }
`;

import { createActionRegistry, defineAction, loadWorkflow } from '@lazarus/dag';
import type { ActionContext } from '@lazarus/dag';
import { z } from 'zod';

/** What the actions of a test do; each test sets it. */
export type Doing = (context: ActionContext) => Promise<unknown>;

/** Actions `desk.act@1`, `desk.look@1` and `pager.escalate@1`, and what they were called with. */
export function createDesk(doing: Doing = async () => null) {
  const calls: string[] = [];
  const run = async (_input: unknown, context: ActionContext): Promise<unknown> => {
    calls.push(context.step);
    return (await doing(context)) ?? { done: true };
  };
  const shape = { version: 1, input: z.looseObject({}), output: z.unknown() };
  const actions = createActionRegistry([
    defineAction({ ...shape, name: 'desk.act', summary: 'Acts.', idempotent: true, run }),
    defineAction({
      ...shape,
      name: 'desk.destroy',
      summary: 'Destroys.',
      destructive: true,
      idempotent: true,
      run,
    }),
    defineAction({ ...shape, name: 'desk.look', summary: 'Looks.', readOnly: true, run }),
    defineAction({
      ...shape,
      name: 'pager.escalate',
      summary: 'Wakes a human.',
      idempotent: true,
      run: async () => ({ page: 'escalated' }),
    }),
  ]);
  return {
    calls,
    actions,
    workflow: (text: string) =>
      loadWorkflow(`apiVersion: lazarus.dev/v1\nkind: Workflow\n${text}`, { file: 'test.yaml', actions }),
  };
}

import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { defineAction } from '../../src/index.ts';
import type { Action, ActionContext } from '../../src/index.ts';

/** What a scripted step does: gives a value, throws, hangs until its signal aborts, or runs a function. */
export type Reply =
  | { readonly give: unknown }
  | { readonly fail: Error }
  | { readonly hang: true }
  | ((context: ActionContext) => Promise<unknown>);

/** Actions whose behavior a test writes down per step. */
export interface Script {
  /** `test.do@1` (changes something), `test.look@1` (only looks), `test.checked@1` (has a check hook). */
  readonly actions: readonly Action[];
  /** Replies by step; the last one repeats. A step without any gives `{ done: true }`. */
  readonly replies: Record<string, readonly Reply[]>;
  /** What the check hook answers, by step. */
  readonly happened: Record<string, boolean>;
  /** Every execution of a body: `step#attempt`. */
  readonly bodies: string[];
  /** Executions and checks with their times. */
  readonly log: {
    readonly step: string;
    readonly attempt: number;
    readonly key: string;
    readonly atMs: number;
    readonly input: unknown;
  }[];
}

export function createScript(): Script {
  const replies: Script['replies'] = {};
  const happened: Script['happened'] = {};
  const bodies: string[] = [];
  const log: Script['log'] = [];
  const served = new Map<string, number>();

  const run = async (input: unknown, context: ActionContext): Promise<unknown> => {
    const { step, attempt, clock, idempotencyKey, signal } = context;
    bodies.push(`${step}#${attempt}`);
    log.push({ step, attempt, key: idempotencyKey, atMs: clock.now(), input });
    const own = replies[step] ?? [{ give: { done: true } }];
    const count = served.get(step) ?? 0;
    served.set(step, count + 1);
    const reply = own[Math.min(count, own.length - 1)] ?? { give: { done: true } };
    if (typeof reply === 'function') return reply(context);
    if ('fail' in reply) throw reply.fail;
    if ('give' in reply) return reply.give;
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  };

  const base = {
    version: 1,
    summary: 'A scripted step.',
    input: z.looseObject({ value: z.unknown().optional() }),
    output: z.unknown(),
    run,
  };
  return {
    replies,
    happened,
    bodies,
    log,
    actions: [
      defineAction({ ...base, name: 'test.do', idempotent: true }),
      defineAction({ ...base, name: 'test.destroy', idempotent: true, destructive: true }),
      defineAction({ ...base, name: 'test.look', readOnly: true }),
      defineAction({
        ...base,
        name: 'test.checked',
        check: async (_input, context) => {
          bodies.push(`check ${context.step}`);
          await setImmediate();
          return happened[context.step.replace(/^check\./, '')] === true
            ? { happened: true, output: { done: true, found: true } }
            : { happened: false };
        },
      }),
    ],
  };
}

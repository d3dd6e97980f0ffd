import { PortError } from '@lazarus/core';
import type { Json, RunView } from '@lazarus/core/ports';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineAction } from '../src/index.ts';
import type { Action, ActionContext, EngineOptions } from '../src/index.ts';
import { aRequest, createBench, workflow } from './support/bench.ts';

const HEAD = 'apiVersion: lazarus.dev/v1\nkind: Workflow\nmetadata: { name: test.flow, version: 1 }\n';
const refusal = (code: 'LZ_ACTUATOR_REFUSED' | 'LZ_WORKFLOW_STEP_FAILED'): PortError =>
  new PortError({ code, message: 'no', retryable: false });

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

interface Played {
  readonly view: RunView;
  readonly status: Readonly<Record<string, string>>;
  readonly things: ReadonlySet<string>;
  readonly settled: readonly boolean[];
}

interface Play {
  /** What the action does once the thing is there. */
  readonly make?: (key: string, context: ActionContext, things: Set<string>) => unknown;
  readonly check?: (key: string, things: ReadonlySet<string>) => boolean;
  readonly output?: z.ZodType;
  readonly step?: string;
  /** The first process dies while the action runs. */
  readonly diesAfterMs?: number;
}

/** A run that makes a thing, and unmakes it when it has to. */
async function play({ make, check, output, step = '', diesAfterMs }: Play): Promise<Played> {
  const things = new Set<string>();
  const settled: boolean[] = [];
  const makeThing = defineAction({
    name: 'test.make',
    version: 1,
    summary: 'Makes a thing.',
    destructive: true,
    idempotent: true,
    input: z.strictObject({}),
    output: output ?? z.strictObject({ id: z.string(), zone: z.string().optional() }),
    check: async (_input, { idempotencyKey: key }) =>
      (check?.(key, things) ?? things.has(key))
        ? { happened: true, output: { id: key } }
        : { happened: false },
    undo: {
      uses: 'test.unmake@1',
      with: (_input, made) => ({ id: (made as { readonly id: string }).id }),
    },
    run: async (_input, context) => {
      const key = context.idempotencyKey;
      things.add(key);
      return make === undefined ? { id: key } : make(key, context, things);
    },
  });
  const unmakeThing = defineAction({
    name: 'test.unmake',
    version: 1,
    summary: 'Unmakes a thing.',
    idempotent: true,
    input: z.strictObject({ id: z.string() }),
    output: z.strictObject({}),
    run: async ({ id }) => {
      things.delete(id);
      return {};
    },
  });
  const actions = [makeThing, unmakeThing] as readonly Action[];
  const bench = createBench({
    actions,
    workflows: [workflow(`${HEAD}steps:\n  make: { uses: test.make@1, compensate: undo${step} }\n`, actions)],
  });
  const budgets = {
    holds: async () => true,
    settle: async (_id: string, { effects }: { readonly effects: boolean }) => void settled.push(effects),
  };
  const overrides = { budgets } as unknown as Partial<EngineOptions>;
  let engine = await bench.open(overrides);
  await engine.submit(aRequest({ workflow: 'test.flow' }));
  if (diesAfterMs !== undefined) {
    await bench.clock.advance(diesAfterMs);
    await engine.close();
    engine = await bench.open(overrides);
  }
  const view = await bench.finish(engine);
  return { view, things, settled, status: Object.fromEntries(view.steps.map((s) => [s.step, s.status])) };
}

describe('an effect whose step ends with a permanent error (S6, S12)', () => {
  it.each<readonly [string, Play, string]>([
    [
      'an error of the code',
      {
        make: () => {
          throw new TypeError('no InstanceId');
        },
      },
      'TypeError: no InstanceId',
    ],
    [
      'an answer that does not fit the output',
      { make: (key) => ({ id: key, zone: 7 }) },
      'test.make@1 answered something else than its output: zone: Invalid input: expected string, received number',
    ],
    [
      'an answer without the path that the step maps',
      { step: ', outputs: { id: $.id, zone: $.zone }' },
      'the result has no $.zone',
    ],
    [
      'an answer that JSON cannot hold',
      { output: z.unknown(), make: (key) => ({ id: key, load: NaN }) },
      'test.make@1 answered something that cannot be journaled: load: it gives NaN, which is no number that can be written down (a division by zero?)',
    ],
    [
      'a failure that is no refusal by its code',
      {
        make: () => {
          throw refusal('LZ_WORKFLOW_STEP_FAILED');
        },
      },
      'no',
    ],
  ])('is undone and counted after %s', async (_name, how, message) => {
    const { view, status, things, settled } = await play(how);
    expect(view.error).toMatchObject({ step: 'make', message });
    expect(status).toMatchObject({ make: 'compensated', 'compensate.make': 'succeeded' });
    expect([...things]).toEqual([]);
    expect(settled).toEqual([true]);
  });

  it('is undone with the answer as it was when only the mapping failed, even if the check lists it too late', async () => {
    const { status, things } = await play({
      check: () => false,
      step: ', outputs: { id: $.id, zone: $.zone }',
    });
    expect(status).toMatchObject({ make: 'compensated' });
    expect(status).not.toHaveProperty('check.make');
    expect([...things]).toEqual([]);
  });

  it('stays unknown and counts when the next process is refused the question whether it happened', async () => {
    const { status, settled } = await play({
      make: (_key, { signal }) => untilAborted(signal),
      check: () => {
        throw refusal('LZ_ACTUATOR_REFUSED');
      },
      diesAfterMs: 1_000,
    });
    expect(status).toMatchObject({ make: 'unknown', 'compensate.make': 'failed' });
    expect(settled).toEqual([true]);
  });

  it('stays unknown when the next process is refused the repetition', async () => {
    let calls = 0;
    const { status, things } = await play({
      make: (key, { signal }, made) => {
        calls += 1;
        if (calls === 1) return untilAborted(signal);
        made.add(key);
        throw refusal('LZ_ACTUATOR_REFUSED');
      },
      check: (key, made) => calls > 1 && made.has(key),
      diesAfterMs: 1_000,
    });
    expect(calls).toBe(2);
    expect(status).toMatchObject({ make: 'compensated' });
    expect([...things]).toEqual([]);
  });

  it('is none after a refusal: nothing is undone, and the call counts because the action began', async () => {
    const { status, settled } = await play({
      make: (key, _context, made) => {
        made.delete(key);
        throw refusal('LZ_ACTUATOR_REFUSED');
      },
    });
    expect(status).toMatchObject({ make: 'failed' });
    expect(status).not.toHaveProperty('compensate.make');
    expect(settled).toEqual([true]);
  });

  it('is undone after a command that ended with 1 half-way', async () => {
    const ran: string[] = [];
    const command = (name: string): string =>
      `{ uses: host.command@1, with: { host: i-old, command: ${name} }`;
    const bench = createBench({
      workflows: [
        workflow(`${HEAD}steps:\n  stop: ${command('stop')}, compensate: ${command('start')} } }\n`),
      ],
    });
    const commands = {
      run: async ({ command: name }: { readonly command: string }) => {
        ran.push(name);
        return { exitCode: name === 'stop' ? 1 : 0, output: '3 of 4' };
      },
    };
    const engine = await bench.open({ ports: { ...bench.world.ports, commands } });
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    const view = await bench.finish(engine);
    expect(ran).toEqual(['stop', 'start']);
    expect(view.steps.map(({ step, status }) => [step, status])).toContainEqual(['stop', 'compensated']);
  });
});

describe('an answer of an action', () => {
  const giving = (name: string, answer: () => unknown): Action =>
    defineAction({
      name,
      version: 1,
      summary: 'Gives something.',
      idempotent: true,
      input: z.strictObject({}),
      output: z.unknown(),
      run: async (_input, { clock }) => {
        await clock.sleep(1_000);
        return answer();
      },
    });
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;

  /** A run with such an answer, and another one beside it. */
  async function beside(answer: () => unknown): Promise<readonly [RunView, RunView]> {
    const actions = [giving('test.give', answer), giving('test.other', () => ({}))];
    const bench = createBench({
      actions,
      workflows: [
        workflow(`${HEAD}steps: { give: { uses: test.give@1 } }\n`, actions),
        workflow(
          `${HEAD.replace('test.flow', 'test.beside')}steps: { a: { uses: test.other@1 } }\n`,
          actions,
        ),
      ],
    });
    const engine = await bench.open();
    await Promise.all([
      engine.submit(aRequest({ workflow: 'test.flow' })),
      engine.submit(aRequest({ workflow: 'test.beside', runId: 'run-2', incidentKey: 'INC-2' })),
    ]);
    return [await bench.finish(engine), await bench.finish(engine, 'run-2')];
  }

  it.each<readonly [string, unknown, string]>([
    ['contains itself', circular, 'it is nested deeper than 64 levels, or contains itself'],
    [
      'holds a whole number beyond 2^53',
      { n: 2n ** 60n },
      'n: it gives 1152921504606846976, which is too large to be exact',
    ],
    ['is longer than 256 KiB', { text: 'x'.repeat(300_000) }, 'it is longer than 262144 characters'],
    ['holds a function', [{ f: () => 0 }], '0.f: it gives something that is neither text'],
  ])('that %s makes its step unknown, and no other run ends by it', async (_name, answer, message) => {
    const [view, other] = await beside(() => answer);
    expect(view.steps[0]).toMatchObject({ step: 'give', status: 'unknown' });
    expect(view.error?.message).toContain(
      `test.give@1 answered something that cannot be journaled: ${message}`,
    );
    expect(other.status).toBe('succeeded');
  });

  it('is used live as it comes back from the journal', async () => {
    const answer = {
      n: 10n,
      at: new Date(0),
      map: new Map([['a', 1]]),
      none: undefined,
      list: [undefined],
      zero: -0,
    };
    const [view] = await beside(() => answer);
    const given: Json = { n: 10, at: '1970-01-01T00:00:00.000Z', map: { a: 1 }, list: [null], zero: 0 };
    expect(view.steps[0]).toMatchObject({ status: 'succeeded' });
    expect(view.steps[0]?.output).toStrictEqual(given);
  });
});

describe('a call that outlives its attempt of 10 s and does not obey its signal (S1)', () => {
  async function outlive(firstMs: number): Promise<{ readonly view: RunView; readonly effects: number }> {
    let effects = 0;
    const act = defineAction({
      name: 'test.act',
      version: 1,
      summary: 'Acts.',
      destructive: true,
      input: z.strictObject({}),
      output: z.strictObject({}),
      check: async () => (effects > 0 ? { happened: true, output: {} } : { happened: false }),
      run: async (_input, { clock, attempt }) => {
        await clock.sleep(attempt === 1 ? firstMs : 1_000);
        effects += 1;
        return {};
      },
    }) as Action;
    const step = 'a: { uses: test.act@1, attempt_timeout: 10s, timeout: 60s }';
    const bench = createBench({
      actions: [act],
      workflows: [workflow(`${HEAD}steps:\n  ${step}\n  later: { wait: 20s, needs: [a] }\n`, [act])],
    });
    const engine = await bench.open();
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    return { view: await bench.finish(engine), effects };
  }

  it('has its effect once when it ends after 15 s: the next attempt waits for it and then asks', async () => {
    const { view, effects } = await outlive(15_000);
    expect(effects).toBe(1);
    expect(view.status).toBe('succeeded');
  });

  it('makes the step unknown when it does not end within the time of the step', async () => {
    const { view, effects } = await outlive(3_600_000);
    expect(effects).toBe(0);
    expect(view.steps[0]).toMatchObject({ step: 'a', status: 'unknown' });
  });
});

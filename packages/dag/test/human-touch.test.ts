import { describe, expect, it } from 'vitest';
import type { Host } from '@lazarus/core/ports';
import { aHost, silentLogger } from '@lazarus/testing';
import { z } from 'zod';
import type { RunRecord } from '../src/coordinator/run-handle.ts';
import { stepBody } from '../src/coordinator/step-body.ts';
import { defineAction } from '../src/index.ts';
import { changedByOthers, sightOf } from '../src/coordinator/target-watch.ts';
import { aRequest, createBench, workflow } from './support/bench.ts';
import type { Bench } from './support/bench.ts';
import { TestLocks, transient } from './support/world.ts';

/** Runs the replacement of a host, and lets a person change it by hand while the replacement boots. */
async function replaceWhile(touch: (bench: Bench) => void): Promise<{
  readonly bench: Bench;
  readonly locks: TestLocks;
  readonly run: Awaited<ReturnType<Bench['finish']>>;
}> {
  const bench = createBench();
  const locks = new TestLocks();
  const engine = await bench.open({ locks });
  bench.world.health = async () => ({ status: 'unhealthy', latencyMs: 1, detail: '503' });
  await engine.submit(aRequest());
  await bench.clock.advance(20_000);
  touch(bench);
  bench.world.health = async () => ({ status: 'healthy', latencyMs: 1, detail: '200' });
  return { bench, locks, run: await bench.finish(engine) };
}

const change = (bench: Bench, changes: Partial<Host>): void => {
  const host = bench.world.hosts.get('i-old');
  if (host !== undefined) bench.world.hosts.set('i-old', { ...host, ...changes });
};

describe('a person who changes the host by hand', () => {
  it.each<[string, (bench: Bench) => void, string]>([
    ['stops it', (bench) => change(bench, { state: 'stopped' }), 'it was running and is stopped'],
    ['terminates it', (bench) => void bench.world.hosts.delete('i-old'), 'it is gone'],
    [
      'replaces it under the same id',
      (bench) =>
        change(bench, {
          incarnation: { ...aHost({ hostId: 'i-old' }).incarnation, launchedAtMs: 7 },
        }),
      'it was replaced or started anew',
    ],
  ])(
    'and %s ends the run before its next effect, with a page and a free lock',
    async (_title, touch, what) => {
      const { bench, locks, run } = await replaceWhile(touch);
      expect(run).toMatchObject({
        status: 'canceled',
        page: 'escalated',
        error: {
          step: 'into_lb',
          code: 'LZ_WORKFLOW_CANCELED',
          message: `somebody else changed host i-old: ${what}`,
        },
      });
      expect(bench.world.story).not.toContain('lb.add i-new1');
      expect(locks.held.size).toBe(0);
    },
  );

  it('who puts it back into the load balancer ends the run, also in the next process', async () => {
    const bench = createBench();
    const engine = await bench.open();
    bench.world.health = async () => ({ status: 'unhealthy', latencyMs: 1, detail: '503' });
    change(bench, { inLoadBalancer: false });
    await engine.submit(aRequest());
    await bench.clock.advance(20_000);
    await engine.close();
    change(bench, { inLoadBalancer: true });
    bench.world.health = async () => ({ status: 'healthy', latencyMs: 1, detail: '200' });
    const run = await bench.finish(await bench.open());
    expect(run.error?.message).toBe('somebody else changed host i-old: it was put into the load balancer');
  });

  it('is not taken for the run itself, which takes the host out of the load balancer', async () => {
    const { run } = await replaceWhile((bench) => change(bench, { inLoadBalancer: false }));
    expect(run.status).toBe('succeeded');
  });
});

describe('a provider that cannot be asked about the host', () => {
  it('once is asked again', async () => {
    const bench = createBench();
    let calls = 0;
    bench.world.disturb = (call) => {
      if (call === 'describe' && (calls += 1) === 1) throw transient();
    };
    const engine = await bench.open();
    await engine.submit(aRequest());
    expect((await bench.finish(engine)).status).toBe('succeeded');
  });

  it('is a no before the first effect', async () => {
    const bench = createBench();
    bench.world.disturb = (call) => {
      if (call === 'describe') throw transient();
    };
    const engine = await bench.open();
    await engine.submit(aRequest());
    const run = await bench.finish(engine);
    expect(run).toMatchObject({ status: 'canceled', page: 'escalated' });
    expect(run.error?.message).toContain(
      'host i-old could not be looked at: LZ_ACTUATOR_TRANSIENT: throttled',
    );
    expect(bench.world.story).toEqual(['page acknowledged INC-1', 'page escalated INC-1']);
  });

  it('within 10 s is a no before the first effect, too', async () => {
    const bench = createBench();
    bench.world.disturb = (call) => (call === 'describe' ? new Promise(() => undefined) : undefined);
    const engine = await bench.open();
    const beganMs = bench.clock.now();
    await engine.submit(aRequest());
    const run = await bench.finish(engine);
    expect(run).toMatchObject({ status: 'canceled', page: 'escalated' });
    expect(run.error?.message).toContain('host i-old could not be looked at');
    expect(bench.clock.now() - beganMs).toBeLessThan(15_000);
  });

  it('for 8 s makes no pause old: one that is set meanwhile stops the run before its first effect', async () => {
    const bench = createBench();
    let isPaused = false;
    bench.world.disturb = async (call, signal) => {
      if (call === 'describe') await bench.clock.sleep(8_000, signal === undefined ? {} : { signal });
    };
    const engine = await bench.open({
      guard: async () => (isPaused ? { verdict: 'fail', reason: 'paused' } : { verdict: 'pass' }),
    });
    await engine.submit(aRequest());
    await bench.clock.advance(5_000);
    isPaused = true;
    const run = await bench.finish(engine);
    expect(run).toMatchObject({ status: 'canceled', page: 'escalated', error: { message: 'paused' } });
    expect(bench.world.story).toEqual(['page acknowledged INC-1', 'page escalated INC-1']);
  });
});

describe('a step that a process began before it died', () => {
  const restart = defineAction({
    name: 'acme.restart',
    version: 1,
    summary: 'Restarts a host.',
    input: z.strictObject({ host: z.string() }),
    output: z.strictObject({}),
    requires: ['hosts'],
    idempotent: true,
    run: async () => ({}),
  });

  it.each([
    [true, { output: {} }],
    [false, { code: 'LZ_WORKFLOW_CANCELED' }],
  ])('(%s) explains by itself what has changed on its host', async (mayHaveHappened, expected) => {
    const { world, clock } = createBench();
    const before = sightOf(world.hosts.get('i-old'));
    const host = world.hosts.get('i-old');
    if (host !== undefined) world.hosts.set('i-old', { ...host, state: 'stopped' });
    const run = { request: aRequest() } as RunRecord;
    const body = stepBody(
      {
        run,
        point: {
          step: 'restart',
          phase: 'steps',
          uses: 'acme.restart@1',
          destructive: false,
          firstDestructive: false,
        },
        action: restart,
        input: { host: 'i-old' },
        idempotencyKey: 'run-1/restart',
        attempt: 1,
        startedAtMs: clock.now(),
        uncertain: false,
        target: { hostId: 'i-old', seen: before, own: [], isSubject: true },
      },
      { guard: async () => ({ verdict: 'pass' }), ports: world.ports, clock, log: silentLogger },
    );
    expect(await body({ mayHaveHappened, signal: new AbortController().signal })).toMatchObject(expected);
  });
});

describe('an action of the embedder', () => {
  const stop = (name: string, more: Partial<Parameters<typeof defineAction>[0]>) =>
    defineAction({
      name,
      version: 1,
      summary: 'Stops a host.',
      input: z.strictObject({ host: z.string() }),
      output: z.strictObject({}),
      requires: ['hosts'],
      idempotent: true,
      ...more,
      run: async () => {
        stopHost();
        return {};
      },
    });
  let stopHost = (): void => undefined;

  const runOf = async (action: ReturnType<typeof stop>) => {
    const text = `apiVersion: lazarus.dev/v1
kind: Workflow
metadata: { name: test.flow, version: 1 }
steps:
  stop: { uses: ${action.name}@1, with: { host: i-old } }
  clone: { uses: host.clone@1, needs: [stop], with: { from: i-old } }
`;
    const bench = createBench({ workflows: [workflow(text, [action])], actions: [action] });
    stopHost = () => change(bench, { state: 'stopped' });
    const engine = await bench.open();
    await engine.submit(aRequest({ workflow: 'test.flow' }));
    return bench.finish(engine);
  };

  it.each(['acme.stop_host', 'service.stop_host', 'http.stop_host', 'pager.stop_host'])(
    'explains what it did to its host, whatever its name is: %s',
    async (name) => {
      expect((await runOf(stop(name, { destructive: true }))).status).toBe('succeeded');
    },
  );

  it('explains nothing when it says that it touches nothing', async () => {
    expect((await runOf(stop('acme.note', { touches: 'nothing' }))).error?.message).toBe(
      'somebody else changed host i-old: it was running and is stopped',
    );
  });

  it('touches nothing when it only looks, and is refused when it says otherwise', () => {
    expect([stop('acme.look', { readOnly: true }).touches, stop('acme.stop', {}).touches]).toEqual([
      'nothing',
      'life',
    ]);
    expect(() => stop('acme.look', { readOnly: true, touches: 'exit' })).toThrow('acme.look@1 was refused');
  });
});

describe('two looks at a host', () => {
  const running = sightOf(aHost({ state: 'running', inLoadBalancer: true }));
  const out = sightOf(aHost({ state: 'running', inLoadBalancer: false }));
  const stopped = sightOf(aHost({ state: 'stopped', inLoadBalancer: true }));

  it('differ by what the run did itself, and nobody is suspected', () => {
    expect(changedByOthers(running, out, ['exit'])).toBeUndefined();
    expect(changedByOthers(out, running, ['exit', 'entry'])).toBeUndefined();
    expect(changedByOthers(running, stopped, ['life'])).toBeUndefined();
    expect(changedByOthers(running, sightOf(undefined), ['life'])).toBeUndefined();
  });

  it('differ by what the run did not do', () => {
    expect(changedByOthers(running, out, ['nothing'])).toBe('it was taken out of the load balancer');
    expect(changedByOthers(out, running, ['exit'])).toBe('it was put into the load balancer');
    expect(changedByOthers(running, stopped, ['exit', 'nothing'])).toBe('it was running and is stopped');
  });

  it('differ by what happens by itself', () => {
    const stopping = sightOf(aHost({ state: 'stopping', inLoadBalancer: true }));
    expect(changedByOthers(stopping, stopped, [])).toBeUndefined();
    expect(changedByOthers(sightOf(undefined), running, [])).toBeUndefined();
  });
});

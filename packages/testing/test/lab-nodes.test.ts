import { defineAction } from '@lazarus/dag';
import type { Action, ActionContext, ActionPorts } from '@lazarus/dag';
import { aHost } from '@lazarus/testing';
import { createLab } from '@lazarus/testing/lab';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { turnOfTheEventLoop } from '../src/clock/system-turn.ts';
import { mortalAction } from '../src/lab/lab-process.ts';
import { mockAction } from '../src/lab/mock-actions.ts';
import type { ActionReply, MockWorld } from '../src/lab/mock-actions.ts';

const CONTEXT = { idempotencyKey: 'k', step: 'only' } as ActionContext;

/** An action whose check hook counts how often it is asked. */
function counting(): { readonly action: Action; readonly asked: () => number } {
  let asked = 0;
  const action = defineAction({
    name: 'cdn.purge',
    version: 1,
    summary: 'Purges.',
    input: z.looseObject({}),
    output: z.looseObject({}),
    check: async () => {
      asked += 1;
      return { happened: true, output: { from: 'the real hook' } };
    },
    run: async () => ({}),
  });
  return { action: action, asked: () => asked };
}

const mocked = (action: Action, reply: ActionReply | 'run', world: MockWorld) =>
  mockAction(action, { mocks: {}, world, unmocked: () => reply, startedAtMs: () => 0 });

describe('the check hook of an action in a lab', () => {
  it('S12: is the real one where the real body runs', async () => {
    const { action, asked } = counting();
    const world: MockWorld = { calls: [], effects: new Map(), moments: 0 };
    expect(await mocked(action, 'run', world).check?.({}, CONTEXT)).toEqual({
      happened: true,
      output: { from: 'the real hook' },
    });
    expect(asked()).toBe(1);
  });

  it('finds the effects of the mock where the body is mocked', async () => {
    const { action, asked } = counting();
    const world: MockWorld = { calls: [], effects: new Map(), moments: 0 };
    const mock = mocked(action, { output: {} }, world);
    expect(await mock.check?.({}, CONTEXT)).toEqual({ happened: false });
    world.effects.set('k', { from: 'the mock' });
    expect(await mock.check?.({}, CONTEXT)).toEqual({ happened: true, output: { from: 'the mock' } });
    expect(asked()).toBe(0);
  });

  it('is not asked by a process that has died, and tells it nothing that it asked before', async () => {
    const { action, asked } = counting();
    const life = { isDead: false };
    const mortal = mortalAction(action, life);
    const heard: unknown[] = [];
    void mortal.check?.({}, CONTEXT).then((answer) => heard.push(answer));
    life.isDead = true;
    void mortal.check?.({}, CONTEXT).then((answer) => heard.push(answer));
    await turnOfTheEventLoop();
    expect({ heard, asked: asked() }).toEqual({ heard: [], asked: 1 });
  });
});

describe('the probe of a node', () => {
  it('answers its actions while it lives, and never after it has crashed', async () => {
    const seen: ActionPorts[] = [];
    await using lab = await createLab({
      services: '{ service: web, team: shop, profile: stateless }',
      mocks: {
        verify: (_input, { ports }) => {
          seen.push(ports);
          return { ok: true, status: 'healthy', consecutive: 3, detail: '' };
        },
      },
    });
    await lab.send({ event_type: 'HealthcheckDown', host: 'web-1' }, { node: 'a' });
    const probe = async (): Promise<string> => {
      const options = { timeoutMs: 100, signal: new AbortController().signal };
      const answer = seen[0]?.probe?.probe(aHost(), options).then(({ status }) => status);
      return Promise.race([answer ?? 'no probe', turnOfTheEventLoop().then(() => 'nothing')]);
    };
    expect(await probe()).toBe('healthy');
    lab.fault.crash('a');
    expect(await probe()).toBe('nothing');
  });
});

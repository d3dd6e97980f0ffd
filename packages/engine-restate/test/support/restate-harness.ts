import { createSystemClock } from '@lazarus/core';
import type { Clock, Pager } from '@lazarus/core/ports';
import { createActionRegistry } from '@lazarus/dag';
import { createSeededRandom, createSequentialIds, silentLogger } from '@lazarus/testing';
import { gateAction, ProcessGate } from '@lazarus/testing/contracts';
import type { EngineHarness, EngineProcess } from '@lazarus/testing/contracts';
import { startRestate } from '../../../../tools/restate-server.ts';
import { startBalancer } from '../../../../tools/tcp-balancer.ts';
import { createRestateEngine } from '../../src/index.ts';
import type { RestateEngine } from '../../src/index.ts';
import { freePort } from './free-port.ts';

const POLL_MS = 20;

/** Silence after which the server gives up a process that keeps its connections, milliseconds. */
export const SILENCE_MS = 900;

/** Processes in this process, behind one address, on a Restate server of their own. */
export async function createRestateHarness(): Promise<EngineHarness> {
  const system = createSystemClock();
  const restate = await startRestate({ silenceMs: SILENCE_MS });
  const balancer = await startBalancer();
  const ids = createSequentialIds();
  const engines: { readonly engine: RestateEngine; readonly gate: ProcessGate }[] = [];
  let wallOffsetMs = 0;
  /** The workflows escalate by an action; an engine that calls for help besides would escalate a second time. */
  const helpCalls: string[] = [];
  const pager = {
    escalate: async ({ incidentKey, reason }) => {
      helpCalls.push(`${incidentKey}: ${reason}`);
      return { done: false, reason: 'not_found' };
    },
  } as Pick<Pager, 'escalate'> as Pager;

  return {
    start: async ({ actions, workflows, guard }): Promise<EngineProcess> => {
      const gate = new ProcessGate();
      const clock: Clock = {
        now: () => system.now() + wallOffsetMs,
        monotonic: () => system.monotonic(),
        sleep: async (ms, options) => {
          await system.sleep(ms, options);
          await gate.pass();
        },
      };
      const port = await freePort();
      const target = `http://127.0.0.1:${port}`;
      balancer.add(target);
      const engine = await createRestateEngine(
        {
          servers: [{ ingressUrl: restate.ingressUrl, adminUrl: restate.adminUrl }],
          listen: { port },
          serviceUrl: balancer.url,
          times: { watchMs: 500 },
        },
        {
          actions: createActionRegistry(actions.map((action) => gateAction(action, gate))),
          workflows,
          ports: { pager },
          clock,
          ids,
          random: createSeededRandom(engines.length + 1),
          log: silentLogger,
          ...(guard === undefined ? {} : { guard }),
        },
      );
      engines.push({ engine, gate });
      return {
        engine,
        kill: () => {
          gate.close();
          balancer.remove(target);
        },
        freeze: () => {
          gate.close();
          balancer.freeze(target);
        },
        thaw: () => {
          gate.open();
          balancer.thaw(target);
        },
      };
    },
    until: async (condition, limitMs) => {
      const endMs = system.monotonic() + limitMs;
      while (!(await condition())) {
        if (system.monotonic() >= endMs) throw new Error(`not so within ${limitMs} ms`);
        await system.sleep(POLL_MS);
      }
    },
    jumpWall: (ms) => {
      wallOffsetMs += ms;
    },
    restartServer: async () => {
      await restate.kill();
      await restate.start();
    },
    close: async () => {
      for (const { engine, gate } of engines) {
        gate.open();
        await engine.close();
      }
      await balancer.stop();
      await restate.stop();
      if (helpCalls.length > 0) throw new Error(`an engine called for help: ${helpCalls.join('; ')}`);
    },
  };
}

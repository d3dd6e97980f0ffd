import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LazarusEvent } from '@lazarus/core';
import type { RunRequest, RunView } from '@lazarus/core/ports';
import { createManualClock, createSeededRandom, createSequentialIds, silentLogger } from '@lazarus/testing';
import type { ManualClock } from '@lazarus/testing';
import { onTestFinished } from 'vitest';
import { builtinActions, createActionRegistry, createEmbeddedEngine, loadWorkflow } from '../../src/index.ts';
import type { Action, EmbeddedEngine, EngineOptions, WorkflowDefinition } from '../../src/index.ts';
import { World } from './world.ts';

export const registry = createActionRegistry(builtinActions);

/** A shipped workflow. */
export function shipped(name: string): WorkflowDefinition {
  const file = new URL(`../../workflows/${name}.yaml`, import.meta.url);
  return loadWorkflow(readFileSync(file, 'utf8'), { file: `${name}.yaml`, actions: registry });
}

/** A workflow from text, with more actions. */
export function workflow(text: string, actions: readonly Action[] = []): WorkflowDefinition {
  return loadWorkflow(text, {
    file: 'test.yaml',
    actions: createActionRegistry([...builtinActions, ...actions]),
  });
}

export const event: LazarusEvent = {
  id: 'e1',
  event_type: 'HealthcheckDown',
  source: 'test',
  time: '2026-01-01T00:00:00Z',
  region: 'us-east-1',
  environment: 'prod',
  service: 'web',
  host: 'i-old',
  incident_key: 'INC-1',
  attributes: {},
};

export function aRequest(overrides: Partial<RunRequest> = {}): RunRequest {
  return {
    runId: 'run-1',
    workflow: 'default.replace_host',
    inputs: {},
    event,
    rule: 'host_down',
    configDigest: 'digest',
    service: 'web',
    hostId: 'i-old',
    incidentKey: 'INC-1',
    lock: { kind: 'host', service: 'web', host: 'i-old' },
    timeoutMs: 30 * 60_000,
    notificationGroup: 'web-team',
    ...overrides,
  };
}

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lazarus-dag-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Everything that one test needs, on one file. */
export interface Bench {
  readonly clock: ManualClock;
  readonly world: World;
  readonly file: string;
  /** Opens an engine on the file; engines that were opened before count as dead processes. */
  open(overrides?: Partial<EngineOptions>): Promise<EmbeddedEngine>;
  /** Moves the clock until the run has ended, at most 2 h. */
  finish(engine: EmbeddedEngine, runId?: string): Promise<RunView>;
}

export function createBench(
  options: { readonly workflows?: readonly WorkflowDefinition[]; readonly actions?: readonly Action[] } = {},
): Bench {
  const clock = createManualClock();
  const world = new World();
  const ids = createSequentialIds();
  const file = join(temporaryFolder(), 'runs.db');
  const actions = createActionRegistry([...builtinActions, ...(options.actions ?? [])]);
  let opened = 0;
  return {
    clock,
    world,
    file,
    open: async (overrides = {}) => {
      opened += 1;
      const self = `process-${opened}`;
      const engine = await createEmbeddedEngine({
        file,
        thread: 'main',
        actions,
        workflows: options.workflows ?? [shipped('replace_host'), shipped('notify_only')],
        ports: world.ports,
        clock,
        ids,
        random: createSeededRandom(opened),
        log: silentLogger,
        processes: { self, isGone: (process) => process !== self },
        ...overrides,
      });
      onTestFinished(() => engine.close());
      return engine;
    },
    finish: async (engine, runId = 'run-1') => {
      const started = clock.now();
      for (;;) {
        const view = await engine.get(runId);
        if (view !== undefined && view.status !== 'running' && !engine.activeRuns.includes(runId))
          return view;
        if (clock.now() - started > 2 * 3_600_000)
          throw new Error(`run ${runId} does not end: ${JSON.stringify(view, null, 1)}`);
        await clock.advance(100);
      }
    },
  };
}

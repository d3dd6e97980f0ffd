import type { DecisionRecord } from '@lazarus/core';
import type { RunView } from '@lazarus/core/ports';
import { requestJson } from './http.ts';
import type { World } from './world.ts';

/** One host, as the simulated region shows it. */
export interface HostView {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  readonly az: string;
  readonly state: string;
  readonly process: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly target_health: Readonly<Record<string, string>>;
}

/** One page, as the simulated pager shows it. */
export interface PageView {
  readonly incident_key: string;
  readonly status: 'triggered' | 'acknowledged' | 'resolved';
  readonly escalation_level: number;
}

/** What anybody can see of the world from outside. */
export interface Views {
  hosts(service: string): Promise<readonly HostView[]>;
  launches(): Promise<number>;
  pages(): Promise<readonly PageView[]>;
  decisions(service: string): Promise<readonly DecisionRecord[]>;
  run(runId: string): Promise<RunView | undefined>;
}

/** Looks at a world through the HTTP interfaces that it shows to everybody. */
export function createViews(world: World): Views {
  const region = () =>
    requestJson<{ readonly instances: readonly HostView[]; readonly launches_by_api: number }>(
      `${world.region.url}/_sim/state`,
    );
  return {
    hosts: async (service) =>
      (await region()).instances.filter((host) => host.service === service && host.state !== 'terminated'),
    launches: async () => (await region()).launches_by_api,
    pages: async () =>
      (await requestJson<{ readonly incidents: readonly PageView[] }>(`${world.pager.url}/_sim/incidents`))
        .incidents,
    decisions: async (service) =>
      (
        await requestJson<{ readonly decisions: readonly DecisionRecord[] }>(
          `${world.controller.url}/v1/decisions?service=${service}&limit=50`,
        )
      ).decisions,
    run: (runId) => requestJson<RunView>(`${world.controller.url}/v1/runs/${runId}`).catch(() => undefined),
  };
}

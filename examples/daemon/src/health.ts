import type { ReadinessCheck } from '@lazarus/api';
import type { Controller } from '@lazarus/core/controller';
import type { Clock } from '@lazarus/core/ports';
import type { Nodes } from './nodes.ts';

/** What a store says of itself. */
export type Health = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** A store that says whether it works, as a check. */
export function healthCheck(name: string, health: () => Health): ReadinessCheck {
  return {
    name,
    check: () => {
      const answer = health();
      if (!answer.ok) throw new Error(answer.reason);
      return undefined;
    },
  };
}

/** Whether anything is in force: a node that waits for the shared state of rollouts hands every page to people. */
export function configurationCheck(controller: Pick<Controller, 'snapshot'>): ReadinessCheck {
  return healthCheck('configuration', () =>
    controller.snapshot === undefined
      ? { ok: false, reason: 'no configuration is in force yet; every page goes to people' }
      : { ok: true },
  );
}

/** Whether enough nodes can be asked for votes; who is away, and since when. */
export function quorumCheck({ membership, own, peers }: Nodes, clock: Pick<Clock, 'now'>): ReadinessCheck {
  return {
    name: 'quorum',
    check: () => {
      const others = peers();
      const reachable = own.length + others.filter(({ connected }) => connected).length;
      const away = others
        .filter(({ connected }) => !connected)
        .map(({ id, lastSeenAtMs, detail }) => `${id} ${since(lastSeenAtMs, clock)} (${detail ?? 'away'})`);
      const count = `${reachable} of ${membership.members.length} nodes can be asked, ${membership.required} are needed`;
      const text = [count, ...away].join('; ');
      if (reachable < membership.required)
        throw new Error(`${text}; nothing is done, pages escalate by themselves`);
      return away.length === 0 ? text : { degraded: text };
    },
  };
}

function since(lastSeenAtMs: number | undefined, clock: Pick<Clock, 'now'>): string {
  if (lastSeenAtMs === undefined) return 'was never seen';
  return `was last seen ${((clock.now() - lastSeenAtMs) / 1000).toFixed(1)} s ago`;
}

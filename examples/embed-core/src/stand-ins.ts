/** Stands for your provider, your healthchecks and your pager: three hosts, one of them dead, and one page. */
import type { Fleet, HealthProbe, Host, Page, Pager, PageResult } from '@lazarus/core/ports';

const hosts = ['web-1', 'web-2', 'web-3'].map((name): Host => {
  const incarnation = {
    account: '111122223333',
    region: 'us-east-1',
    instanceId: `i-${name}`,
    launchedAtMs: 0,
  };
  return {
    hostId: incarnation.instanceId,
    name,
    incarnation,
    service: 'web',
    environment: 'prod',
    zone: 'us-east-1a',
    state: 'running',
    lifecycle: 'active',
    inLoadBalancer: true,
    healthUrl: `http://${name}.invalid/health`,
    managed: true,
    isProtected: false,
    tags: {},
  };
});

/** The directory of hosts; yours asks the provider. */
export const fleet: Fleet = {
  list: async (service) => ({ service, hosts, complete: true, observedAtMs: performance.now() }),
  find: async ({ host }) => hosts.find(({ hostId, name }) => hostId === host || name === host),
};

/** Looks from the zone in which this program runs; yours asks the health URL. */
export const probe: HealthProbe = {
  zone: 'us-east-1a',
  probe: async ({ name }) => ({
    status: name === 'web-1' ? 'unreachable' : 'healthy',
    latencyMs: 1,
    detail: name === 'web-1' ? 'connection refused' : '200 OK',
  }),
};

let page: Page = {
  incidentKey: 'web/web-1',
  pageId: 'P1',
  status: 'triggered',
  escalationLevel: 1,
  takenByHuman: false,
};

function change(part: Partial<Page>): PageResult {
  page = { ...page, ...part };
  return { done: true, page, changed: true };
}

/** One open page; yours asks the pager service. */
export const pager: Pager = {
  find: async () => page,
  acknowledge: async () => change({ status: 'acknowledged' }),
  resolve: async () => change({ status: 'resolved' }),
  escalate: async () => change({ escalationLevel: 2, takenByHuman: true }),
};

import { createSystemClock } from '@lazarus/core';
import { createPager } from '@lazarus/example-pager-sim';
import { createFakePager, createManualClock } from '@lazarus/testing';
import { describePagerContract } from '@lazarus/testing/contracts';
import { describe, expect, it } from 'vitest';

import { createPagerDutyEvents, createPagerDutyPager } from '../src/index.ts';

const runner = { describe, it, expect };
const ports = { clock: createSystemClock(), random: { next: () => 0.5 } };

describePagerContract(runner, {
  name: 'PagerDuty',
  create: async () => {
    const service = await createPager();
    const { endpoint } = service;
    const events = createPagerDutyEvents({ endpoint, routingKey: 'r'.repeat(32), ...ports });
    const pager = createPagerDutyPager({
      endpoint,
      token: 'token',
      from: 'lazarus@example.com',
      responders: ['lazarus'],
      ...ports,
    });
    const person = async (incidentKey: string): Promise<void> => {
      const url = `${endpoint}/_sim/incidents/${encodeURIComponent(incidentKey)}/acknowledge`;
      expect((await fetch(url, { method: 'POST', body: '{"by":"Jane"}' })).status).toBe(200);
    };
    return {
      pager,
      open: (incidentKey) => events.trigger({ incidentKey, summary: 'web-1 is down', source: 'test' }),
      touch: person,
      notesOf: async (incidentKey) =>
        service
          .incidents()
          .filter(({ key }) => key === incidentKey)
          .flatMap(({ notes }) => notes.map(({ content }) => content)),
      close: () => service.close(),
    };
  },
});

describePagerContract(runner, {
  name: 'fake',
  create: async () => {
    const pager = createFakePager({ clock: createManualClock() });
    return {
      pager,
      open: async (incidentKey) => void pager.open(incidentKey),
      touch: async (incidentKey) => void pager.touch(incidentKey),
      notesOf: async (incidentKey) => pager.notesOf(incidentKey),
      close: async () => undefined,
    };
  },
});

import { readFileSync } from 'node:fs';
import { createLab } from '@lazarus/testing/lab';
import '@lazarus/testing/vitest';
import { describe, expect, it } from 'vitest';
import { actions, preconditions } from '../src/lazarus.plugins.ts';

const text = (name: string): string =>
  readFileSync(new URL(`../src/config/${name}`, import.meta.url), 'utf8');
const shop = {
  rules: text('rules/stale-cache.yaml'),
  services: text('services/web.yaml'),
  workflows: text('workflows/purge-cache.yaml'),
  actions,
  preconditions,
};

describe('the region of the shop', () => {
  it('replaces a host once, although the node that runs the replacement dies in the middle of it', async () => {
    await using lab = await createLab(shop);
    lab.at('20s', () => lab.fault.crash('b'));
    const outcome = await lab.send({ event_type: 'HealthcheckDown', host: 'web-1' }, { node: 'b' });
    expect(outcome).toHaveVotes('3/3');
    expect(outcome).toHaveRun(['clone', 'verify', 'into_lb', 'forensics']);
    expect(lab.effects.filter(({ what }) => what === 'launch')).toHaveLength(1);
  });

  it('asks its own precondition, on every node', async () => {
    await using lab = await createLab({ ...shop, startAt: '2026-11-27T00:00:00Z' });
    const outcome = await lab.send({
      event_type: 'NagiosServiceAlarm',
      service: 'shop',
      attributes: { service_description: 'cache' },
    });
    expect(outcome).toBeBlockedBy('NotDuringSale');
    expect(outcome).toHaveEscalated({ reason: '2026-11-27 is a sale' });
  });
});

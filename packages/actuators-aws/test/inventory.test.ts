import type { Instance } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { InventoryOptions, toHost } from '../src/inventory.ts';

const read = (
  tags: Readonly<Record<string, string>>,
  options: { readonly inLoadBalancer?: boolean; readonly health?: string; readonly instance?: Instance } = {},
) => {
  const { inLoadBalancer = false, health, instance } = options;
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const described: Instance = { InstanceId: 'i-1', PrivateIpAddress: '10.0.0.1', Tags, ...instance };
  return toHost(
    { instance: described, account: '1' },
    {
      inventory: InventoryOptions.parse({ protectedHosts: ['i-lazarus'], ...(health && { health }) }),
      region: 'us-east-1',
      inLoadBalancer,
    },
  );
};

describe('hosts as the provider describes them', () => {
  it('have the health URL of their tag, else port and path on their private address', () => {
    expect(read({ 'lazarus:health-url': 'https://web-1/health' }).healthUrl).toBe('https://web-1/health');
    expect(read({ 'lazarus:health': ':8080/health' }).healthUrl).toBe('http://10.0.0.1:8080/health');
    expect(read({ 'lazarus:health': '/up' }, { health: ':1/a' }).healthUrl).toBe('http://10.0.0.1/up');
    expect(read({}, { health: ':8080/health' }).healthUrl).toBe('http://10.0.0.1:8080/health');
    expect(read({}).healthUrl).toBeUndefined();
  });

  it.each(['.example.com/', '@example.com/', '1/', ':80@example.com/', ':8080', 'health', '/two words'])(
    'have no health URL when the tag says %s, which could name another host',
    (health) => {
      expect(read({ 'lazarus:health': health }).healthUrl).toBeUndefined();
    },
  );

  it('S16: may be acted on only when their tag is the very word true', () => {
    const managed = ['true', 'True', '1', 'yes', ''].map((tag) => read({ 'lazarus:managed': tag }).managed);
    expect(managed).toEqual([true, false, false, false, false]);
    expect(read({}).managed).toBe(false);
  });

  it('S16: are protected by their tag or because Lazarus runs there', () => {
    expect(read({ 'lazarus:protected': 'true' }).isProtected).toBe(true);
    expect(read({}, { instance: { InstanceId: 'i-lazarus' } }).isProtected).toBe(true);
    expect(read({}).isProtected).toBe(false);
  });

  it('are called by their name tag, else by their id', () => {
    expect([read({ Name: 'web-1' }).name, read({ Name: '' }).name, read({}).name]).toEqual([
      'web-1',
      'i-1',
      'i-1',
    ]);
  });

  it('S8: in a state that is not understood do not count as running', () => {
    const state = (Name: string) => read({}, { instance: { State: { Name: Name as never } } }).state;
    expect([state('running'), state('hibernating')]).toEqual(['running', 'stopping']);
  });
});

import { describe, expect, it } from 'vitest';
import { compileConfig } from '../../src/config/compile-config.ts';
import { ConfigurationError } from '../../src/errors/lazarus-error.ts';
import { BUILT_IN_PRECONDITIONS } from '../../src/preconditions/built-in-preconditions.ts';
import { BUILT_IN_PROFILES } from '../../src/profiles/built-in-profiles.ts';
import { event } from '../config/fixture.ts';

const workflows = ['default.replace_host', 'default.replace_host_with_standby_promotion'].map((name) => ({
  name,
  digest: name,
}));

function compile(profile: string, overrides = '{}') {
  const text = `service: web\nteam: storefront\nprofile: ${profile}\noverrides: ${overrides}\n`;
  return compileConfig([{ kind: 'service', path: 'services/web.yaml', text }], {
    preconditions: BUILT_IN_PRECONDITIONS,
    workflows,
  });
}

const hostAlarm = event();

describe.each([...BUILT_IN_PROFILES.keys()])('the profile %s', (profile) => {
  it('loads with the built-in preconditions from a four-line document and answers a hard host alarm', () => {
    const match = compile(profile).match(hostAlarm);
    expect(match).toMatchObject({
      matched: true,
      rule: { name: `${profile}.host_down`, mode: 'act', action: 'workflow' },
    });
  });

  it('checks capacity, the health of the host and the health of its peers before anything is done', () => {
    const match = compile(profile).match(hostAlarm);
    const names = match.matched ? match.rule.prechecks.map(({ definition }) => definition.name) : [];
    expect(names).toEqual(
      expect.arrayContaining(['MinActiveHosts', 'MaxActiveHosts', 'HealthCheckDown', 'PeerCheck']),
    );
  });

  it('can be kept from acting by its service', () => {
    expect(compile(profile, '{ mode: notify }').match(hostAlarm)).toMatchObject({ rule: { mode: 'notify' } });
  });
});

describe.each(['stateless_with_standby_pivot', 'elastic_search', 'cassandra'])(
  'the stateful profile %s',
  (profile) => {
    it('acts on one host at a time, in one zone at a time, and looks at the whole cluster', () => {
      const match = compile(profile).match(hostAlarm);
      const rule = match.matched ? match.rule : undefined;
      expect(rule).toMatchObject({
        lock: { type: 'service', onBusy: 'escalate' },
        limits: { maxEntities: 1 },
      });
      const health = rule?.prechecks.find(({ definition }) => definition.name === 'ClusterHealth');
      expect(health?.params).toMatchObject({ one_zone: true, min_replicas: 1 });
    });
  },
);

describe('parameters of the stateful profiles', () => {
  it('reach the checks: the tag of the replica set and a duration', () => {
    const match = compile('elastic_search', '{ replica_set_tag: shard, min_replicas: 2, quiet: 2h }').match(
      hostAlarm,
    );
    const params = Object.fromEntries(
      (match.matched ? match.rule.prechecks : []).map((check) => [check.definition.name, check.params]),
    );
    expect(params['ClusterHealth']).toMatchObject({
      replica_set_tag: 'shard',
      min_replicas: 2,
      min_healthy_fraction: 0.9,
    });
    expect(params['NoRecentAction']).toEqual({ quiet: 7_200_000 });
  });

  it('are refused out of range', () => {
    expect(() => compile('cassandra', '{ min_healthy_fraction: 0.2 }')).toThrow(ConfigurationError);
    expect(() => compile('cassandra', '{ quiet: 30s }')).toThrow('found string "30s", expected at least 1m');
  });

  it('leave a scheduled event of a stateful member to its owners', () => {
    const match = compile('cassandra').match(event({ event_type: 'AWSScheduledEvent', attributes: {} }));
    expect(match).toMatchObject({
      rule: { name: 'cassandra.aws_scheduled_event', action: 'notify_only', prechecks: [] },
    });
  });
});

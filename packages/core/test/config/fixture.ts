import { z } from 'zod';
import { compileConfig } from '../../src/config/compile-config.ts';
import type { CatalogOptions } from '../../src/config/catalog.ts';
import type { CompiledSnapshot } from '../../src/config/compiled-snapshot.ts';
import { ConfigurationError, formatIssue } from '../../src/errors/lazarus-error.ts';
import type { LazarusEvent } from '../../src/events/event.ts';
import type { ConfigDocument } from '../../src/ports/config-source.ts';
import type { Precondition } from '../../src/preconditions/precondition.ts';

function check(name: string, params: z.ZodType, more: Partial<Precondition> = {}): Precondition {
  return {
    kind: 'precondition',
    name,
    aliases: [],
    summary: `${name} of the test`,
    params,
    timeoutMs: 5_000,
    check: () => ({ verdict: 'pass' }),
    ...more,
  };
}

/** Preconditions with the parameters of the real ones, and no behavior: configuration never runs them. */
export const PRECONDITIONS: readonly Precondition[] = [
  check('MinActiveHosts', z.strictObject({ min: z.int().min(1) }), { mainParam: 'min' }),
  check('MaxActiveHosts', z.strictObject({ max: z.int().min(1) }), { mainParam: 'max' }),
  check(
    'HealthCheckDown',
    z.strictObject({ zones: z.int().min(1).default(3), agree: z.int().min(1).default(2) }),
  ),
  check('PeerCheck', z.strictObject({ max_unhealthy_peers: z.int().min(0).default(0) }), {
    aliases: ['PeerHealth'],
    mainParam: 'max_unhealthy_peers',
  }),
  check('ClusterHealth', z.strictObject({}).loose()),
];

export const OPTIONS: CatalogOptions = {
  preconditions: PRECONDITIONS,
  workflows: [
    { name: 'default.replace_host', digest: 'd1', inputs: ['host', 'boot_timeout'] },
    { name: 'default.notify_only', digest: 'd2' },
  ],
};

/** The rule of the post in its plain form. */
export const PLAIN_RULE = `
name: nagios_host_down
description: rule for nagios host down event
criteria:
  environment: dev|stage|prod
  event_type: NagiosHostAlarm
  host_state_type: HARD
prechecks:
  - checkName: MinActiveHosts
    default: 2
  - checkName: MaxActiveHosts
  - checkName: HealthCheckDown
workflow:
  name: default.replace_host
  notification_group: lazarus-orchestration
`;

export const document = (kind: ConfigDocument['kind'], path: string, text: string): ConfigDocument => ({
  kind,
  path,
  text,
});
export const rule = (text: string, path = 'rules/a.yaml'): ConfigDocument => document('rule', path, text);
export const service = (text: string, path = 'services/web.yaml'): ConfigDocument =>
  document('service', path, text);
export const profile = (text: string, path = 'profiles/p.yaml'): ConfigDocument =>
  document('profile', path, text);
export const settings = (text: string): ConfigDocument => document('settings', 'settings.yaml', text);

export function compile(...documents: ConfigDocument[]): CompiledSnapshot {
  return compileConfig(documents, OPTIONS);
}

/** The issues of a refused configuration, formatted; empty when it was accepted. */
export function refusals(...documents: ConfigDocument[]): readonly string[] {
  try {
    compile(...documents);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues.map(formatIssue);
    throw error;
  }
}

export function event(fields: Partial<LazarusEvent> = {}): LazarusEvent {
  return {
    id: '1',
    event_type: 'NagiosHostAlarm',
    source: 'nagios',
    time: '2026-01-31T12:00:00Z',
    region: 'eu-west-1',
    environment: 'prod',
    service: 'web',
    host: 'web-1',
    attributes: { host_state: 'DOWN', host_state_type: 'HARD' },
    ...fields,
  };
}

import type { Json } from '@lazarus/core/ports';
import type { Action } from '@lazarus/dag';
import type { ActionReply } from './mock-actions.ts';

/** What each built-in action answers when everything goes well. */
const HAPPY: Readonly<Record<string, Json>> = {
  'pager.acknowledge@1': { page: 'acknowledged', changed: true },
  'pager.resolve@1': { page: 'resolved', changed: true },
  'pager.escalate@1': { page: 'escalated', changed: true },
  'lb.remove@1': { groups: ['tg'] },
  'lb.add@1': { groups: ['tg'] },
  'lb.status@1': { status: 'healthy', in_service: true },
  'host.clone@1': { host_id: 'i-new', zone: 'zone-a' },
  'host.describe@1': {
    host_id: 'i-new',
    state: 'running',
    lifecycle: 'active',
    zone: 'zone-a',
    service: 'web',
    known: true,
  },
  'host.set_state@1': { state: 'forensics', expires_at: null },
  'host.terminate@1': { host_id: 'i-new' },
  'host.reboot@1': { host_id: 'i-old' },
  'host.command@1': { exit_code: 0, output: '' },
  'host.query@1': { ok: true, exit_code: 0, output: '' },
  'host.find_peer@1': { host_id: 'i-standby', tag_value: 'shard-1' },
  'service.set_hosts@1': { before: 2, hosts: 3 },
  'service.active_hosts@1': { hosts: 3 },
  'healthcheck.verify@1': { ok: true, status: 'healthy', consecutive: 3, detail: '200' },
  'notify.send@1': { sent: true },
};

/** The happy answer of a built-in action; `undefined` for one that is not built in. */
export function happyReply(action: Pick<Action, 'name' | 'version'>): ActionReply | undefined {
  const output = HAPPY[`${action.name}@${action.version}`];
  return output === undefined ? undefined : { output };
}

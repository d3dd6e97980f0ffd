import type {
  Fleet,
  FleetSnapshot,
  HealthReport,
  Host,
  HostActuator,
  Pager,
  PageResult,
} from '@lazarus/core/ports';
import { aHost, createManualClock, silentLogger } from '@lazarus/testing';
import { describe, expect, it } from 'vitest';
import { builtinActions } from '../src/index.ts';
import type { ActionContext, ActionPorts } from '../src/index.ts';
import { aRequest, event, registry } from './support/bench.ts';

const STARTED = Date.UTC(2026, 0, 1);

function contextOf(ports: ActionPorts, more: Partial<ActionContext> = {}): ActionContext {
  return {
    run: aRequest(),
    event,
    step: 's',
    idempotencyKey: 'k'.repeat(64),
    attempt: 1,
    startedAtMs: STARTED,
    signal: new AbortController().signal,
    ports,
    clock: createManualClock(),
    log: silentLogger,
    ...more,
  };
}

/** Calls a built-in action as the engine does: inputs and outputs go through their schemas. */
async function call(
  uses: string,
  input: unknown,
  ports: ActionPorts,
  more: Partial<ActionContext> = {},
): Promise<unknown> {
  const action = registry.get(uses);
  if (action === undefined) throw new Error(`no action ${uses}`);
  return action.output.parse(await action.run(action.input.parse(input), contextOf(ports, more)));
}

/** A port of which only these methods are called. */
const port = <T>(methods: Partial<T>): T => methods as T;

type Flags = readonly [does: 'looks' | 'changes' | 'destroys', repeats: string, undo: string, ports: string];

const FLAGS: Readonly<Record<string, Flags>> = {
  'pager.acknowledge': ['changes', 'idempotent', '', 'pager'],
  'pager.resolve': ['changes', 'idempotent', '', 'pager'],
  'pager.escalate': ['changes', 'idempotent', '', 'pager'],
  'lb.remove': ['destroys', 'idempotent', 'lb.add@1', 'loadBalancer'],
  'lb.add': ['changes', 'idempotent', 'lb.remove@1', 'loadBalancer'],
  'lb.status': ['looks', 'idempotent', '', 'loadBalancer'],
  'host.clone': ['destroys', 'idempotent, check', 'host.terminate@1', 'hosts'],
  'host.describe': ['looks', 'idempotent', '', 'hosts'],
  'host.set_state': ['destroys', 'idempotent', '', 'hosts'],
  'host.terminate': ['destroys', 'idempotent', '', 'hosts'],
  'host.reboot': ['destroys', 'idempotent', '', 'hosts'],
  'host.command': ['destroys', 'idempotent', '', 'commands'],
  'host.query': ['looks', 'idempotent', '', 'commands'],
  'host.find_peer': ['looks', 'idempotent', '', 'fleet'],
  'service.set_hosts': ['destroys', 'idempotent', 'service.set_hosts@1', 'services'],
  'service.active_hosts': ['looks', 'idempotent', '', 'services'],
  'healthcheck.verify': ['looks', 'idempotent', '', 'hosts, probe'],
  'notify.send': ['changes', 'idempotent', '', 'notifier'],
  'http.get': ['looks', 'idempotent', '', 'http'],
  'http.call': ['destroys', 'idempotent', '', 'http'],
};

describe('the built-in actions', () => {
  it('say of themselves whether they look, change or destroy, may be repeated, how they are undone and what they need', () => {
    const flags = builtinActions.map((action): [string, Flags] => [
      action.name,
      [
        action.destructive ? 'destroys' : action.readOnly ? 'looks' : 'changes',
        [action.idempotent ? 'idempotent' : '', action.check === undefined ? '' : 'check']
          .filter((word) => word !== '')
          .join(', '),
        action.undo?.uses ?? '',
        action.requires.join(', '),
      ],
    ]);
    expect(Object.fromEntries(flags)).toEqual(FLAGS);
  });

  it.each(builtinActions.map((action) => [action.name, action] as const))(
    '%s refuses to run without its port, by name',
    async (name, action) => {
      const inputs: Readonly<Record<string, unknown>> = {
        'pager.escalate': { incident: 'INC-1', reason: 'r' },
        'host.clone': { from: 'i-1' },
        'host.find_peer': { of: 'i-1', same_tag: 'shard', role: 'standby' },
        'service.set_hosts': { service: 'web', hosts: 2 },
        'service.active_hosts': { service: 'web' },
        'notify.send': { text: 'x' },
        'http.get': { url: 'https://a.example.com' },
        'http.call': { method: 'POST', url: 'https://a.example.com' },
      };
      const more = name.startsWith('host.') ? { command: 'c', state: 'active' } : {};
      const known = Object.keys((action.input as unknown as { readonly shape: object }).shape);
      const all = { host: 'i-1', incident: 'INC-1', ...more };
      const fallback = Object.fromEntries(Object.entries(all).filter(([key]) => known.includes(key)));
      await expect(call(`${name}@1`, inputs[name] ?? fallback, {})).rejects.toMatchObject({
        code: 'LZ_PORT_MISSING',
        message: expect.stringContaining(action.requires[0] ?? '') as string,
      });
    },
  );

  it('undo with what they were given and what they gave', () => {
    const undo = (uses: string, input: unknown, output: unknown) =>
      registry.get(uses)?.undo?.with(input, output);
    expect(undo('lb.remove@1', { host: 'i-1' }, { groups: ['tg'] })).toEqual({ host: 'i-1' });
    expect(undo('lb.add@1', { host: 'i-1' }, { groups: ['tg'] })).toEqual({ host: 'i-1' });
    expect(undo('host.clone@1', { from: 'i-1' }, { host_id: 'i-2', zone: 'a' })).toEqual({ host: 'i-2' });
    expect(undo('service.set_hosts@1', { service: 'web', hosts: 5 }, { before: 3, hosts: 5 })).toEqual({
      service: 'web',
      hosts: 3,
    });
    for (const { undo: way } of builtinActions)
      if (way !== undefined) expect(registry.ids).toContain(way.uses);
  });
});

describe('pager actions', () => {
  const page = {
    incidentKey: 'INC-1',
    pageId: 'P1',
    status: 'triggered',
    escalationLevel: 1,
    takenByHuman: false,
  } as const;
  const pager = (result: PageResult): ActionPorts => ({
    pager: port<Pager>({
      acknowledge: async () => result,
      resolve: async () => result,
      escalate: async () => result,
    }),
  });

  it('do nothing when the event names no page', async () => {
    for (const [uses, more] of [
      ['pager.acknowledge@1', {}],
      ['pager.resolve@1', {}],
      ['pager.escalate@1', { reason: 'r' }],
    ] as const)
      expect(await call(uses, { incident: null, ...more }, {})).toEqual({ page: 'none', changed: false });
  });

  it.each([
    ['taken_by_human', 'LZ_WORKFLOW_CANCELED', 'a person has taken the page'],
    ['already_resolved', 'LZ_WORKFLOW_CANCELED', 'the page is resolved already'],
    ['not_found', 'LZ_WORKFLOW_STEP_FAILED', 'the pager knows no page'],
  ] as const)('acknowledging a page that is %s stops the run', async (reason, code, message) => {
    const ports = pager({ done: false, reason, page });
    await expect(call('pager.acknowledge@1', { incident: 'INC-1' }, ports)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  it('resolving and escalating say what became of the page', async () => {
    const taken = pager({ done: false, reason: 'taken_by_human', page });
    expect(await call('pager.resolve@1', { incident: 'INC-1' }, taken)).toEqual({
      page: 'taken_by_human',
      changed: false,
    });
    const done = pager({ done: true, changed: true, page });
    expect(await call('pager.escalate@1', { incident: 'INC-1', reason: 'r' }, done)).toEqual({
      page: 'escalated',
      changed: true,
    });
  });
});

describe('healthcheck.verify', () => {
  const host = aHost({ hostId: 'i-2' });
  const ports = (status: HealthReport['status'], described: Host | undefined = host): ActionPorts => ({
    hosts: port<HostActuator>({ describe: async () => described }),
    probe: { zone: 'a', probe: async () => ({ status, latencyMs: 1, detail: 'd' }) },
  });
  const before = (consecutive: number) => ({
    previous: { ok: false, status: 'healthy', consecutive, detail: 'd' },
  });

  it('is ok after as many healthy answers in a row as asked for, and begins anew after one that is not', async () => {
    const ask = (status: HealthReport['status'], consecutive: number) =>
      call('healthcheck.verify@1', { host: 'i-2', consecutive_ok: 3 }, ports(status), before(consecutive));
    expect(await ask('healthy', 1)).toMatchObject({ ok: false, consecutive: 2 });
    expect(await ask('healthy', 2)).toMatchObject({ ok: true, consecutive: 3 });
    expect(await ask('unhealthy', 2)).toMatchObject({ ok: false, consecutive: 0 });
    expect(await ask('unreachable', 2)).toMatchObject({ ok: false, consecutive: 0 });
  });

  it('S8: takes a host that the provider does not know for unhealthy, and gives up on one that has ended', async () => {
    const unknown: ActionPorts = {
      ...ports('healthy'),
      hosts: port<HostActuator>({ describe: async () => undefined }),
    };
    expect(await call('healthcheck.verify@1', { host: 'i-2' }, unknown, before(2))).toMatchObject({
      ok: false,
      consecutive: 0,
    });
    const ended = ports('healthy', { ...host, state: 'terminated' });
    await expect(call('healthcheck.verify@1', { host: 'i-2' }, ended)).rejects.toMatchObject({
      code: 'LZ_ACTUATOR_REFUSED',
      retryable: false,
    });
  });
});

describe('host actions', () => {
  it('put a host into forensics until a time that a retry does not move', async () => {
    const seen: unknown[] = [];
    const ports: ActionPorts = {
      hosts: port<HostActuator>({ setLifecycle: async (given) => void seen.push(given) }),
    };
    const input = { host: 'i-1', state: 'forensics', keep: '3d' };
    for (const attempt of [1, 2])
      expect(await call('host.set_state@1', input, ports, { attempt })).toEqual({
        state: 'forensics',
        expires_at: '2026-01-04T00:00:00.000Z',
      });
    expect(seen).toMatchObject([
      {
        hostId: 'i-1',
        lifecycle: 'forensics',
        expiresAt: '2026-01-04T00:00:00.000Z',
        idempotencyKey: 'k'.repeat(64),
      },
      { expiresAt: '2026-01-04T00:00:00.000Z', idempotencyKey: 'k'.repeat(64) },
    ]);
  });

  it('find a clone that an attempt without an answer launched', async () => {
    const clone = registry.get('host.clone@1');
    const ports = (found: string | undefined): ActionPorts => ({
      hosts: port<HostActuator>({
        findClone: async () => found,
        describe: async () => aHost({ zone: 'z1' }),
      }),
    });
    expect(await clone?.check?.({ from: 'i-1' }, contextOf(ports('i-2')))).toEqual({
      happened: true,
      output: { host_id: 'i-2', zone: 'z1' },
    });
    expect(await clone?.check?.({ from: 'i-1' }, contextOf(ports(undefined)))).toEqual({ happened: false });
  });

  it('take a host that the provider does not list yet for pending', async () => {
    const ports: ActionPorts = { hosts: port<HostActuator>({ describe: async () => undefined }) };
    expect(await call('host.describe@1', { host: 'i-9' }, ports)).toMatchObject({
      state: 'pending',
      known: false,
    });
  });

  it('run a command with the key of the step; one that ends with 1 is a failure that did something, a question that does is a no', async () => {
    const seen: unknown[] = [];
    const ports = (exitCode: number): ActionPorts => ({
      commands: { run: async (given) => (seen.push(given), { exitCode, output: 'o'.repeat(9_000) }) },
    });
    const input = { host: 'i-1', command: 'restart', args: { unit: 'web' } };
    expect(await call('host.command@1', input, ports(0))).toEqual({
      exit_code: 0,
      output: 'o'.repeat(4_000),
    });
    await expect(call('host.command@1', input, ports(1))).rejects.toMatchObject({
      code: 'LZ_WORKFLOW_STEP_FAILED',
      retryable: false,
    });
    expect(await call('host.query@1', input, ports(1))).toMatchObject({ ok: false, exit_code: 1 });
    expect(seen[0]).toMatchObject({
      hostId: 'i-1',
      command: 'restart',
      args: { unit: 'web' },
      idempotencyKey: 'k'.repeat(64),
    });
  });

  it.each<[title: string, hosts: readonly Host[], complete: boolean, expected: object]>([
    ['a list that is partial', [], false, { code: 'LZ_FLEET_UNAVAILABLE', retryable: true }],
    ['a host without the tag', [aHost({ hostId: 'i-1' })], true, { message: 'i-1 has no tag shard' }],
    [
      'nobody who stands by',
      ['i-1'].map((hostId) => aHost({ hostId, tags: { shard: 's1' } })),
      true,
      { message: expect.stringContaining('0 hosts are a standby') as string },
    ],
    [
      'two who stand by',
      [
        aHost({ hostId: 'i-1', tags: { shard: 's1' } }),
        aHost({ hostId: 'i-2', tags: { shard: 's1', role: 'standby' } }),
        aHost({ hostId: 'i-3', tags: { shard: 's1', role: 'standby' } }),
      ],
      true,
      { message: expect.stringContaining('2 hosts are a standby') as string },
    ],
    [
      'one who stands by out of the load balancer, one in forensics, one stopped and one of another shard',
      [
        aHost({ hostId: 'i-1', tags: { shard: 's1' } }),
        aHost({ hostId: 'i-2', tags: { shard: 's1', role: 'standby' }, inLoadBalancer: false }),
        aHost({ hostId: 'i-3', tags: { shard: 's1', role: 'standby' }, lifecycle: 'forensics' }),
        aHost({ hostId: 'i-4', tags: { shard: 's1', role: 'standby' }, state: 'stopped' }),
        aHost({ hostId: 'i-5', tags: { shard: 's2', role: 'standby' } }),
      ],
      true,
      { message: expect.stringContaining('0 hosts are a standby') as string },
    ],
  ])('S8: promote nobody for %s', async (_title, hosts, complete, expected) => {
    const ports: ActionPorts = {
      fleet: port<Fleet>({ list: async () => port<FleetSnapshot>({ hosts, complete }) }),
    };
    const input = { of: 'i-1', same_tag: 'shard', role: 'standby' };
    await expect(call('host.find_peer@1', input, ports)).rejects.toMatchObject(expected);
  });
});

describe('notify.send', () => {
  it('tells the group of the rule on one line of at most 1,000 characters, and nobody where there is none', async () => {
    const sent: { readonly group: string; readonly text: string }[] = [];
    const ports: ActionPorts = { notifier: { send: async (notification) => void sent.push(notification) } };
    expect(await call('notify.send@1', { text: `a\n\n b ${'x'.repeat(2_000)}` }, ports)).toEqual({
      sent: true,
    });
    expect(sent[0]?.group).toBe('web-team');
    expect(sent[0]?.text).toMatch(/^a b x+$/);
    expect(sent[0]?.text).toHaveLength(1_000);
    const { notificationGroup: _group, ...nobody } = aRequest();
    expect(await call('notify.send@1', { text: 'a' }, ports, { run: nobody })).toEqual({ sent: false });
    expect(sent).toHaveLength(1);
  });
});

describe('HTTP actions', () => {
  const answering = (status: number, seen: unknown[] = []): ActionPorts => ({
    http: { call: async (request) => (seen.push(request), { status, body: 'answer' }) },
  });
  const url = 'https://hooks.example.com/services/T0/SECRET?token=SECRET';

  it('send the key of the step, whatever key the workflow writes, and JSON where the body is none', async () => {
    const seen: { readonly headers: Readonly<Record<string, string>>; readonly body?: string }[] = [];
    const input = { method: 'POST', url, headers: { 'idempotency-key': 'mine' }, body: { a: 1 } };
    await call('http.call@1', input, answering(200, seen));
    await call('http.call@1', { ...input, body: 'plain' }, answering(200, seen));
    expect(seen[0]).toMatchObject({
      headers: { 'idempotency-key': 'k'.repeat(64), 'content-type': 'application/json' },
      body: '{"a":1}',
    });
    expect(seen[1]?.body).toBe('plain');
    expect(seen[1]?.headers).not.toHaveProperty('content-type');
  });

  it.each([
    [200, 'ok'],
    [204, 'ok'],
    [302, 'LZ_ACTUATOR_REFUSED'],
    [404, 'LZ_ACTUATOR_REFUSED'],
    [429, 'LZ_ACTUATOR_TRANSIENT'],
    [500, 'LZ_ACTUATOR_TRANSIENT'],
    [503, 'LZ_ACTUATOR_TRANSIENT'],
  ])('S17: take an answer of %i for %s, and tell neither path nor query', async (status, expected) => {
    for (const [uses, input] of [
      ['http.get@1', { url }],
      ['http.call@1', { method: 'PUT', url }],
    ] as const) {
      const outcome: unknown = await call(uses, input, answering(status)).catch((error: unknown) => error);
      expect(outcome).toMatchObject(expected === 'ok' ? { status } : { code: expected });
      if (outcome instanceof Error)
        expect(outcome.message).toMatch(/^https:\/\/hooks\.example\.com\/… answered/);
      const dry = registry.get(uses)?.dry?.(input, { run: aRequest(), event, step: 's' });
      expect(JSON.stringify(dry)).not.toContain('SECRET');
    }
  });

  it.each([
    'ftp://a.example.com',
    'file:///etc/passwd',
    'https://user:pw@a.example.com',
    'a.example.com',
    '',
  ])('do not take %j for a URL', (bad) => {
    for (const uses of ['http.get@1', 'http.call@1'])
      expect(registry.get(uses)?.input.safeParse({ method: 'POST', url: bad }).success).toBe(false);
    expect(registry.get('http.get@1')?.input.safeParse({ url: bad }).success).toBe(false);
  });
});

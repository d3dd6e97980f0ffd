import { BUILT_IN_PRECONDITIONS, definePrecondition, PortError } from '@lazarus/core';
import type { Precondition, Verdict } from '@lazarus/core';
import { builtinActions, defineAction } from '@lazarus/dag';
import type { Action, ActionPorts } from '@lazarus/dag';
import {
  aHost,
  createFakeActuators,
  createFakeFleet,
  createFakeHealthProbe,
  createFakeNotifier,
  createFakePager,
  createFakeStream,
  createManualClock,
} from '@lazarus/testing';
import {
  describeActionContract,
  describePreconditionContract,
  describeSensorContract,
} from '@lazarus/testing/contracts';
import type {
  ActionHarness,
  ContractRunner,
  PreconditionCases,
  SensorHarness,
} from '@lazarus/testing/contracts';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const runner: ContractRunner = { describe, it, expect };

/** Titles of the tests of a contract that fail. */
async function failuresOf(contract: (runner: ContractRunner) => void): Promise<readonly string[]> {
  const tests: { title: string; body: () => Promise<void> }[] = [];
  contract({
    describe: (_name, body) => body(),
    it: (title, body) => void tests.push({ title, body }),
    expect,
  });
  const failed: string[] = [];
  for (const { title, body } of tests) await body().catch(() => failed.push(title));
  return failed;
}

const INPUTS: Readonly<Record<string, unknown>> = {
  'pager.acknowledge': { incident: 'web/web-1', note: 'on it' },
  'pager.resolve': { incident: 'web/web-1' },
  'pager.escalate': { incident: 'web/web-1', reason: 'stopped' },
  'lb.remove': { host: 'i-web1' },
  'lb.add': { host: 'i-out' },
  'lb.status': { host: 'i-web1' },
  'host.clone': { from: 'i-web1' },
  'host.describe': { host: 'i-web1' },
  'host.set_state': { host: 'i-web1', state: 'forensics', keep: '3d' },
  'host.terminate': { host: 'i-mine' },
  'host.reboot': { host: 'i-web1' },
  'host.command': { host: 'i-web1', command: 'restart' },
  'host.query': { host: 'i-web1', command: 'ready' },
  'host.find_peer': { of: 'i-web1', same_tag: 'shard', role: 'standby' },
  'service.set_hosts': { service: 'web', hosts: 3 },
  'service.active_hosts': { service: 'web' },
  'healthcheck.verify': { host: 'i-web1' },
  'notify.send': { text: 'restarting' },
  'http.get': { url: 'https://example.invalid/health' },
  'http.call': {
    method: 'POST',
    url: 'https://example.invalid/purge',
    headers: { authorization: 'Bearer hunter2' },
    body: { token: 'hunter3' },
  },
};

/** Everything that built-in actions act with, and how much was changed in it. */
function createWorld(): { readonly ports: ActionPorts; effects(): number; clock: ActionHarness['clock'] } {
  const clock = createManualClock();
  const tags = { shard: 's1' };
  const fleet = createFakeFleet({
    clock,
    hosts: [
      aHost({ hostId: 'i-web1', tags }),
      aHost({ hostId: 'i-standby', tags: { ...tags, role: 'standby' } }),
      aHost({ hostId: 'i-out', inLoadBalancer: false }),
      aHost({ hostId: 'i-mine' }),
    ],
  });
  const { hosts, loadBalancer, effects } = createFakeActuators({ clock, fleet });
  const pager = createFakePager({ clock });
  pager.open('web/web-1');
  const notifier = createFakeNotifier();
  const done = new Set<string>();
  const pageChanges = (): number => {
    const page = pager.pageOf('web/web-1');
    return page?.status === 'triggered' && page.escalationLevel === 1 ? 0 : 1;
  };
  const once = async <T>(key: string, signal: AbortSignal, answer: T): Promise<T> => {
    signal.throwIfAborted();
    done.add(key);
    return answer;
  };
  const ports: ActionPorts = {
    pager,
    fleet,
    loadBalancer,
    notifier,
    hosts: {
      ...hosts,
      // A reboot in flight is one reboot, and only what this run launched may end: the provider of this test knows both.
      reboot: async ({ idempotencyKey, signal }) => once(`reboot ${idempotencyKey}`, signal, undefined),
      terminate: async ({ hostId, signal }) => once(`terminate ${hostId}`, signal, undefined),
    },
    probe: createFakeHealthProbe({ clock, zone: 'us-east-1a' }),
    commands: {
      run: async ({ command, idempotencyKey, signal }) => {
        signal.throwIfAborted();
        if (command === 'restart') done.add(idempotencyKey);
        return { exitCode: 0, output: '' };
      },
    },
    services: {
      setDesiredHosts: async ({ idempotencyKey, signal }) => once(idempotencyKey, signal, { before: 2 }),
      activeHosts: async (_service, { signal }) => {
        signal.throwIfAborted();
        return 3;
      },
    },
    http: {
      call: async ({ method, headers, signal }) => {
        signal.throwIfAborted();
        if (method !== 'GET') done.add(headers['idempotency-key'] ?? 'none');
        return { status: 200, body: 'ok' };
      },
    },
  };
  return { ports, clock, effects: () => effects.length + done.size + pageChanges() };
}

for (const action of builtinActions) {
  describeActionContract(runner, action, {
    create: () => {
      const { ports, clock, effects } = createWorld();
      // What only tells people may tell them twice.
      return { input: INPUTS[action.name], ports, effects, ...(clock === undefined ? {} : { clock }) };
    },
  });
}

const young = (hostId: string) =>
  aHost({
    hostId,
    incarnation: { ...aHost().incarnation, instanceId: hostId, launchedAtMs: Date.UTC(2026, 0, 1, 11, 59) },
  });

const CASES: Readonly<Record<string, PreconditionCases>> = {
  MinActiveHosts: {
    params: { minimum: 2 },
    refused: [{}, { minimum: -1 }, { minimum: 'two' }],
    passes: [{ title: '3 others of at least 2' }],
    fails: [{ title: '3 others of at least 4', params: { minimum: 4 } }],
  },
  MaxActiveHosts: {
    params: { maximum: 5 },
    refused: [{}, { maximum: 0 }],
    passes: [{ title: '4 hosts of less than 5' }],
    fails: [{ title: '4 hosts of less than 4', params: { maximum: 4 } }],
  },
  HealthCheckDown: {
    refused: [{ agree: 0 }],
    readsFleet: false,
    passes: [
      { title: 'unreachable' },
      { title: 'unhealthy', health: 'unhealthy' },
      { title: 'no answer', health: 'hangs' },
    ],
    fails: [
      { title: 'healthy', health: 'healthy' },
      { title: 'an event about a service', target: null },
    ],
  },
  PeerCheck: {
    refused: [{ max_unhealthy_peers: -1 }],
    passes: [{ title: '3 healthy peers' }],
    fails: [{ title: 'nobody to compare with', hosts: [aHost({ hostId: 'i-web1' })] }],
  },
  ClusterHealth: {
    refused: [{ min_healthy_fraction: 2 }],
    passes: [{ title: '3 healthy members' }],
    fails: [{ title: 'an event about a service', target: null }],
  },
  NotDraining: {
    readsFleet: false,
    passes: [{ title: 'in service' }],
    fails: [{ title: 'marked', hosts: [aHost({ tags: { 'lazarus:draining': 'true' } })] }],
  },
  MinUptime: {
    readsFleet: false,
    refused: [{ uptime: 'soon' }],
    passes: [{ title: 'launched a month ago' }],
    fails: [{ title: 'launched a minute ago', hosts: [young('i-web1')] }],
  },
  MaintenanceWindow: {
    params: { windows: [] },
    readsFleet: false,
    refused: [{ windows: [{ from: '25:00', to: '26:00' }] }],
    passes: [{ title: 'no window' }],
    fails: [{ title: 'an open window', params: { windows: [{ from: '11:00', to: '13:00' }] } }],
  },
  NoRecentAction: {
    passes: [{ title: 'nobody was launched for a month' }],
    fails: [
      { title: 'a peer was launched a minute ago', hosts: [aHost({ hostId: 'i-web1' }), young('i-web2')] },
    ],
  },
};

for (const precondition of BUILT_IN_PRECONDITIONS) {
  const cases = CASES[precondition.name];
  if (cases === undefined) throw new Error(`${precondition.name} has no cases`);
  describePreconditionContract(runner, precondition, cases);
}

const createStream = async (): Promise<SensorHarness> => {
  const stream = createFakeStream({ clock: createManualClock() });
  return {
    sensor: stream,
    put: async (...payloads) => payloads.forEach((each) => stream.push(each)),
    close: () => stream.close(),
  };
};
describeSensorContract(runner, { name: 'fake stream', create: createStream });

describe('the action contract', () => {
  const empty = z.strictObject({});
  const world = { effects: 0 };
  const good = defineAction({
    name: 'cdn.purge',
    version: 1,
    summary: 'Purges.',
    idempotent: true,
    input: empty,
    output: z.strictObject({ purged: z.int() }),
    run: async (_input, { signal }) => {
      signal.throwIfAborted();
      world.effects = 1;
      return { purged: 1 };
    },
  });
  const failures = (action: Action): Promise<readonly string[]> =>
    failuresOf((collector) =>
      describeActionContract(collector, action, {
        create: () => {
          world.effects = 0;
          return { input: {}, effects: () => world.effects };
        },
      }),
    );

  it('accepts an action that keeps it', async () => {
    expect(await failures(good)).toEqual([]);
  });

  it.each<[string, Partial<Action>, string]>([
    ['repeats its effect', { run: async () => ({ purged: (world.effects += 1) }) }, 'S1: a second attempt'],
    ['answers something else', { run: async () => ({ purged: 'all' }) }, 'answers with JSON'],
    [
      'ignores the abort',
      { run: async () => ({ purged: (world.effects = 1) }) },
      'ends when its signal is aborted',
    ],
    ['takes any key', { input: z.looseObject({}) }, 'takes its input'],
    [
      'changes something while it only looks',
      { readOnly: true, run: async () => ({ purged: (world.effects += 1) }) },
      'only looks',
    ],
    [
      'has a check hook that lies',
      { check: async () => ({ happened: false as const }) },
      'S12: its check hook',
    ],
    [
      'is undone by what is no input of that action',
      { undo: { uses: 'host.terminate@1', with: () => ({ hots: 'i-1' }) } },
      'can be undone',
    ],
    [
      'changes something in its dry run',
      { dry: () => ({ summary: 'purges', changes: { purged: (world.effects += 1) } }) },
      'S13: its dry run',
    ],
    [
      'begins something in its dry run that goes on afterwards',
      {
        dry: () => {
          void Promise.resolve().then(() => (world.effects += 1));
          return { summary: 'purges', changes: {} };
        },
      },
      'S13: its dry run',
    ],
    [
      'answers its dry run later',
      { dry: (async () => ({ summary: 'purges', changes: {} })) as never },
      'S13: its dry run',
    ],
    [
      'answers its dry run with what is no JSON',
      { dry: () => ({ summary: 'purges', changes: { at: new Date(0) as never } }) },
      'S13: its dry run',
    ],
  ])('refuses one that %s', async (_what, part, title) => {
    expect((await failures({ ...good, ...part })).join('\n')).toContain(title);
  });
});

describe('the action contract, S13: a dry run', () => {
  const telling = (dry: 'all' | 'nothing', secrets?: readonly string[]): Promise<readonly string[]> => {
    const action = defineAction({
      name: 'cdn.purge',
      version: 1,
      summary: 'Purges.',
      readOnly: true,
      input: z.strictObject({ headers: z.record(z.string(), z.string()), zone: z.string() }),
      output: z.strictObject({}),
      run: async (_input, { signal }) => {
        signal.throwIfAborted();
        return {};
      },
      dry: (input) => ({ summary: 'purges', changes: dry === 'all' ? input : {} }),
    });
    return failuresOf((collector) =>
      describeActionContract(collector, action, {
        create: () => ({
          input: { headers: { Authorization: 'Bearer hunter2' }, zone: 'shop' },
          effects: () => 0,
          ...(secrets === undefined ? {} : { secrets }),
        }),
      }),
    );
  };

  it('tells no value of a key that is named like a secret, and none that its author calls one', async () => {
    expect(await telling('nothing')).toEqual([]);
    expect((await telling('all')).join('\n')).toContain('tells no secret');
    expect((await telling('all', ['shop'])).join('\n')).toContain('tells no secret');
    expect(await telling('all', [])).toEqual([]);
  });
});

type Asked = Parameters<Precondition['check']>[0];

describe('the precondition contract', () => {
  const spec = {
    name: 'NotEmpty',
    summary: 'There is somebody.',
    params: z.strictObject({}),
    check: async ({ fleet }: Asked): Promise<Verdict> => {
      const { hosts, complete } = await fleet();
      return hosts.length > 1 && complete
        ? { verdict: 'pass' }
        : { verdict: 'fail', reason: 'there is nobody' };
    },
  };
  const cases: PreconditionCases = {
    passes: [{ title: 'four hosts' }],
    fails: [{ title: 'one host', hosts: [aHost()] }],
  };
  const failures = (part: Partial<typeof spec>): Promise<readonly string[]> =>
    failuresOf((collector) =>
      describePreconditionContract(collector, definePrecondition({ ...spec, ...part }), cases),
    );

  it('accepts a check that keeps it', async () => {
    expect(await failures({})).toEqual([]);
  });

  let count = 0;
  it.each<[string, Partial<typeof spec>, string]>([
    ['always passes', { check: async () => ({ verdict: 'pass' }) }, 'fails with a reason'],
    [
      'throws instead of saying no',
      {
        check: async () =>
          Promise.reject(new PortError({ code: 'LZ_FLEET_UNAVAILABLE', message: 'x', retryable: true })),
      },
      'fails with a reason',
    ],
    ['takes any parameter', { params: z.looseObject({}) }, 'takes its parameters'],
    [
      'takes a partial fleet for all',
      {
        check: async ({ fleet }) =>
          (await fleet()).hosts.length > 1
            ? { verdict: 'pass' }
            : { verdict: 'fail', reason: 'there is nobody' },
      },
      'S8: a fleet',
    ],
    [
      'answers by chance',
      { check: async () => ({ verdict: 'fail', reason: `for the ${(count += 1)}. time` }) },
      'gives the same answer',
    ],
    [
      'leaves a timer behind',
      {
        check: async (context) => {
          void context.clock.sleep(60_000);
          return spec.check(context);
        },
      },
      'leaves no timer behind',
    ],
  ])('refuses one that %s', async (_what, part, title) => {
    expect((await failures(part)).join('\n')).toContain(title);
  });
});

describe('the sensor contract', () => {
  const failures = (spoil: (harness: SensorHarness) => SensorHarness): Promise<readonly string[]> =>
    failuresOf((collector) =>
      describeSensorContract(collector, { name: 'spoiled', create: async () => spoil(await createStream()) }),
    );

  it('refuses one that forgets what was given back, and one that ignores the bound', async () => {
    const forgetful = await failures((harness) => ({
      ...harness,
      sensor: {
        close: () => harness.sensor.close(),
        pull: async (options) =>
          (await harness.sensor.pull(options)).map((delivery) => ({
            ...delivery,
            nack: () => delivery.ack(),
          })),
      },
      elapse: async () => harness.sensor.close(),
    }));
    expect(forgetful).toEqual([expect.stringContaining('hands out again what was given back') as string]);
    const greedy = await failures((harness) => ({
      ...harness,
      sensor: {
        close: () => harness.sensor.close(),
        pull: (options) => harness.sensor.pull({ ...options, max: 99 }),
      },
    }));
    expect(greedy).toEqual(['hands out at most as many as were asked for']);
  });
});

describe('every built-in action', () => {
  it('has an input here', () => {
    expect(builtinActions.map(({ name }) => name).filter((name) => INPUTS[name] === undefined)).toEqual([]);
  });
});

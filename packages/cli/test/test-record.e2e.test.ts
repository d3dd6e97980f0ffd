import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { DecisionRecord } from '@lazarus/core';
import { createLab } from '@lazarus/testing/lab';
import type { Lab, LabOptions } from '@lazarus/testing/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lazarus, startNode } from './node-server.ts';

const SERVICE = 'service: web\nteam: shop\nprofile: stateless\n';
const SECRET = 'AKIAIOSFODNN7EXAMPLE';
const HOST = { hostId: 'i-0123456789abcdef0', name: 'web-17.prod.example.com', zone: 'us-east-1b' };
const EVENT = {
  id: 'nagios-4711',
  event_type: 'NagiosHostAlarm',
  source: 'nagios',
  host: HOST.name,
  account: '123456789012',
  incident_key: `web/${HOST.name}`,
  summary: 'call +1 555 0100',
  attributes: {
    host_state: 'DOWN',
    host_state_type: 'HARD',
    output: `PING CRITICAL - ${HOST.name} (10.1.2.3) key ${SECRET}`,
    api_token: 'hunter2',
    dbPassword: 'pw-4242',
    message: 'WEB-17 and web-18 down; mysql --password=s3cr3t!',
  },
} as const;

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lazarus-record-'));
  await mkdir(dirname(at('config/services/web.yaml')), { recursive: true });
  await writeFile(at('config/services/web.yaml'), SERVICE);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** An incident as a node would have recorded it: decisions, then runs, one value a line. */
async function incident(
  name: string,
  body: (lab: Lab) => Promise<unknown>,
  options: LabOptions = {},
): Promise<string> {
  const peers = ['us-east-1a', 'us-east-1b', 'us-east-1c'].map((zone, index) => ({
    name: `web-${index + 1}.prod`,
    zone,
  }));
  await using lab = await createLab({ services: SERVICE, hosts: [HOST, ...peers], ...options });
  await body(lab);
  const lines = [...(await lab.decisions()), ...(await lab.runs())].map((value) => JSON.stringify(value));
  await writeFile(at(name), lines.join('\n'));
  return at(name);
}

async function record(from: string, out: string, ...more: readonly string[]) {
  return lazarus(['test', 'record', at('config'), '--from', from, '--out', at(out), ...more]);
}

describe('lazarus test record', () => {
  it('makes a test of a remediation that passes by itself, without a name or a secret of the incident', async () => {
    const from = await incident('remediated.jsonl', (lab) => lab.send(EVENT));
    const { code, out, err } = await record(from, 'remediated.test.yaml');
    expect({ code, out, err }).toMatchObject({ code: 0, out: `${at('remediated.test.yaml')}\n` });
    const text = await readFile(at('remediated.test.yaml'), 'utf8');
    for (const name of [
      HOST.name,
      HOST.hostId,
      '4711',
      '123456789012',
      '10.1.2.3',
      SECRET,
      'hunter2',
      'pw-4242',
      'WEB-17',
      'web-18',
      's3cr3t',
      '555 0100',
      'id: a',
    ])
      expect(text).not.toContain(name);
    expect(text).toContain('host-1');
    expect(err).toContain('renamed: 3 members, 2 hosts');
    expect(err).toMatch(
      /redacted: attributes\.output, attributes\.api_token, attributes\.dbPassword, attributes\.message\n/,
    );
    expect(err).toContain('left out: summary of the event');
    const ran = await lazarus(['test', at('remediated.test.yaml')]);
    expect(ran).toMatchObject({ code: 0, out: expect.stringContaining('1 test: 1 passed') as string });
  });

  it('gives one name to one thing in every place', async () => {
    const from = await incident('same.jsonl', (lab) => lab.send(EVENT));
    await record(from, 'same.test.yaml');
    const text = await readFile(at('same.test.yaml'), 'utf8');
    expect(text).toMatch(/incident_key: "?page-1"?/);
    expect(text).toMatch(/output: "PING CRITICAL - host-1 \(192\.0\.2\.1\) key \[redacted\]"/);
    expect(text.match(/host: host-1|name: host-1/g)).toHaveLength(2);
  });

  it.each<[string, LabOptions, (lab: Lab) => Promise<unknown>, string]>([
    [
      'a dissent',
      { prechecks: { PeerCheck: { nodes: { a: 'fail', b: { fail: `${HOST.name} is not alone` } } } } },
      (lab) => lab.send(EVENT),
      'precondition_failed',
    ],
    [
      'two nodes that were cut off',
      {},
      (lab) => {
        lab.fault.partition(['a'], ['b'], ['c']);
        return lab.send(EVENT, { node: 'a' });
      },
      'quorum_timed_out',
    ],
    [
      'no rule',
      {},
      (lab) => lab.send({ ...EVENT, event_type: 'AutoScalingEvent', attributes: {} }),
      'no_rule',
    ],
    ['a stale event', {}, (lab) => lab.send({ ...EVENT, time: '2025-12-31T20:00:00Z' }), 'stale'],
    [
      'a pause',
      {},
      async (lab) => {
        await lab.pauses.set({ scope: {}, author: 'ada', reason: 'release', since: '2026-01-01T00:00:00Z' });
        await lab.send(EVENT);
      },
      'paused',
    ],
    [
      'a storm',
      {},
      async (lab) => {
        for (const host of ['web-1.prod', 'web-2.prod', 'web-3.prod']) lab.emit({ host, incident_key: null });
        await lab.send(EVENT);
      },
      'service_rate_limited',
    ],
    ['a host that nobody knows', {}, (lab) => lab.send({ ...EVENT, host: 'db-9' }), 'target_unresolved'],
  ])('makes a test of %s', async (name, options, body, exit) => {
    const from = await incident(`${exit}.jsonl`, body, options);
    const { code, err } = await record(from, `${exit}.test.yaml`, '--decision', 'nagios/nagios-4711');
    expect({ name, code, err }).toMatchObject({ code: 0 });
    const text = await readFile(at(`${exit}.test.yaml`), 'utf8');
    expect(text).toContain(`blocked_by: ${exit}`);
    expect(text).not.toContain(HOST.name);
    expect((await lazarus(['test', at(`${exit}.test.yaml`)])).code).toBe(0);
  });

  it('keeps a run that failed: the step that refused, what came before it, and the page that escalated', async () => {
    const from = await incident('failed.jsonl', (lab) => lab.send(EVENT), {
      mocks: { into_lb: { error: { message: `no room for ${HOST.name}`, retryable: false } } },
    });
    expect(await record(from, 'failed.test.yaml')).toMatchObject({ code: 0 });
    const text = await readFile(at('failed.test.yaml'), 'utf8');
    expect(text).toContain('outcome: escalated');
    expect(text).toContain('no room for host-1');
  });

  it('reads the decision and its run from a node', async () => {
    const from = await incident('node.jsonl', (lab) =>
      lab.send({ ...EVENT, event_type: 'AutoScalingEvent', attributes: {} }),
    );
    const [decision] = (await readFile(from, 'utf8'))
      .split('\n')
      .map((line) => JSON.parse(line) as DecisionRecord);
    const node = await startNode();
    try {
      if (decision !== undefined) await node.audit.conclude(decision);
      const words = [
        'test',
        'record',
        at('config'),
        '--decision',
        'nagios/nagios-4711',
        '--out',
        at('node.test.yaml'),
      ];
      expect(await lazarus(['--url', node.url, ...words])).toMatchObject({ code: 0 });
      expect(await lazarus(['--url', node.url, ...words.with(4, 'nobody/1'), '--force'])).toMatchObject({
        code: 5,
      });
    } finally {
      await node.close();
    }
  });

  it('does not write over a file without --force', async () => {
    const from = await incident('again.jsonl', (lab) => lab.send(EVENT));
    await writeFile(at('again.test.yaml'), 'mine');
    expect(await record(from, 'again.test.yaml')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--force') as string,
    });
    expect(await readFile(at('again.test.yaml'), 'utf8')).toBe('mine');
    expect((await record(from, 'again.test.yaml', '--force')).code).toBe(0);
    expect(await readFile(at('again.test.yaml'), 'utf8')).toContain('rules:');
  });

  it('writes nothing when the rules decide otherwise now, and says what', async () => {
    const from = await incident('other.jsonl', (lab) => lab.send(EVENT));
    await mkdir(at('quiet'), { recursive: true });
    await writeFile(at('quiet/web.yaml'), `${SERVICE}overrides: { mode: notify }\n`);
    const { code, err } = await lazarus([
      'test',
      'record',
      at('quiet'),
      '--from',
      from,
      '--out',
      at('other.test.yaml'),
    ]);
    expect(code).toBe(1);
    expect(err).toContain('decided otherwise, and nothing was written');
    expect(err).toContain('recorded remediated, now notified');
    await expect(readFile(at('other.test.yaml'))).rejects.toThrow('ENOENT');
  });

  it('refuses what cannot be told from one event, a file without the decision, and another name than a test', async () => {
    const attached = await incident('attached.jsonl', async (lab) => {
      lab.emit({ ...EVENT, id: 'first' });
      await lab.clock.advance('5s');
      await lab.send(EVENT);
    });
    const refused = await record(attached, 'attached.test.yaml', '--decision', 'nagios/nagios-4711');
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringContaining('depends on what happened before') as string,
    });
    expect(await record(attached, 'none.test.yaml', '--decision', 'nagios/none')).toMatchObject({ code: 5 });
    expect(await record(attached, 'none.yaml')).toMatchObject({ code: 2 });
    expect(await record(at('nowhere'), 'none.test.yaml')).toMatchObject({ code: 2 });
  });
});

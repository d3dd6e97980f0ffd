import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '@lazarus/example-daemon';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lazarus-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const PAGER = 'pager: { from: lazarus@example.com, responders: [lazarus], token_file: token }';

const read = (...lines: readonly string[]) => {
  const file = join(folder, 'lazarus.yaml');
  writeFileSync(file, ['region: us-east-1', PAGER, ...lines, ''].join('\n'));
  return readSettings(file);
};

const NODE = 'node: { id: a, zone: us-east-1a, listen: { port: 7401 } }';
const PEERS = 'peers: [{ id: b, zone: us-east-1b, port: 7402 }, { id: c, zone: us-east-1c, port: 7403 }]';
const TLS = 'tls: { ca: certs/ca.crt, cert: certs/a.crt, key: certs/a.key }';
const REDIS = 'shared_state: { kind: redis, url: redis://127.0.0.1:6379 }';
const AUDIT = 'audit: { file: ../shared/audit.db }';
const ENGINE = 'engine: { kind: embedded, journal: ../shared/journal.db }';
const STREAM = 'stream: { kind: emulator, endpoint: http://127.0.0.1:4567 }';

describe('settings of one node with peers', () => {
  it('are taken with paths relative to the file, and defaults', () => {
    expect(read(NODE, PEERS, TLS, REDIS, STREAM, AUDIT, ENGINE, 'quorum: { epoch: 4 }')).toMatchObject({
      node: { id: 'a', listen: { host: '127.0.0.1', port: 7401 } },
      peers: [
        { id: 'b', host: '127.0.0.1', port: 7402 },
        { id: 'c', port: 7403 },
      ],
      quorum: { epoch: 4 },
      tls: { key: join(folder, 'certs', 'a.key') },
      audit: { file: join(folder, '..', 'shared', 'audit.db') },
      engine: { kind: 'embedded', journal: join(folder, '..', 'shared', 'journal.db'), lease: 10_000 },
    });
  });

  it('run on the nodes of Restate that they name', () => {
    const servers = '{ ingress: http://127.0.0.1:8080, admin: http://127.0.0.1:9070 }';
    const engine = `engine: { kind: restate, servers: [${servers}], listen: { port: 9080 } }`;
    expect(read(NODE, PEERS, TLS, REDIS, STREAM, AUDIT, engine).engine).toEqual({
      kind: 'restate',
      servers: [{ ingress: 'http://127.0.0.1:8080', admin: 'http://127.0.0.1:9070' }],
      listen: { host: '127.0.0.1', port: 9080 },
      identity_keys: [],
      sweep_every: 5_000,
    });
    expect(() => read(NODE, PEERS, TLS, REDIS, STREAM, AUDIT, 'engine: { kind: restate }')).toThrow(
      /engine\.servers/,
    );
  });

  it.each([
    [
      'S18: without tls',
      [NODE, PEERS, REDIS, STREAM],
      /tls is missing: nodes vote over TLS only .*dev-certs/s,
    ],
    ['without Redis', [NODE, PEERS, TLS, STREAM], /shared_state must be redis/],
    ['with a stream of its own', [NODE, PEERS, TLS, REDIS], /stream is embedded in one process/],
    [
      'without a place to listen',
      ['node: { id: a, zone: z }', PEERS, TLS, REDIS, STREAM],
      /node\.listen is missing/,
    ],
    [
      'that is its own peer',
      [NODE.replace('id: a', 'id: b'), PEERS, TLS, REDIS, STREAM],
      /peers two nodes are called b/,
    ],
    [
      'S4: with a grace below the TTL of a lock',
      [NODE, PEERS, TLS, REDIS.replace(' }', ', grace: 5s }'), STREAM],
      /grace is shorter than a lock lives \(locks\.ttl, 30 s\)/,
    ],
    [
      'S1, S9, S11: with an audit log of its own',
      [NODE, PEERS, TLS, REDIS, STREAM, ENGINE],
      /audit\.file is missing: with peers .* decided again .* name the same file/s,
    ],
    [
      'S12: with a journal of its own',
      [NODE, PEERS, TLS, REDIS, STREAM, AUDIT],
      /engine\.journal is missing: with peers .* takes over .* or use engine\.kind restate/s,
    ],
    ['beside a list of nodes', [NODE, 'nodes: [{ id: x, zone: z }]'], /node cannot be given beside `nodes`/],
  ])('%s are refused, and the message says what to do', (_what, lines, message) => {
    expect(() => read(...lines)).toThrow(message);
  });
});

describe('settings without any node', () => {
  it('are refused with both ways to name them', () => {
    expect(() => read()).toThrow(/nodes is missing: name all nodes of this process, or one as `node`/);
  });
});

describe('a settings file that is not there', () => {
  it('is named, with what to correct and no code of the system', () => {
    expect(() => readSettings('/nowhere/lazarus.yaml')).toThrow(
      'the settings cannot be read: /nowhere/lazarus.yaml: there is no such file',
    );
  });
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDevCertificates } from '@lazarus/quorum';
import type { ClusterPorts } from './ports.ts';

/** How long the parts of a cluster wait for each other, seconds: what a person at a terminal can wait for. */
export interface ClusterTimes {
  /** TTL of a lock, and how long nothing is granted after Redis may have lost state. */
  readonly lockSeconds: number;
  /** After how long the runs of a process that says nothing are taken over. */
  readonly leaseSeconds: number;
  /** After how long its part of the stream is. */
  readonly failoverSeconds: number;
}

/** Where Restate is, and where it finds us. */
export interface RestatePlace {
  readonly nodes: readonly { readonly ingressUrl: string; readonly adminUrl: string }[];
  readonly serviceUrl: string;
}

/** What the settings of the nodes are written from. */
export interface ClusterPlan {
  readonly stateDir: string;
  readonly region: string;
  readonly ids: readonly string[];
  readonly ports: ClusterPorts;
  readonly times: ClusterTimes;
  readonly urls: {
    readonly region: string;
    readonly pager: string;
    readonly stream: string;
    readonly redis: string;
  };
  /** Nodes of Restate, one beside each of ours, and the address in front of ours; without it runs are in a file. */
  readonly restate?: RestatePlace | undefined;
  readonly pagerToken: string;
  /** Port at which `from` reaches `to`; that of `to` itself unless somebody stands in between. */
  readonly dial: (from: string, to: string) => number;
}

/** Writes certificates and the settings of each node; returns the files by node id. */
export function writeClusterSettings(plan: ClusterPlan): Readonly<Record<string, string>> {
  const { stateDir, ids, pagerToken } = plan;
  const certs = join(stateDir, 'certs');
  mkdirSync(certs, { recursive: true });
  writeFileSync(join(stateDir, 'pager-token'), `${pagerToken}\n`, { mode: 0o600 });
  const { ca, nodes } = createDevCertificates({ members: ids, nowMs: Date.now() });
  writeFileSync(join(certs, 'ca.crt'), ca.cert);
  for (const [id, { cert, key }] of Object.entries(nodes)) {
    writeFileSync(join(certs, `${id}.crt`), cert);
    writeFileSync(join(certs, `${id}.key`), key, { mode: 0o600 });
  }
  return Object.fromEntries(
    ids.map((id) => {
      const file = join(stateDir, `node-${id}.yaml`);
      writeFileSync(file, settingsOf(id, plan));
      return [id, file];
    }),
  );
}

function settingsOf(id: string, plan: ClusterPlan): string {
  const { region, ids, ports, times, urls, dial } = plan;
  const peers = ids
    .filter((other) => other !== id)
    .map((other) => `  - { id: ${other}, zone: ${region}${other}, port: ${dial(id, other)} }`);
  return [
    `# Node ${id}, written at each start. What may be edited is in config/; send the node SIGHUP after that.`,
    `region: ${region}`,
    `state_dir: nodes/${id}`,
    'config_dir: config',
    `listen: { host: 127.0.0.1, port: ${ports.api[id]} }`,
    `node: { id: ${id}, zone: ${region}${id}, listen: { port: ${ports.votes[id]} } }`,
    'peers:',
    ...peers,
    `tls: { ca: certs/ca.crt, cert: certs/${id}.crt, key: certs/${id}.key }`,
    `shared_state: { kind: redis, url: '${urls.redis}', grace: ${times.lockSeconds}s }`,
    `locks: { ttl: ${times.lockSeconds}s }`,
    `stream: { kind: emulator, endpoint: '${urls.stream}', shards: 6, failover: ${times.failoverSeconds}s }`,
    '# One disk, so one audit log: whoever lives knows what another has ended.',
    'audit: { file: shared/audit.db }',
    ...engineOf(id, plan),
    `provider: { endpoint: '${urls.region}' }`,
    `pager: { url: '${urls.pager}', from: lazarus@example.com, responders: [lazarus], token_file: pager-token }`,
    '',
  ].join('\n');
}

function engineOf(id: string, { ids, ports, times, restate }: ClusterPlan): readonly string[] {
  if (restate === undefined)
    return [
      `engine: { kind: embedded, journal: shared/journal.db, lease: ${times.leaseSeconds}s, sweep_every: 1s }`,
    ];
  // Its own node of Restate first; the others when that one does not answer.
  const own = ids.indexOf(id);
  const nearestFirst = [...restate.nodes.slice(own), ...restate.nodes.slice(0, own)];
  return [
    'engine:',
    '  kind: restate',
    '  servers:',
    ...nearestFirst.map(
      ({ ingressUrl, adminUrl }) => `    - { ingress: '${ingressUrl}', admin: '${adminUrl}' }`,
    ),
    `  listen: { port: ${ports.runs[id]} }`,
    `  service_url: '${restate.serviceUrl}'`,
    '  sweep_every: 1s',
  ];
}

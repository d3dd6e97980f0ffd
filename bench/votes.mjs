/**
 * What a vote costs over real sockets on one machine: this process coordinates, two child processes vote. A ballot of 2 of
 * 3 over each transport, beside a bare round trip on the same connection, with 1 and with 64 in flight. Each node runs one
 * precheck that passes, so that the transport is what is measured. `undici` is the same ballot with questions posted by
 * pooled HTTP connections of undici to the HTTP transport of the same nodes. `first of two` asks both peers and takes the
 * answer that comes first: what a ballot of 2 of 3 cannot be faster than. `cpu_us_64` is the CPU time of all three processes
 * per call: what throughput follows when they share the cores.
 *
 * Run with `npm run bench:votes`. The last line is JSON.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createSystemClock, definePrecondition, evaluatePrechecks } from '@lazarus/core';
import {
  createCoordinator,
  createDevCertificates,
  createFramedTransport,
  createHttpTransport,
  createVoter,
  resolveMembership,
} from '@lazarus/quorum';
import { Pool } from 'undici';
import { z } from 'zod';
import { quantile, round } from './race.mjs';

const NODES = ['a', 'b', 'c'];
const KINDS = ['plain', 'tls', 'http'];
const CONTESTANTS = [...KINDS, 'undici'];
const ROUNDS = 11;
const clock = createSystemClock();
const log = { debug() {}, info() {}, warn() {}, error() {} };
const membership = resolveMembership({ members: NODES.map((id) => ({ id, zone: `zone-${id}` })) });

const always = definePrecondition({
  name: 'Always',
  summary: 'Passes.',
  params: z.strictObject({}),
  check: () => ({ verdict: 'pass' }),
});
const rule = {
  name: 'host_down',
  prechecks: [{ definition: always, params: {}, timeoutMs: 1_000, provenance: {} }],
  limits: { maxEntities: 3 },
  staleAfterMs: Number.MAX_SAFE_INTEGER,
};
const snapshot = { digest: 'digest', rule: () => rule };

const event = {
  id: 'e-1',
  event_type: 'NagiosHostAlarm',
  source: 'nagios/eu-1',
  time: '2026-01-31T12:00:00Z',
  region: 'eu-west-1',
  environment: 'prod',
  service: 'web',
  host: 'i-0abc',
  incident_key: 'web/host-down',
  summary: 'CRITICAL - host does not answer, rta nan, lost 100%',
  attributes: {
    host_state: 'DOWN',
    host_state_type: 'HARD',
    output: 'CRITICAL - Plugin timed out after 10 seconds',
    load: 2,
  },
};

function voterOf(self) {
  const fleet = {
    list: async () => ({ service: 'web', hosts: [], complete: true, observedAtMs: 0 }),
    find: async () => undefined,
  };
  const probe = {
    zone: `zone-${self}`,
    probe: async () => ({ status: 'healthy', latencyMs: 0, detail: '' }),
  };
  return createVoter({ self, membership }, { clock, log, fleet, probe, snapshot: () => snapshot });
}

/** One transport of each kind for one node; `echo` questions are answered without voting. */
async function transportsOf(self, certificates, addresses) {
  const tls = { ...certificates.nodes[self], ca: certificates.ca.cert };
  const addressOf = (kind) => (member) => addresses[kind]?.[member];
  const ports = (kind) => ({ clock, log, addressOf: addressOf(kind) });
  return {
    plain: await createFramedTransport({ self, members: NODES }, ports('plain')),
    tls: await createFramedTransport({ self, members: NODES, tls }, ports('tls')),
    http: await createHttpTransport({ self, members: NODES }, ports('http')),
  };
}

/** Asks over pooled keep-alive connections of undici, answered by the HTTP transport of the peer. */
function createUndiciTransport(self, addressOf) {
  const pools = new Map();
  const poolOf = (member) => {
    const { host, port } = addressOf(member);
    if (!pools.has(member)) pools.set(member, new Pool(`http://${host}:${port}`, { connections: 64 }));
    return pools.get(member);
  };
  const headers = { 'content-type': 'application/json', 'x-lazarus-node': self };
  return {
    serve() {},
    ask: async (member, question, { signal }) => {
      const body = JSON.stringify(question);
      const options = { path: '/v1/ballots', method: 'POST', headers, body, signal };
      const reply = await poolOf(member).request(options);
      return { from: member, answer: await reply.body.json() };
    },
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
    },
  };
}

const portsOf = (transports) => Object.fromEntries(KINDS.map((kind) => [kind, transports[kind].port]));

async function peer(self) {
  const [{ certificates }] = await once(process, 'message');
  const transports = await transportsOf(self, certificates, {});
  const voter = voterOf(self);
  for (const kind of KINDS) {
    transports[kind].serve(async (question, context) =>
      question.rule === 'echo' ? { ok: true } : voter.answer(question, context),
    );
  }
  process.send(portsOf(transports));
  process.on('message', () => process.send(cpuUs()));
  process.on('disconnect', () => process.exit(0));
}

/** CPU time of this process so far. */
function cpuUs() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Microseconds of each of `count` calls with `width` in flight, and calls per second. */
async function measure(call, { count, width }) {
  const times = [];
  let left = count;
  const started = performance.now();
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      const begun = performance.now();
      await call();
      times.push((performance.now() - begun) * 1_000);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return { times, perSecond: (count * 1_000) / (performance.now() - started) };
}

async function main() {
  const certificates = createDevCertificates({ members: NODES, nowMs: clock.now() });
  const addresses = Object.fromEntries(KINDS.map((kind) => [kind, {}]));
  const children = ['b', 'c'].map((id) => ({ id, child: fork(new URL(import.meta.url), ['peer', id]) }));
  for (const { id, child } of children) {
    child.send({ certificates });
    const [ports] = await once(child, 'message');
    for (const kind of KINDS) addresses[kind][id] = { host: '127.0.0.1', port: ports[kind] };
  }
  const transports = await transportsOf('a', certificates, addresses);
  transports.undici = createUndiciTransport('a', (member) => addresses.http[member]);
  const signal = new AbortController().signal;
  let count = 0;
  const ids = { next: () => `ballot-${(count += 1)}` };
  const contestants = {};
  for (const kind of CONTESTANTS) {
    const transport = transports[kind];
    const coordinator = createCoordinator(
      { self: 'a', membership, completeForMs: 0 },
      { clock, ids, log, transport, voter: voterOf('a') },
    );
    const question = {
      version: 1,
      decision_id: 'd',
      config_digest: 'digest',
      membership_epoch: 1,
      nonce: 'n',
      expires_at: 1,
      expires_in_ms: 5_000,
      coordinator: 'a',
      event,
      rule: 'echo',
    };
    contestants[`${kind} round trip`] = () => transport.ask('b', question, { signal });
    if (kind === 'plain')
      contestants[`${kind} first of two`] = () =>
        Promise.race(['b', 'c'].map((peer) => transport.ask(peer, question, { signal })));
    contestants[`${kind} ballot`] = async () => {
      const result = await coordinator.ballot(
        {
          decisionId: 'd',
          configDigest: 'digest',
          event,
          rule: 'host_down',
          deadlineAtMs: clock.monotonic() + 5_000,
        },
        { signal },
      );
      if (result.outcome !== 'reached') throw new Error(`a ballot over ${kind} was ${result.outcome}`);
    };
  }
  const bound = rule.prechecks;
  contestants['own prechecks'] = () =>
    evaluatePrechecks({
      prechecks: bound,
      event,
      target: undefined,
      fleet: {},
      probe: { zone: 'z' },
      clock,
      log,
      signal,
    });

  const cpuOfAll = async () => {
    let sum = cpuUs();
    for (const { child } of children) {
      child.send('cpu');
      const [used] = await once(child, 'message');
      sum += used;
    }
    return sum;
  };
  const rows = Object.fromEntries(
    Object.keys(contestants).map((name) => [name, { one: [], late: [], rate: [], cpu: [] }]),
  );
  const names = Object.keys(contestants);
  for (const name of names) await measure(contestants[name], { count: 600, width: 8 });
  for (let turn = 0; turn < names.length * ROUNDS; turn += 1) {
    const name = names[(turn + Math.floor(turn / names.length)) % names.length];
    const { times } = await measure(contestants[name], { count: 60, width: 1 });
    rows[name].one.push(quantile(times, 0.5));
    rows[name].late.push(quantile(times, 0.99));
    const before = await cpuOfAll();
    rows[name].rate.push((await measure(contestants[name], { count: 512, width: 64 })).perSecond);
    rows[name].cpu.push(((await cpuOfAll()) - before) / 512);
  }
  const table = names.map((name) => ({
    name,
    p50_us: round(quantile(rows[name].one, 0.5)),
    p99_us: round(quantile(rows[name].late, 0.5)),
    per_second_64: round(quantile(rows[name].rate, 0.5)),
    cpu_us_64: round(quantile(rows[name].cpu, 0.5)),
  }));
  console.table(table);
  // The ratio of each round, whose parts ran side by side; other programs on the machine hit both.
  const ratioOf = (what, above, below) =>
    round(
      quantile(
        rows[above][what].map((value, turn) => value / rows[below][what][turn]),
        0.5,
      ),
    );
  console.log(
    JSON.stringify({
      bench: 'votes',
      node: process.version,
      ballot_vs_round_trip_plain: ratioOf('one', 'plain ballot', 'plain round trip'),
      ballot_vs_first_of_two_plain: ratioOf('one', 'plain ballot', 'plain first of two'),
      ballot_vs_round_trip_tls: ratioOf('one', 'tls ballot', 'tls round trip'),
      ballot_vs_undici_64: ratioOf('rate', 'plain ballot', 'undici ballot'),
      tls_ballot_vs_undici_64: ratioOf('rate', 'tls ballot', 'undici ballot'),
      ballot_vs_node_http_64: ratioOf('rate', 'plain ballot', 'http ballot'),
      undici_vs_ballot_cpu_64: ratioOf('cpu', 'undici ballot', 'plain ballot'),
      undici_vs_tls_ballot_cpu_64: ratioOf('cpu', 'undici ballot', 'tls ballot'),
      tls_vs_plain_cpu_64: ratioOf('cpu', 'tls ballot', 'plain ballot'),
      tls_vs_plain_round_trip_p50: ratioOf('one', 'tls round trip', 'plain round trip'),
      tls_vs_plain_p50: ratioOf('one', 'tls ballot', 'plain ballot'),
    }),
  );
  for (const kind of CONTESTANTS) await transports[kind].close();
  for (const { child } of children) child.disconnect();
}

if (process.argv[2] === 'peer') await peer(process.argv[3]);
else await main();

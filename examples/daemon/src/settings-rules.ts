import type { z } from 'zod';

const LOOPBACK = ['127.0.0.1', 'localhost', '::1'];

interface Named {
  readonly id: string;
}

/** What of the settings depends on each other. */
interface Related {
  readonly listen: { readonly host: string };
  readonly plugins: readonly string[];
  readonly auth?: object | undefined;
  readonly nodes?: readonly Named[] | undefined;
  readonly node?: (Named & { readonly listen?: object | undefined }) | undefined;
  readonly peers: readonly Named[];
  readonly tls?: object | undefined;
  readonly stream: { readonly kind: string };
  readonly shared_state: { readonly kind: string; readonly grace?: number };
  readonly locks: { readonly ttl: number };
  readonly audit: { readonly file?: string | undefined };
  readonly engine: { readonly kind: string; readonly journal?: string | undefined };
}

type Problem = readonly [path: (string | number)[], message: string];

/** Says everything about settings that fit one by one and not together. */
export function refineNodes(settings: Related, context: z.RefinementCtx): void {
  const problems = [
    ...problemsOfPlugins(settings),
    ...problemsOfListener(settings),
    ...problemsOfNodes(settings),
    ...problemsOfPeers(settings),
    ...problemsOfRecords(settings),
    ...problemsOfGrace(settings),
  ];
  for (const [path, message] of problems) context.addIssue({ code: 'custom', path, message });
}

function* problemsOfPlugins({ plugins }: Related): Generator<Problem> {
  for (const [index, name] of plugins.entries())
    if (plugins.indexOf(name) !== index) yield [['plugins', index], `${name} is named twice`];
}

function* problemsOfListener({ auth, listen }: Related): Generator<Problem> {
  if (auth === undefined && !LOOPBACK.includes(listen.host))
    yield [['auth'], 'is needed when the API listens on more than this machine (listen.host)'];
}

function* problemsOfNodes({ nodes, node, peers }: Related): Generator<Problem> {
  if (nodes === undefined && node === undefined)
    yield [
      ['nodes'],
      'is missing: name all nodes of this process, or one as `node` and the others as `peers`',
    ];
  if (nodes !== undefined && node !== undefined)
    yield [['node'], 'cannot be given beside `nodes`: a process has all nodes, or one with `peers`'];
  const all = [...(nodes ?? []), ...(node === undefined ? [] : [node]), ...peers].map(({ id }) => id);
  const twice = all.find((id, index) => all.indexOf(id) !== index);
  if (twice !== undefined)
    yield [[peers.some(({ id }) => id === twice) ? 'peers' : 'nodes'], `two nodes are called ${twice}`];
}

function* problemsOfPeers(settings: Related): Generator<Problem> {
  const { node, peers, tls, stream, shared_state: shared } = settings;
  if (peers.length === 0) return;
  if (node === undefined) yield [['peers'], 'belong to a process of one node: name it as `node`'];
  else if (node.listen === undefined) yield [['node', 'listen'], 'is missing: peers ask there for votes'];
  if (tls === undefined)
    yield [
      ['tls'],
      'is missing: nodes vote over TLS only (lazarus dev-certs makes certificates for a laboratory)',
    ];
  if (shared.kind !== 'redis')
    yield [['shared_state'], 'must be redis: nodes in several processes share locks, windows and budgets'];
  if (stream.kind === 'embedded')
    yield [
      ['stream'],
      'is embedded in one process: nodes in several processes need kind kinesis or emulator',
    ];
}

/** A record of its own would hide from a node what the others have decided. Keeps S1, S9 and S11. */
function* problemsOfRecords({ peers, audit, engine }: Related): Generator<Problem> {
  if (peers.length === 0) return;
  if (audit.file === undefined)
    yield [
      ['audit', 'file'],
      'is missing: with peers all nodes record what they decided in one file, or an event that is handed out again is decided again by a node that does not know it; name the same file on one disk for every node',
    ];
  if (engine.kind === 'embedded' && engine.journal === undefined)
    yield [
      ['engine', 'journal'],
      'is missing: with peers all nodes keep runs in one file, or nobody takes over the runs of a node that dies; name the same file on one disk for every node, or use engine.kind restate',
    ];
}

function* problemsOfGrace({ shared_state: shared, locks, peers }: Related): Generator<Problem> {
  // A lock that Redis lost must have run out at its holder before anybody else is given it.
  if (peers.length > 0 && shared.grace !== undefined && shared.grace < locks.ttl)
    yield [['shared_state', 'grace'], `is shorter than a lock lives (locks.ttl, ${locks.ttl / 1000} s)`];
}

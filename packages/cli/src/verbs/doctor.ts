import { CliFailure } from '../cli-failure.ts';
import type { Answer, Client } from '../client/client.ts';
import { print, printJson } from '../context.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-code.ts';
import type { ExitCode } from '../exit-code.ts';
import { createPaint, oneLine } from '../render/paint.ts';

/** One thing that was looked at. */
interface Finding {
  readonly check: string;
  readonly ok: boolean;
  /** It works, with nothing to spare. */
  readonly degraded?: boolean;
  readonly detail: string;
}

/** How far the clock of a node may be from ours, milliseconds: half of what events may be dated in the future. */
const MAX_SKEW_MS = 15_000;
const OLDEST_NODE = [22, 13] as const;

/** Looks at this machine and at a node, and says what is wrong with either. */
export async function doctor(
  options: { readonly output: 'text' | 'json' },
  context: Context,
): Promise<ExitCode> {
  const { terminal } = context;
  const client = await context.connect();
  const local = [nodeVersion(process.versions.node)];
  const remote = await examine(client, context);
  const findings = [...local, ...remote];
  if (options.output === 'json') printJson(terminal, { ok: findings.every(({ ok }) => ok), findings });
  else for (const finding of findings) print(terminal, renderFinding(finding, terminal.color));
  if (findings.every(({ ok }) => ok)) return EXIT.ok;
  return findings.some(({ check, ok }) => check === 'reachable' && !ok) ? EXIT.unreachable : EXIT.failed;
}

async function examine(client: Client, { terminal }: Context): Promise<readonly Finding[]> {
  const startedMs = terminal.now();
  try {
    const ready = await client.ask('GET', '/readyz');
    const reachable = {
      check: 'reachable',
      ok: true,
      detail: `${client.url} in ${terminal.now() - startedMs} ms`,
    };
    return [reachable, clockSkew(ready, terminal.now()), ...readiness(ready), await configuration(client)];
  } catch (error) {
    if (!(error instanceof CliFailure) || error.exitCode !== EXIT.unreachable) throw error;
    return [{ check: 'reachable', ok: false, detail: error.message }];
  }
}

function nodeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const ok = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  return {
    check: 'node.js',
    ok,
    detail: ok ? version : `${version}, needed is ${OLDEST_NODE.join('.')} or later`,
  };
}

function clockSkew({ headers }: Answer, nowMs: number): Finding {
  const dateMs = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(dateMs))
    return { check: 'clock', ok: false, detail: 'the node does not say what time it has' };
  const skewMs = Math.abs(nowMs - dateMs);
  const ok = skewMs <= MAX_SKEW_MS;
  return {
    check: 'clock',
    ok,
    detail: ok ? 'agrees with this machine' : `${Math.round(skewMs / 1_000)} s apart from this machine`,
  };
}

interface Ready {
  readonly node: { readonly name: string; readonly region: string; readonly version: string };
  readonly checks: readonly {
    readonly name: string;
    readonly ok: boolean;
    readonly degraded?: boolean;
    readonly detail: string;
  }[];
}

function readiness({ body }: Answer): readonly Finding[] {
  const { node, checks } = body as Partial<Ready>;
  if (node === undefined || checks === undefined) {
    return [{ check: 'lazarus', ok: false, detail: 'what answers there is no node of Lazarus' }];
  }
  return [
    { check: 'lazarus', ok: true, detail: `${node.version}, node ${node.name} in ${node.region}` },
    ...checks.map(({ name, ok, degraded = false, detail }) => ({ check: name, ok, degraded, detail })),
  ];
}

async function configuration(client: Client): Promise<Finding> {
  const { status, body } = await client.ask('GET', '/v1/config');
  if (status === 401)
    return {
      check: 'token',
      ok: false,
      detail: 'missing or wrong: give it with --token-file or LAZARUS_TOKEN',
    };
  const { digest, rules = [] } = body as { digest?: string | null; rules?: readonly string[] };
  if (status !== 200) return { check: 'config digest', ok: false, detail: `the node answered ${status}` };
  if (digest === null || digest === undefined) {
    return { check: 'config digest', ok: false, detail: 'there is no valid one: the node only observes' };
  }
  return { check: 'config digest', ok: true, detail: `${digest.slice(0, 12)} with ${rules.length} rules` };
}

function renderFinding({ check, ok, degraded = false, detail }: Finding, color: boolean): string {
  const paint = createPaint({ color });
  const mark = ok ? (degraded ? paint.yellow('warn') : paint.green('ok  ')) : paint.red('FAIL');
  return `${mark}  ${oneLine(check).padEnd(14)}  ${oneLine(detail)}`;
}

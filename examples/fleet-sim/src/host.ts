/**
 * The program that plays one host: a process of its own with a real HTTP server on a loopback port.
 *
 * `GET /` is the service it serves, `GET /work?ms=…` a slow answer of it, and `GET /health` aggregates its checks:
 * 200 when all pass, else 503 with the failing ones. One check asks the shared dependency over HTTP.
 *
 * It obeys one JSON line per command on standard input. When that closes (the region died, however it died), the
 * host ends, so that no host outlives its region. It imports nothing but Node, to start fast.
 */
import { createServer, get } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
}

const { values } = parseArgs({
  options: {
    instance: { type: 'string', default: 'i-unknown' },
    name: { type: 'string', default: 'host' },
    service: { type: 'string', default: 'unassigned' },
    zone: { type: 'string', default: '' },
    port: { type: 'string', default: '0' },
    dependency: { type: 'string', default: '' },
    ailment: { type: 'string' },
  },
});

const DEPENDENCY_TIMEOUT_MS = 1_500;
let ailment = values.ailment;

async function askDependency(): Promise<Check> {
  const name = 'shared-dependency';
  try {
    const status = await statusOf(values.dependency);
    return status === 200
      ? { name, ok: true }
      : { name, ok: false, detail: `answered ${status ?? 'nothing'}` };
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

/** By `node:http`, because `fetch` would cost each host some 15 MB. */
async function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false, signal: AbortSignal.timeout(DEPENDENCY_TIMEOUT_MS) }, (reply) => {
      reply.on('error', reject).resume();
      resolve(reply.statusCode);
    }).on('error', reject);
  });
}

async function answerHealth(response: ServerResponse): Promise<void> {
  const own: Check =
    ailment === undefined
      ? { name: 'application', ok: true }
      : { name: 'application', ok: false, detail: ailment };
  const checks = values.dependency === '' ? [own] : [own, await askDependency()];
  const failing = checks.filter((check) => !check.ok);
  const status = failing.length === 0 ? 'healthy' : 'unhealthy';
  answer(response, failing.length === 0 ? 200 : 503, {
    status,
    host: values.name,
    instance_id: values.instance,
    failing: failing.map((check) => check.name),
    checks,
  });
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-served-by': values.instance });
  response.end(`${JSON.stringify(body)}\n`);
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://host');
  const page = {
    service: values.service,
    host: values.name,
    instance_id: values.instance,
    zone: values.zone,
  };
  request.resume();
  if (url.pathname === '/health') void answerHealth(response);
  else if (url.pathname === '/') answer(response, 200, page);
  else if (url.pathname === '/work') {
    const ms = Math.min(Number(url.searchParams.get('ms') ?? 0) || 0, 60_000);
    setTimeout(() => answer(response, 200, { ...page, worked_ms: ms }), ms);
  } else answer(response, 404, { error: `no page ${url.pathname}` });
}

const server = createServer(serve);

function listen(port: number): void {
  server.once('error', (error: NodeJS.ErrnoException) => {
    // The port of the life before may be taken by now; any other does as well.
    if (error.code === 'EADDRINUSE' && port !== 0) listen(0);
    else throw error;
  });
  server.listen(port, '127.0.0.1', () => {
    process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
  });
}

/** A host that is shut down in order ends its requests first. */
function shutDown(): void {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
}

process.on('SIGTERM', shutDown);
// Ctrl-C reaches the whole terminal group; the region decides when its hosts end.
process.on('SIGINT', () => undefined);
process.stdout.on('error', () => process.exit(0));

const commands = createInterface({ input: process.stdin });
commands.on('line', (line) => {
  const command = JSON.parse(line) as { ailment?: string };
  ailment = command.ailment;
});
commands.on('close', () => process.exit(0));

listen(Number(values.port));

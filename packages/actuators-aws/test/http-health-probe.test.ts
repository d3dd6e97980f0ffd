import type { HealthReport } from '@lazarus/core/ports';
import { aHost } from '@lazarus/testing';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpHealthProbe } from '../src/index.ts';

const probe = createHttpHealthProbe({ zone: 'us-east-1a' });
const { signal } = new AbortController();
const open: { close(): void; closeAllConnections?(): void }[] = [];

afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections?.();
    server.close();
  }
});

async function portOf(server: Pick<Server, 'listen' | 'address' | 'close'>): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return (server.address() as AddressInfo).port;
}

/** Serves `answer` and probes it. */
async function probeServer(answer: RequestListener, timeoutMs = 2_000): Promise<HealthReport> {
  const port = await portOf(createServer(answer));
  return probeUrl(`http://127.0.0.1:${port}/health`, timeoutMs);
}

function probeUrl(healthUrl: string, timeoutMs = 2_000): Promise<HealthReport> {
  return probe.probe(aHost({ healthUrl }), { timeoutMs, signal });
}

describe('health probe over HTTP', () => {
  it('finds a host healthy that answers 200 or 204', async () => {
    for (const status of [200, 204]) {
      expect(await probeServer((_request, reply) => reply.writeHead(status).end())).toMatchObject({
        status: 'healthy',
        detail: `answered ${status}`,
      });
    }
  });

  it('finds a host unhealthy that answers 404, 500 or 503, and names the failing checks', async () => {
    for (const status of [404, 500, 503]) {
      const body = JSON.stringify({ failing: ['disk', 'queue\nforged line'] });
      expect(await probeServer((_request, reply) => reply.writeHead(status).end(body))).toMatchObject({
        status: 'unhealthy',
        detail: `answered ${status}: failing disk, queue forged line`,
      });
    }
  });

  it('does not follow a redirect, and does not take one for healthy', async () => {
    let followed = 0;
    const elsewhere = await portOf(
      createServer((_request, reply) => {
        followed += 1;
        reply.end('ok');
      }),
    );
    const location = `http://127.0.0.1:${elsewhere}/`;
    const report = await probeServer((_request, reply) => reply.writeHead(302, { location }).end());
    expect(report.status).toBe('unhealthy');
    expect(followed).toBe(0);
  });

  it('finds a host unreachable whose port is closed', async () => {
    const server = createServer();
    const port = await portOf(server);
    await new Promise((resolve) => server.close(resolve));
    open.pop();
    expect(await probeUrl(`http://127.0.0.1:${port}/health`)).toMatchObject({
      status: 'unreachable',
      detail: 'ECONNREFUSED',
    });
  });

  it('finds a host unreachable that accepts and does not answer within 60 ms', async () => {
    const report = await probeServer(() => undefined, 60);
    expect(report).toMatchObject({ status: 'unreachable', detail: 'no answer within 60 ms' });
    expect(report.latencyMs).toBeGreaterThanOrEqual(55);
  });

  it('finds a host unreachable that begins an answer and never ends it', async () => {
    const report = await probeServer((_request, reply) => reply.writeHead(200).write('o'), 60);
    expect(report).toMatchObject({ status: 'unreachable', detail: 'no answer within 60 ms' });
  });

  it('finds a host unreachable that cuts the connection', async () => {
    const report = await probeServer((request) => request.socket.destroy());
    expect(report).toMatchObject({ status: 'unreachable', detail: 'ECONNRESET' });
  });

  it('finds a host unhealthy that does not speak HTTP', async () => {
    const server = createSocketServer((socket) => {
      socket.on('error', () => undefined);
      socket.end('SSH-2.0-OpenSSH\r\n');
    });
    const port = await portOf(server as never);
    expect((await probeUrl(`http://127.0.0.1:${port}/health`)).status).toBe('unhealthy');
  });

  it('reads 16 KB of an endless answer and then lets go of it', async () => {
    let sent = 0;
    const ended = new Promise<void>((resolve) => {
      const answer: RequestListener = (request, reply) => {
        request.socket.on('close', () => resolve());
        const more = (): void => {
          while (!reply.destroyed && reply.write('x'.repeat(1_024))) sent += 1_024;
        };
        reply.writeHead(503).on('drain', more);
        more();
      };
      void probeServer(answer).then((report) => {
        expect(report.status).toBe('unhealthy');
        expect(report.detail.length).toBe(200);
      });
    });
    await ended;
    expect(sent).toBeLessThan(64 * 1_024 * 1_024);
  });

  it('opens a connection of its own for each probe', async () => {
    let connections = 0;
    const server = createServer((_request, reply) => reply.end('ok'));
    server.on('connection', () => (connections += 1));
    const port = await portOf(server);
    for (let n = 0; n < 3; n += 1) await probeUrl(`http://127.0.0.1:${port}/`);
    expect(connections).toBe(3);
  });

  it('probes ports that browsers refuse, such as 6000', async () => {
    expect((await probeUrl('http://127.0.0.1:6000/health', 500)).detail).toBe('ECONNREFUSED');
  });

  it('rejects with the reason of its signal, before and during a probe', async () => {
    const port = await portOf(createServer(() => undefined));
    const host = aHost({ healthUrl: `http://127.0.0.1:${port}/` });
    const reason = new Error('shutting down');
    const aborted = probe.probe(host, { timeoutMs: 5_000, signal: AbortSignal.abort(reason) });
    await expect(aborted).rejects.toBe(reason);
    const controller = new AbortController();
    const running = probe.probe(host, { timeoutMs: 5_000, signal: controller.signal });
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
  });

  it.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://2852039166/',
    'http://[::ffff:169.254.169.254]/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
    'http://8.8.8.8/',
    'http://user:password@127.0.0.1/',
    'ftp://127.0.0.1/',
    'file:///etc/passwd',
    'not a url',
    '/health',
  ])('refuses %s, which says nothing about the host', async (url) => {
    await expect(probeUrl(url)).rejects.toMatchObject({ code: 'LZ_PROBE_REFUSED', retryable: false });
  });

  it('refuses a host without a URL for now: its tags may come', async () => {
    const { healthUrl: _healthUrl, ...host } = aHost();
    const outcome = probe.probe(host, { timeoutMs: 100, signal });
    await expect(outcome).rejects.toMatchObject({ code: 'LZ_PROBE_REFUSED', retryable: true });
  });

  it('refuses a name that leads outside the allowed subnets', async () => {
    const strict = createHttpHealthProbe({ zone: 'a', allow: ['10.0.0.0/8'] });
    const outcome = strict.probe(aHost({ healthUrl: 'http://localhost:1/' }), { timeoutMs: 2_000, signal });
    await expect(outcome).rejects.toMatchObject({ code: 'LZ_PROBE_REFUSED' });
  });

  it('never calls a link-local address, also when the options allow it', async () => {
    const open = createHttpHealthProbe({ zone: 'a', allow: ['0.0.0.0/0', '::/0'] });
    const outcome = open.probe(aHost({ healthUrl: 'http://169.254.169.254/' }), { timeoutMs: 500, signal });
    await expect(outcome).rejects.toMatchObject({ code: 'LZ_PROBE_REFUSED' });
  });

  it('takes a name that cannot be resolved for a failure of this node and not for a dead host', async () => {
    const outcome = probeUrl('http://no-such-host.invalid/');
    await expect(outcome).rejects.toMatchObject({ code: 'LZ_PROBE_FAILED', retryable: true });
  });
});

/**
 * Probes healthchecks over HTTP from the zone of this node.
 *
 * The URL comes from the provider's inventory, never from an event; it is still looked at twice, because inventory is
 * data, too: only `http:` and `https:`, no credentials in it, no link-local address (instance metadata), no redirects,
 * and never more than a few kilobytes of an answer.
 */
import { isIP } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { HealthProbe, HealthReport, Host } from '@lazarus/core/ports';

const MAX_BODY_BYTES = 4_096;
const MAX_DETAIL = 200;

/** Creates a probe for one zone. */
export function createHttpHealthProbe(options: { readonly zone: string }): HealthProbe {
  return {
    zone: options.zone,
    async probe(host, { timeoutMs, signal }) {
      signal.throwIfAborted();
      const startedMs = performance.now();
      const report = (status: HealthReport['status'], detail: string): HealthReport => ({
        status,
        latencyMs: Math.round(performance.now() - startedMs),
        detail: detail.slice(0, MAX_DETAIL),
      });
      const url = safeUrl(host);
      if (typeof url === 'string') return report('unreachable', url);
      try {
        const reply = await fetch(url, {
          redirect: 'manual',
          headers: { 'user-agent': 'lazarus-health-probe' },
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        });
        const body = await readSome(reply);
        return report(reply.ok ? 'healthy' : 'unhealthy', `${reply.status} ${body}`.trim());
      } catch (error) {
        // The probe was called off, which says nothing about the host.
        signal.throwIfAborted();
        return report('unreachable', reasonOf(error, timeoutMs));
      }
    },
  };
}

function safeUrl(host: Host): URL | string {
  if (host.healthUrl === undefined) return `the inventory has no health URL for ${host.name}`;
  const url = URL.canParse(host.healthUrl) ? new URL(host.healthUrl) : undefined;
  if (url === undefined) return `the inventory has no valid health URL for ${host.name}`;
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `${url.protocol} is not probed`;
  if (url.username !== '' || url.password !== '') return 'a health URL with credentials is not probed';
  if (isLinkLocal(url.hostname)) return 'a link-local address is not probed';
  return url;
}

/** 169.254.0.0/16 in each of its spellings, and fe80::/10. The URL parser has already made one form of the rest. */
function isLinkLocal(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (isIP(address) === 4) return address.startsWith('169.254.');
  if (isIP(address) !== 6) return false;
  return (
    /^fe[89ab]/.test(address) ||
    address.includes('ffff:a9fe:') ||
    address === 'fd00:ec2::254' ||
    address.startsWith('64:ff9b::a9fe:')
  );
}

async function readSome(reply: Response): Promise<string> {
  if (reply.body === null) return '';
  const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    bytes += chunk.value.byteLength;
    text += decoder.decode(chunk.value, { stream: true });
    if (bytes > MAX_BODY_BYTES) {
      await reader.cancel();
      break;
    }
  }
  return text.replace(/\p{Cc}+/gu, ' ');
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

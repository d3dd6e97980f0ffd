/**
 * Signed requests: `X-Lazarus-Signature: v1=<hex>` is the HMAC-SHA256 of `<timestamp>.<body>`, and
 * `X-Lazarus-Timestamp` is that timestamp in seconds since 1970. A request is good for five minutes around its timestamp
 * and once: see `replay-cache.ts`. Several `v1=` values, separated by commas, may be sent while a key is being replaced.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Names of the headers of a signed request. */
export const SIGNATURE_HEADERS = {
  signature: 'x-lazarus-signature',
  timestamp: 'x-lazarus-timestamp',
} as const;

/** How far the timestamp of a signed request may be from our time, milliseconds. @remarks Source: Slack, Stripe: 5 min. */
export const SIGNATURE_WINDOW_MS = 300_000;

/** Most signatures of one header that are looked at. */
const MAX_SIGNATURES = 8;

/** Outcome of {@link verifySignature}. */
export type SignatureCheck =
  /** `seal` names this request for the replay cache: the same bytes at the same second, whatever key signed them. */
  | { readonly ok: true; readonly seal: string; readonly signedAtMs: number }
  | { readonly ok: false; readonly reason: string };

/** What {@link verifySignature} looks at. */
export interface SignedRequest {
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** Live keys: the one in use, and the one before or after it. */
  readonly keys: readonly string[];
  /** Wall time, milliseconds since 1970. */
  readonly nowMs: number;
}

/** Checks time and signature of a request; every key is tried in the same time. Pure. Keeps S18. */
export function verifySignature({ headers, body, keys, nowMs }: SignedRequest): SignatureCheck {
  const timestamp = headers.get(SIGNATURE_HEADERS.timestamp) ?? '';
  if (!/^\d{1,12}$/.test(timestamp))
    return { ok: false, reason: `${SIGNATURE_HEADERS.timestamp} is not a time in seconds since 1970` };
  const signedAtMs = Number(timestamp) * 1000;
  if (Math.abs(nowMs - signedAtMs) > SIGNATURE_WINDOW_MS)
    return { ok: false, reason: 'the request was signed more than 5 minutes ago, or in the future' };
  const given = signaturesIn(headers.get(SIGNATURE_HEADERS.signature) ?? '');
  let matches = 0;
  for (const key of keys) {
    const expected = mac(key, timestamp, body);
    for (const candidate of given) matches += timingSafeEqual(expected, candidate) ? 1 : 0;
  }
  if (matches === 0) return { ok: false, reason: 'the signature is not that of this body and time' };
  const seal = createHash('sha256').update(`${timestamp}.`).update(body).digest('base64');
  return { ok: true, signedAtMs, seal };
}

/**
 * Signs a request as {@link verifySignature} expects it.
 *
 * @param nowMs - Wall time, milliseconds since 1970.
 * @returns The headers to send.
 * @example
 * ```ts
 * const body = JSON.stringify(event);
 * await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...signRequest(key, body, nowMs) } });
 * ```
 */
export function signRequest(
  key: string,
  body: string | Uint8Array,
  nowMs: number,
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(nowMs / 1000));
  return {
    [SIGNATURE_HEADERS.timestamp]: timestamp,
    [SIGNATURE_HEADERS.signature]: `v1=${mac(key, timestamp, body).toString('hex')}`,
  };
}

/** The `v1=<64 hex digits>` values of a signature header, as bytes; anything else in it is passed over. */
export function signaturesIn(header: string): readonly Buffer[] {
  return header
    .split(',', MAX_SIGNATURES)
    .map((part) => /^v1=(?<hex>[0-9a-f]{64})$/i.exec(part.trim())?.groups?.['hex'])
    .filter((hex) => hex !== undefined)
    .map((hex) => Buffer.from(hex, 'hex'));
}

function mac(key: string, timestamp: string, body: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(`${timestamp}.`).update(body).digest();
}

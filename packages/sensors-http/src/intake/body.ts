import type { Issue } from '@lazarus/core';
import type { IntakeProblem } from '../problem.ts';

/** A part of a request, or why the request is refused. */
export type Read<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: IntakeProblem };

/** Refuses a request whose body is wrong. */
export function refuseBody(issues: readonly Issue[]): {
  readonly ok: false;
  readonly problem: IntakeProblem;
} {
  const detail = issues.map(({ path, message }) => `${path} ${message}`.trim()).join('; ');
  return {
    ok: false,
    problem: { code: 'invalid_request', message: `the body was refused: ${detail}`, issues },
  };
}

/** The media type of a request, without its parameters. */
export function mediaTypeOf(headers: Headers): string {
  return (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/**
 * Reads a body of at most `maxBytes`, and stops reading as soon as it is larger. Keeps L5.
 */
export async function readBytes(request: Request, maxBytes: number): Promise<Read<Uint8Array>> {
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity') {
    const message = `send the body without content-encoding, found ${JSON.stringify(encoding.slice(0, 60))}`;
    return { ok: false, problem: { code: 'unsupported_media_type', message } };
  }
  const tooLarge: IntakeProblem = { code: 'too_large', message: `the body is larger than ${maxBytes} bytes` };
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return { ok: false, problem: tooLarge };
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> | null = request.body;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return { ok: false, problem: tooLarge };
    chunks.push(chunk);
  }
  return { ok: true, value: Buffer.concat(chunks) };
}

/** Reads JSON from the bytes of a body; UTF-8 that is none is refused, not repaired. */
export function readJson(bytes: Uint8Array): Read<unknown> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch (error) {
    return refuseBody([{ path: '', message: `is not JSON: ${(error as Error).message}` }]);
  }
}

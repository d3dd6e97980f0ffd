/**
 * Frames on a connection: 4 bytes length of what follows, 1 byte kind, 4 bytes correlation id, then JSON in UTF-8. All
 * numbers are big-endian.
 */

/** What a frame carries. `hello` names the sender where no certificate does. */
export type FrameKind = 'hello' | 'question' | 'answer' | 'refusal';

/** One frame. */
export interface Frame {
  readonly kind: FrameKind;
  /** The answer to a question carries the question's id. */
  readonly correlation: number;
  readonly body: Buffer;
}

const KINDS: readonly FrameKind[] = ['hello', 'question', 'answer', 'refusal'];
const LENGTH_BYTES = 4;
const HEADER_BYTES = 5;

/** Most bytes of one frame after its length: an event of 256 KB and what surrounds it. */
export const MAX_FRAME_BYTES = 524_288;

/** Writes what precedes a body of this many bytes. */
export function frameHead(kind: FrameKind, correlation: number, bodyBytes: number): Buffer {
  const head = Buffer.allocUnsafe(LENGTH_BYTES + HEADER_BYTES);
  writeHead(head, kind, correlation, bodyBytes);
  return head;
}

/** Writes one frame. */
export function encodeFrame(kind: FrameKind, correlation: number, body: unknown): Buffer {
  const text = JSON.stringify(body);
  const bytes = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + HEADER_BYTES + bytes);
  writeHead(frame, kind, correlation, bytes);
  frame.write(text, LENGTH_BYTES + HEADER_BYTES);
  return frame;
}

function writeHead(to: Buffer, kind: FrameKind, correlation: number, bodyBytes: number): void {
  to.writeUInt32BE(HEADER_BYTES + bodyBytes, 0);
  to.writeUInt8(KINDS.indexOf(kind), LENGTH_BYTES);
  to.writeUInt32BE(correlation, LENGTH_BYTES + 1);
}

/** State of a reader: bytes that are not a whole frame yet. A state is read on from once, because its room is written to. */
export interface FrameReader {
  readonly pending: Buffer;
  /** Where they lie; it begins with them, and has room for more. */
  readonly room: Buffer;
}

const NOTHING = Buffer.alloc(0);

/** Nothing read yet. */
export const EMPTY_READER: FrameReader = { pending: NOTHING, room: NOTHING };

/** Takes the next bytes and returns the frames that are complete; a frame that cannot be right ends the connection. */
export function readFrames(
  state: FrameReader,
  chunk: Buffer,
): {
  readonly state: FrameReader;
  readonly verdict:
    | { readonly ok: true; readonly frames: readonly Frame[] }
    | { readonly ok: false; readonly reason: string };
} {
  const read = append(state, chunk);
  let rest = read.pending;
  const frames: Frame[] = [];
  while (rest.length >= LENGTH_BYTES) {
    const length = rest.readUInt32BE(0);
    if (length < HEADER_BYTES || length > MAX_FRAME_BYTES) {
      return { state: EMPTY_READER, verdict: { ok: false, reason: `a frame of ${length} bytes` } };
    }
    if (rest.length < LENGTH_BYTES + length) break;
    const kind = KINDS[rest.readUInt8(LENGTH_BYTES)];
    if (kind === undefined)
      return { state: EMPTY_READER, verdict: { ok: false, reason: 'a frame of unknown kind' } };
    frames.push({
      kind,
      correlation: rest.readUInt32BE(LENGTH_BYTES + 1),
      body: rest.subarray(LENGTH_BYTES + HEADER_BYTES, LENGTH_BYTES + length),
    });
    rest = rest.subarray(LENGTH_BYTES + length);
  }
  return { state: frames.length === 0 ? read : { pending: rest, room: rest }, verdict: { ok: true, frames } };
}

/** The room doubles: a peer that sends byte by byte makes no more copies than one that sends all at once (L5). */
function append({ pending, room }: FrameReader, chunk: Buffer): FrameReader {
  if (pending.length === 0) return { pending: chunk, room: chunk };
  const bytes = pending.length + chunk.length;
  let place = room;
  if (bytes > place.length) {
    place = Buffer.allocUnsafe(2 * bytes);
    pending.copy(place);
  }
  chunk.copy(place, pending.length);
  return { pending: place.subarray(0, bytes), room: place };
}

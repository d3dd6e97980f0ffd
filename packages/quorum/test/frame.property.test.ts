import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_READER, encodeFrame, MAX_FRAME_BYTES, readFrames } from '../src/transports/frame.ts';

describe('frames', () => {
  it('come out as they went in, however the bytes are cut', () => {
    const frames = fc.array(
      fc.record({
        kind: fc.constantFrom('question' as const, 'answer' as const, 'refusal' as const, 'hello' as const),
        correlation: fc.integer({ min: 0, max: 0xffff_ffff }),
        body: fc.json().map((text) => JSON.parse(text) as unknown),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(
        frames,
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 50 }),
        (sent, cuts) => {
          const bytes = Buffer.concat(
            sent.map(({ kind, correlation, body }) => encodeFrame(kind, correlation, body)),
          );
          let reader = EMPTY_READER;
          const received: unknown[] = [];
          for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
            const size = cuts[cut % cuts.length]!;
            const step = readFrames(reader, bytes.subarray(at, at + size));
            reader = step.state;
            expect(step.verdict.ok).toBe(true);
            if (step.verdict.ok)
              received.push(
                ...step.verdict.frames.map((frame) => ({
                  ...frame,
                  body: JSON.parse(frame.body.toString()) as unknown,
                })),
              );
            at += size;
          }
          expect(received).toEqual(sent);
          expect(reader.pending.length).toBe(0);
        },
      ),
    );
  });

  it('of the largest size that come byte by byte are copied 20 times at most, not once per byte (L5)', () => {
    const bytes = encodeFrame('question', 7, 'x'.repeat(MAX_FRAME_BYTES - 16));
    let reader = EMPTY_READER;
    const rooms = new Set<Buffer>();
    let received = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const { state, verdict } = readFrames(reader, bytes.subarray(at, at + 1));
      reader = state;
      rooms.add(state.room);
      if (verdict.ok) received += verdict.frames.length;
    }
    expect(received).toBe(1);
    expect(rooms.size).toBeLessThanOrEqual(22);
  });

  it('that were read keep their bytes while more is read', () => {
    const one = encodeFrame('question', 1, 'first');
    const two = encodeFrame('question', 2, 'second');
    const first = readFrames(
      readFrames(EMPTY_READER, one.subarray(0, 3)).state,
      Buffer.concat([one.subarray(3), two.subarray(0, 6)]),
    );
    const second = readFrames(first.state, Buffer.from(two.subarray(6)));
    const bodies = [first, second].flatMap(({ verdict }) => (verdict.ok ? verdict.frames : []));
    expect(bodies.map(({ body }) => JSON.parse(body.toString()) as unknown)).toEqual(['first', 'second']);
  });

  it('of an impossible length or kind are refused before their bytes are waited for (L5)', () => {
    const tooLong = Buffer.alloc(4);
    tooLong.writeUInt32BE(MAX_FRAME_BYTES + 1);
    expect(readFrames(EMPTY_READER, tooLong).verdict).toEqual({
      ok: false,
      reason: `a frame of ${MAX_FRAME_BYTES + 1} bytes`,
    });
    expect(readFrames(EMPTY_READER, Buffer.from([0, 0, 0, 1, 0])).verdict.ok).toBe(false);
    expect(readFrames(EMPTY_READER, Buffer.from([0, 0, 0, 5, 9, 0, 0, 0, 1])).verdict.ok).toBe(false);
    expect(readFrames(EMPTY_READER, Buffer.from('GET / HTTP/1.1\r\n')).verdict.ok).toBe(false);
  });
});

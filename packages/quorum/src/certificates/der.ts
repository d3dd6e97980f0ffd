/** The few pieces of DER (ITU-T X.690) that a certificate is written with. */

const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  sequence: 0x30,
  set: 0x31,
  boolean: 0x01,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const;

/** One element: tag, length, contents. */
function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const digits: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) digits.unshift(rest & 0xff);
  return Buffer.from([0x80 | digits.length, ...digits]);
}

/** Elements in their order. */
export const sequence = (...items: readonly Uint8Array[]): Buffer => element(TAG.sequence, ...items);

/** One element as a set. */
export const set = (item: Uint8Array): Buffer => element(TAG.set, item);

/** A context-specific constructed element (`[0]`, `[3]`). */
export const tagged = (number: number, ...items: readonly Uint8Array[]): Buffer =>
  element(0xa0 | number, ...items);

/** A context-specific primitive element (the form of names in extensions). */
export const taggedText = (number: number, text: Uint8Array): Buffer => element(0x80 | number, text);

/** A non-negative whole number from its bytes, most significant first. */
export function unsigned(bytes: Uint8Array): Buffer {
  const firstUsed = bytes.findIndex((byte) => byte !== 0);
  const digits = firstUsed < 0 ? Buffer.from([0]) : Buffer.from(bytes.subarray(firstUsed));
  // A leading one bit would make it negative.
  const needsZero = (digits[0] ?? 0) >= 0x80;
  return element(TAG.integer, needsZero ? Buffer.concat([Buffer.from([0]), digits]) : digits);
}

/** An object identifier from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const digits = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return element(TAG.oid, Buffer.from(bytes));
}

/** `TRUE`. */
export const yes = (): Buffer => element(TAG.boolean, Buffer.from([0xff]));

/** Text. */
export const utf8 = (text: string): Buffer => element(TAG.utf8, Buffer.from(text, 'utf8'));

/** Bytes. */
export const octets = (bytes: Uint8Array): Buffer => element(TAG.octetString, bytes);

/** Bits; `unusedBits` of the last byte do not count. */
export const bits = (bytes: Uint8Array, unusedBits = 0): Buffer =>
  element(TAG.bitString, Buffer.from([unusedBits]), bytes);

/** An instant, in the form that RFC 5280 demands for its year. */
export function time(atMs: number): Buffer {
  const digits = new Date(atMs)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '');
  const isShort = new Date(atMs).getUTCFullYear() < 2050;
  return element(
    isShort ? TAG.utcTime : TAG.generalizedTime,
    Buffer.from(isShort ? digits.slice(2) : digits, 'ascii'),
  );
}
